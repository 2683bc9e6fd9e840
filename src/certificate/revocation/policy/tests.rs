#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use super::*;
use crate::certificate::{
    Certificates, ForwardedCert, PathRules,
    mint::{Authority, now, plain, trusting},
};

const RULES: PathRules = PathRules { minimum_rsa_bits: 2048, max_intermediates: 5, require_client_auth: true };
const GOOD: Standing = Standing::Known { status: Status::Good, method: Method::Ocsp, stale: false };
const STALE: Standing = Standing::Known { status: Status::Good, method: Method::Crl, stale: true };
const REVOKED: Standing = known_revoked(false);
/// An issuer's word that has ended, and serves because no newer one can be had.
const STALE_REVOKED: Standing = known_revoked(true);

const fn known_revoked(stale: bool) -> Standing {
    let since = UnixTime::since_unix_epoch(std::time::Duration::ZERO);
    Standing::Known { status: Status::Revoked { since, reason: Some(6) }, method: Method::Crl, stale }
}

/// A client below an intermediate, and what is known of the two.
struct Path {
    certificate: ClientCertificate,
    standings: [Standing; 2],
}

impl Revocations for Path {
    fn standing(&self, about: &Arc<Issued>, _: UnixTime) -> Standing {
        let place = self.certificate.issued().unwrap().iter().position(|issued| issued == about);
        self.standings.into_iter().nth(place.unwrap()).unwrap()
    }
}

impl Path {
    fn new(remembered: Option<Depth>, standings: [Standing; 2]) -> Self {
        let root = Authority::root("Root", plain);
        let issuer = root.intermediate("Issuer", plain);
        let shown = [issuer.client(plain).into(), issuer.der.clone().into()];
        let certificates = Certificates::new(trusting(&[&root.der]), RULES, None, remembered, 0);
        let (_, verified) = certificates.verify(&ForwardedCert::Connection(&shown), now());
        Self { certificate: verified.unwrap(), standings }
    }

    /// The code of the refusal, whose turn it is to be asked about, or the grounds; `asked` are asked already.
    fn clear(&self, policy: RevocationPolicy, asked: [bool; 2]) -> Outcome {
        self.clear_told(policy, asked.map(|asked| asked.then_some(Standing::NotAsked)))
    }

    /// The same; `told` is what came of asking.
    fn clear_told(&self, policy: RevocationPolicy, told: [Option<Standing>; 2]) -> Outcome {
        let issued = self.certificate.issued().unwrap();
        let place = |about: &Issued| issued.iter().position(|issued| **issued == *about).unwrap();
        let told = |about: &Issued| told.into_iter().nth(place(about)).unwrap();
        match policy.clear(&self.certificate, self, told, now()) {
            Ok(cleared) => Outcome::Cleared(cleared.grounds()),
            Err(ClearStop::Deny(denial, grounds)) => Outcome::Denied(denial.code(), grounds),
            Err(ClearStop::Ask(about)) => Outcome::Ask(place(&about)),
        }
    }
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Cleared(Grounds),
    Denied(&'static str, Option<Grounds>),
    Ask(usize),
}

fn demanded(depth: Depth, allow_unavailable: bool) -> RevocationPolicy {
    RevocationPolicy::Demanded { depth, allow_unavailable }
}

fn unknown() -> Outcome {
    Outcome::Denied("revocation_unknown", Some(Grounds::Unknown))
}

fn revoked(cached: bool) -> Outcome {
    Outcome::Denied("certificate_revoked", Some(Grounds::Revoked { method: Method::Crl, cached }))
}

fn good(cached: bool) -> Outcome {
    Outcome::Cleared(Grounds::Good { method: Method::Ocsp, cached, stale: false })
}

#[track_caller]
fn check_leaf(standing: Standing, asked: bool, denying: Outcome, allowing: Outcome) {
    let path = Path::new(Some(Depth::Leaf), [standing, REVOKED]);
    assert_eq!(path.clear(demanded(Depth::Leaf, false), [asked; 2]), denying, "deny: {standing:?}");
    assert_eq!(path.clear(demanded(Depth::Leaf, true), [asked; 2]), allowing, "allow: {standing:?}");
}

#[test]
fn what_is_known_of_a_certificate_decides() {
    check_leaf(GOOD, false, good(true), good(true));
    check_leaf(GOOD, true, good(false), good(false));
    let stale = || Outcome::Cleared(Grounds::Good { method: Method::Crl, cached: true, stale: true });
    check_leaf(STALE, false, stale(), stale());
    check_leaf(REVOKED, false, revoked(true), revoked(true));
    check_leaf(REVOKED, true, revoked(false), revoked(false));
    check_leaf(STALE_REVOKED, false, revoked(true), revoked(true));
    check_leaf(Standing::Unknown, false, unknown(), unknown());
    check_leaf(Standing::Unavailable, false, unknown(), Outcome::Cleared(Grounds::Unavailable));
    check_leaf(Standing::NotAsked, false, Outcome::Ask(0), Outcome::Ask(0));
    // Asked, and nothing was remembered of it: no reason to let it pass.
    check_leaf(Standing::NotAsked, true, unknown(), unknown());
}

/// However short an answer is remembered, it serves the request that it was had for.
#[test]
fn what_was_told_serves_the_request_that_asked() {
    let forgotten = Path::new(Some(Depth::Leaf), [Standing::NotAsked, REVOKED]);
    for (told, denying, allowing) in [
        (GOOD, good(false), good(false)),
        (REVOKED, revoked(false), revoked(false)),
        (Standing::Unavailable, unknown(), Outcome::Cleared(Grounds::Unavailable)),
        (Standing::Unknown, unknown(), unknown()),
    ] {
        assert_eq!(forgotten.clear_told(demanded(Depth::Leaf, false), [Some(told), None]), denying, "deny: {told:?}");
        assert_eq!(forgotten.clear_told(demanded(Depth::Leaf, true), [Some(told), None]), allowing, "allow: {told:?}");
    }
    let newer = Path::new(Some(Depth::Leaf), [REVOKED, GOOD]);
    assert_eq!(newer.clear_told(demanded(Depth::Leaf, true), [Some(GOOD), None]), revoked(false));
}

#[track_caller]
fn check_chain(standings: [Standing; 2], asked: [bool; 2], expected: Outcome) {
    let path = Path::new(Some(Depth::Chain), standings);
    assert_eq!(path.clear(demanded(Depth::Chain, true), asked), expected, "{standings:?}");
}

#[test]
fn every_certificate_of_the_chain_has_to_be_cleared() {
    check_chain([GOOD, GOOD], [false; 2], good(true));
    check_chain([GOOD, GOOD], [false, true], good(true));
    // The record speaks of the weakest.
    let stale = || Outcome::Cleared(Grounds::Good { method: Method::Crl, cached: true, stale: true });
    check_chain([GOOD, STALE], [true, false], stale());
    check_chain([STALE, GOOD], [false; 2], stale());
    check_chain([STALE, Standing::Unavailable], [false; 2], Outcome::Cleared(Grounds::Unavailable));
    check_chain([GOOD, Standing::Unavailable], [false; 2], Outcome::Cleared(Grounds::Unavailable));
    check_chain([Standing::Unavailable, GOOD], [false; 2], Outcome::Cleared(Grounds::Unavailable));
    check_chain([GOOD, REVOKED], [false; 2], revoked(true));
    check_chain([Standing::Unavailable, REVOKED], [false; 2], revoked(true));
    check_chain([REVOKED, GOOD], [false; 2], revoked(true));
    check_chain([GOOD, Standing::Unknown], [false; 2], unknown());
    check_chain([Standing::NotAsked; 2], [false; 2], Outcome::Ask(0));
    check_chain([GOOD, Standing::NotAsked], [true, false], Outcome::Ask(1));
    check_chain([GOOD, Standing::NotAsked], [true, true], unknown());
}

#[test]
fn refusal_names_the_certificate_of_the_path_that_is_revoked() {
    let path = Path::new(Some(Depth::Chain), [GOOD, REVOKED]);
    let detail = match demanded(Depth::Chain, false).clear(&path.certificate, &path, |_| None, now()) {
        Err(ClearStop::Deny(denial, _)) => denial.detail().map(std::borrow::Cow::into_owned),
        _ => None,
    };
    let serial = serial_text(&path.certificate.issued().unwrap().last().unwrap().serial);
    let told = format!("the one with serial {serial} is revoked since 1970-01-01T00:00:00Z: certificateHold");
    assert_eq!(detail, Some(told));
}

#[test]
fn nothing_is_asked_where_nothing_is_demanded() {
    let path = Path::new(None, [REVOKED; 2]);
    assert_eq!(path.clear(RevocationPolicy::Off, [false; 2]), Outcome::Cleared(Grounds::NotDemanded));
}

#[test]
fn path_that_was_not_kept_for_asking_is_not_cleared() {
    let path = Path::new(None, [GOOD; 2]);
    for allow in [false, true] {
        let outcome = path.clear(demanded(Depth::Leaf, allow), [true; 2]);
        assert_eq!(outcome, Outcome::Denied("revocation_unknown", Some(Grounds::Unknown)));
    }
}
