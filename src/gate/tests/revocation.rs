//! Where revocation and qualification stand in the order of checks, and what is found on the way.

use super::*;
use crate::certificate::{
    mint::{tagged, with as with_extension},
    revocation::{Depth, Issued, Method as AskedBy, Revocations, Standing, Status},
};

/// One standing for every certificate.
#[derive(Clone, Copy)]
pub(super) struct Told(pub(super) Standing);

impl Revocations for Told {
    fn standing(&self, _: &Arc<Issued>, _: UnixTime) -> Standing {
        self.0
    }
}

const GOOD: Standing = Standing::Known { status: Status::Good, method: AskedBy::Ocsp, stale: false };

fn revoked() -> Standing {
    let status = Status::Revoked { since: mint::at(0), reason: None };
    Standing::Known { status, method: AskedBy::Ocsp, stale: false }
}

/// A world in which this is known of every certificate, and has to be good.
fn world(standing: Standing) -> World {
    let mut world = World::new();
    world.gate.revocation = RevocationPolicy::Demanded { depth: Depth::Leaf, allow_unavailable: false };
    world.revocations = Told(standing);
    world
}

#[test]
fn certificate_that_is_not_revoked_is_permitted() {
    let world = world(GOOD);
    let Judgement { verdict, findings } = world.judge(&world.alice(), &[]);
    assert!(matches!(verdict, Verdict::Permit(_)), "{verdict:?}");
    assert_eq!(findings.grounds, Some(Grounds::Good { method: AskedBy::Ocsp, cached: true, stale: false }));
    assert!(findings.certificate.is_some());
}

#[test]
fn revoked_certificate_is_found_for_the_record_and_for_nothing_else() {
    let world = world(revoked());
    for path in ["/accounts/1", "/certificate-only", "/token-only"] {
        let shown = with(world.alice(), |shown| shown.path = path);
        let Judgement { verdict, findings } = world.judge(&shown, &[]);
        assert!(matches!(verdict, Verdict::Deny(Denial::CertificateRevoked { .. })), "{path}: {verdict:?}");
        assert!(findings.certificate.is_none() && findings.binding.is_none());
        assert!(findings.shown.is_some());
        assert_eq!(findings.grounds, Some(Grounds::Revoked { method: AskedBy::Ocsp, cached: true }));
    }
    let open = with(world.alice(), |shown| shown.path = "/open");
    assert_eq!(world.code(&open), None);
}

#[test]
fn issuer_is_asked_once_and_then_the_certificate_is_refused() {
    let world = world(Standing::NotAsked);

    let Verdict::Ask(question) = world.judge(&world.alice(), &[]).verdict else { panic!("nothing was asked") };
    let Question::Revocation(about) = &question else { panic!("{question:?}") };
    let answered = [Answer::Revocation(Arc::clone(about), Standing::NotAsked)];
    let second = world.judge(&world.alice(), &answered).verdict;
    let of_mallory = with(world.alice(), |shown| shown.certificate = Some(header_value(&world.mallory)));
    let other = world.judge(&of_mallory, &answered).verdict;

    assert!(matches!(second, Verdict::Deny(Denial::RevocationUnknown { .. })), "{second:?}");
    assert!(matches!(&other, Verdict::Ask(asked) if *asked != question), "{other:?}");
}

/// The path is judged before its issuer is asked, and that before qualification, token, binding, and roles.
#[test]
fn revocation_answers_in_its_turn() {
    let mut world = world(revoked());
    world.gate.eidas.require = Requirement::Psd2;
    let wrong_token = with(world.alice(), |shown| {
        (shown.path, shown.token) = ("/licensed", Some(world.token(&json!({"exp": 1}))));
    });
    let wrong_certificate = with(wrong_token.clone(), |shown| shown.now = NOW + 3 * YEAR);
    assert_eq!(world.code(&wrong_certificate), Some("certificate_expired"));
    assert_eq!(world.code(&wrong_token), Some("certificate_revoked"));
    world.revocations = Told(Standing::Unknown);
    assert_eq!(world.code(&wrong_token), Some("revocation_unknown"));
    world.revocations = Told(GOOD);
    assert_eq!(world.code(&wrong_token), Some("certificate_not_qualified"));
    world.gate.eidas.require = Requirement::Off;
    assert_eq!(world.code(&wrong_token), Some("token_expired"));
    let right_token = with(wrong_token, |shown| shown.token = world.alice().token);
    assert_eq!(world.code(&right_token), Some("role_missing"));
}

/// A PSD2 statement of this authority for account information.
fn licensed(nca_id: &str) -> Vec<u8> {
    let role = [tagged(0x06, &[4, 0, 0x81, 0x98, 0x27, 1, 3]), tagged(0x0c, b"PSP_AI")].concat();
    let roles = tagged(0x30, &tagged(0x30, &role));
    let info = tagged(0x30, &[roles, tagged(0x0c, b"Authority"), tagged(0x0c, nca_id.as_bytes())].concat());
    tagged(0x30, &[tagged(0x06, &[4, 0, 0x81, 0x98, 0x27, 2]), info].concat())
}

/// What becomes of Alice on `path` when her certificate makes these statements.
fn code_with(world: &mut World, statements: &[Vec<u8>], path: &'static str) -> Option<&'static str> {
    let statements = tagged(0x30, &statements.concat());
    world.alice = world.root.client(|params| {
        in_years(2025, 2028)(params);
        with_extension(&QC_STATEMENTS, false, &statements)(params);
    });
    world.code(&with(world.alice(), |shown| shown.path = path))
}

const QC_STATEMENTS: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 1, 3];

#[test]
fn licence_is_held_to_what_is_demanded() {
    let mut world = World::new();
    world.gate.eidas = Eidas { require: Requirement::Psd2, authorities: vec!["DE-BAFIN".into()] };
    let (bafin, twice) = ([licensed("DE-BAFIN")], [licensed("DE-BAFIN"), licensed("DE-BAFIN")]);
    for (statements, refusal) in [
        (&bafin[..], None),
        (&[licensed("PL-PFSA")], Some("authority_not_allowed")),
        (&[licensed("BAFIN")], Some("certificate_not_qualified")),
        (&twice, Some("certificate_not_qualified")),
        (&[], Some("certificate_not_qualified")),
    ] {
        assert_eq!(code_with(&mut world, statements, "/accounts/1"), refusal);
    }
    world.gate.eidas = Eidas::default();
    assert_eq!(code_with(&mut world, &bafin, "/licensed"), None);
    assert_eq!(code_with(&mut world, &[], "/licensed"), Some("role_missing"));
    world.gate.routes = Routes::new(vec![Route { roles: vec!["PSP_PI", "PSP_IC"], ..routes().swap_remove(5) }]);
    assert_eq!(code_with(&mut world, &bafin, "/licensed"), Some("role_missing"));
    world.gate.routes = Routes::new(routes());
    assert_eq!(code_with(&mut world, &twice, "/licensed"), Some("certificate_not_qualified"));
    assert_eq!(code_with(&mut world, &twice, "/accounts/1"), None);
}
