#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

use std::sync::Arc;

use proptest::prelude::*;
use rcgen::{ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};

use super::*;
use crate::certificate::revocation::{
    Issuer,
    minted::{
        Authority, GOOD, Minted as Delegate, NOW, Said, UNKNOWN, cert_id, extension, now, revoked, sha1, time, tlv,
    },
};

const OURS: [u8; 32] = [7; 32];
const HOUR: i64 = 3600;

fn nonce(value: &[u8]) -> Vec<u8> {
    extension(&[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2], false, &tlv(0x04, &[value]))
}

fn delegate(authority: &Authority) -> Delegate {
    authority.issue("responder", |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning])
}

fn known(status: Status) -> Result<Response, NoAnswer> {
    Ok(Response::Known(Answer { status, this_update: now(-60), until: now(HOUR) }))
}

/// Spoils a good answer of the issuer's own, and says what must come of it.
fn check(what: &str, spoil: impl FnOnce(&mut Said, &Issued), expected: Result<Response, NoAnswer>) {
    let authority = Authority::named("Bank CA");
    let about = authority.client(&[0x80, 1], &[]);
    let mut said = Said::of(&about);
    spoil(&mut said, &about);
    assert_eq!(verify(&said.sign(authority.key()), &about, Some(&OURS), now(0)), expected, "{what}");
}

#[test]
fn answer_of_the_issuer_says_the_status_of_the_certificate() {
    let since = now(-HOUR);
    check("good", |_, _| {}, known(Status::Good));
    for reason in [None, Some(0), Some(1), Some(6), Some(8), Some(10)] {
        let status = Status::Revoked { since, reason };
        check("revoked", |said, _| said.single().status = revoked(reason), known(status));
    }
    check(
        "revoked for a reason that cannot be read",
        |said, _| said.single().status = tlv(0xa1, &[&time(-HOUR), &tlv(0xa0, &[&[0x0a, 2, 1, 1]])]),
        known(Status::Revoked { since, reason: None }),
    );
    check("unknown", |said, _| said.single().status = UNKNOWN.to_vec(), Ok(Response::Unknown));
    check("SHA-256", |said, about| said.single().cert_id = cert_id(about, CertIdHash::Sha256), known(Status::Good));
    check(
        "the issuer named by its key",
        |said, about| said.responder = tlv(0xa2, &[&tlv(0x04, &[&sha1(&key_bits(about.issuer_key()).unwrap())])]),
        known(Status::Good),
    );
}

#[test]
fn answer_counts_from_this_update_to_next_update() {
    let at = |this: i64, next: Option<i64>| {
        move |said: &mut Said, _: &Issued| {
            said.single().this_update = time(this);
            said.single().next_update = next.map(time);
        }
    };
    let good =
        |this, until| Ok(Response::Known(Answer { status: Status::Good, this_update: now(this), until: now(until) }));
    check("to the second", at(-60, Some(0)), good(-60, 0));
    check("stale", at(-60, Some(-1)), Err("the answer is stale"));
    check("the responder's clock is ahead of ours", at(300, Some(HOUR)), good(300, HOUR));
    check("future", at(301, Some(HOUR)), Err("the answer is not valid yet"));
    check("ends before it begins", at(200, Some(100)), Err("the answer is stale"));
    check("without nextUpdate", at(-60, None), good(-60, HOUR - 60));
    check("without nextUpdate, an hour old", at(-HOUR, None), good(-HOUR, 0));
    let old = Err("the answer has no nextUpdate, and is over an hour old");
    check("without nextUpdate, older", at(-HOUR - 1, None), old);
    check("made in the future", |said, _| said.produced_at = time(301), Err("the answer is from the future"));
    let stale_unknown = |said: &mut Said, about: &Issued| {
        at(-60, Some(-1))(said, about);
        said.single().status = UNKNOWN.to_vec();
    };
    check("stale and unknown", stale_unknown, Err("the answer is stale"));
}

#[test]
fn answer_about_another_certificate_is_none() {
    let other = "the answer is about another certificate";
    check("nothing", |said, _| said.singles.clear(), Err(other));
    let serial = |octets: &'static [u8]| {
        move |said: &mut Said, about: &Issued| {
            let about = Issued { serial: octets.to_vec(), ..about.clone() };
            said.single().cert_id = cert_id(&about, CertIdHash::Sha1);
        }
    };
    check("our own serial number", serial(&[0, 0x80, 1]), known(Status::Good));
    check("another serial number", serial(&[0, 0x80, 2]), Err(other));
    check("its negative twin", serial(&[0x80, 1]), Err(other));
    let stranger = Authority::named("Other CA").client(&[0x80, 1], &[]);
    let of = |issuer, about: &Issued| Issued { issuer: Arc::new(issuer), ..about.clone() };
    let key = |said: &mut Said, about: &Issued| {
        let about = of(Issuer { key: stranger.issuer.key.clone(), ..(*about.issuer).clone() }, about);
        said.single().cert_id = cert_id(&about, CertIdHash::Sha1);
    };
    check("another key", key, Err(other));
    let name = |said: &mut Said, about: &Issued| {
        let about = of(Issuer { name: stranger.issuer.name.clone(), ..(*about.issuer).clone() }, about);
        said.single().cert_id = cert_id(&about, CertIdHash::Sha256);
    };
    check("another name", name, Err(other));
}

#[test]
fn among_several_answers_ours_counts() {
    let beside = |ours: &'static [u8], theirs: &'static [u8]| {
        move |said: &mut Said, about: &Issued| {
            let about = Issued { serial: vec![9], ..about.clone() };
            let mut single = said.single().clone();
            single.cert_id = cert_id(&about, CertIdHash::Sha1);
            single.status = theirs.to_vec();
            said.single().status = ours.to_vec();
            said.singles.insert(0, single);
        }
    };
    check("good beside unknown", beside(GOOD, UNKNOWN), known(Status::Good));
    check("unknown beside good", beside(UNKNOWN, GOOD), Ok(Response::Unknown));
}

#[test]
fn of_several_statements_about_one_certificate_the_worst_counts() {
    let both = |first: &'static [u8], second: Vec<u8>, until: i64| {
        move |said: &mut Said, about: &Issued| {
            said.single().status = first.to_vec();
            let mut single = said.single().clone();
            single.cert_id = cert_id(about, CertIdHash::Sha256);
            single.status = second;
            single.next_update = Some(time(until));
            said.singles.push(single);
        }
    };
    let gone = Status::Revoked { since: now(-HOUR), reason: None };
    let until = |status, until| Ok(Response::Known(Answer { status, this_update: now(-60), until: now(until) }));
    check("both good, for the shorter time", both(GOOD, GOOD.to_vec(), 10), until(Status::Good, 10));
    check("good and revoked", both(GOOD, revoked(None), 2 * HOUR), until(gone, HOUR));
    check("unknown and revoked", both(UNKNOWN, revoked(None), 10), until(gone, 10));
    check("good and unknown", both(GOOD, UNKNOWN.to_vec(), HOUR), Ok(Response::Unknown));
    check("unknown and good", both(UNKNOWN, GOOD.to_vec(), HOUR), Ok(Response::Unknown));
    check("good, and good in a stale one", both(GOOD, GOOD.to_vec(), -1), Err("the answer is stale"));
    check("good, and revoked in a stale one", both(GOOD, revoked(None), -1), Err("the answer is stale"));
    let revoked_and = |second: Vec<u8>, until: i64| {
        move |said: &mut Said, about: &Issued| {
            both(GOOD, second, until)(said, about);
            said.single().status = revoked(None);
        }
    };
    check("revoked twice", revoked_and(revoked(Some(1)), 10), until(gone, 10));
    check("revoked and good", revoked_and(GOOD.to_vec(), HOUR), until(gone, HOUR));
    check("revoked and unknown", revoked_and(UNKNOWN.to_vec(), HOUR), until(gone, HOUR));
    check("revoked, and good in a stale one", revoked_and(GOOD.to_vec(), -1), until(gone, HOUR));
    let critical = |said: &mut Said, about: &Issued| {
        revoked_and(GOOD.to_vec(), HOUR)(said, about);
        said.singles[1].extensions = vec![extension(&[0x2a, 3, 4], true, &[5, 0])];
    };
    check("revoked, and one that cannot be understood", critical, until(gone, HOUR));
    let as_of =
        |status, this_update| Ok(Response::Known(Answer { status, this_update: now(this_update), until: now(HOUR) }));
    for (first, second, (status, this_update)) in [
        ((GOOD.to_vec(), -30), (GOOD.to_vec(), -60), (Status::Good, -60)),
        ((GOOD.to_vec(), -60), (revoked(None), -30), (gone, -30)),
        ((revoked(None), -60), (GOOD.to_vec(), -30), (gone, -60)),
        ((revoked(None), -60), (revoked(None), -30), (gone, -30)),
    ] {
        let dated = |said: &mut Said, about: &Issued| {
            both(GOOD, second.0, HOUR)(said, about);
            said.singles[1].this_update = time(second.1);
            (said.single().status, said.single().this_update) = (first.0, time(first.1));
        };
        check("the latest that revokes, or else the oldest", dated, as_of(status, this_update));
    }
}

#[test]
fn nonce_is_ours_or_absent() {
    let echoed = |nonces: Vec<Vec<u8>>| move |said: &mut Said, _: &Issued| said.extensions = nonces;
    let replay = Err("the nonce is another one: a replay");
    check("ours", echoed(vec![nonce(&OURS)]), known(Status::Good));
    check("another", echoed(vec![nonce(&[8; 32])]), replay);
    check("ours and another", echoed(vec![nonce(&OURS), nonce(&[8; 32])]), replay);
    check("shortened", echoed(vec![nonce(&OURS[..31])]), replay);
    check("empty", echoed(vec![nonce(&[])]), replay);

    let authority = Authority::named("Bank CA");
    let about = authority.client(&[1], &[]);
    let mut said = Said::of(&about);
    let without = |said: &Said| verify(&said.sign(authority.key()), &about, None, now(0));
    assert_eq!(without(&said), known(Status::Good), "none was sent");
    said.extensions = vec![nonce(&OURS)];
    assert_eq!(without(&said), replay, "none was sent, and one comes back");
}

#[test]
fn critical_extension_is_refused_wherever_it_stands() {
    let refused = Err("the answer has a critical extension that is not known");
    let private = |critical| extension(&[0x2a, 3, 4], critical, &[5, 0]);
    check("of the answer", |said, _| said.extensions = vec![private(true)], refused);
    check("of the status", |said, _| said.single().extensions = vec![private(true)], refused);
    check("a nonce of the status", |said, _| said.single().extensions = vec![nonce(&[8; 32])], known(Status::Good));
    check("not critical", |said, _| said.extensions = vec![private(false)], known(Status::Good));
}

#[test]
fn delegate_of_the_issuer_may_answer_by_name_or_by_key() {
    let authority = Authority::named("Bank CA");
    let about = authority.client(&[1], &[]);
    let delegate = delegate(&authority);
    let by_name = Said::of(&about).from(&delegate);
    let mut by_key = Said::of(&about).from(&delegate);
    by_key.responder = tlv(0xa2, &[&tlv(0x04, &[&sha1(delegate.key.public_key_raw())])]);
    let old = self::delegate(&authority);
    let mut among_several = Said::of(&about);
    among_several.certificates = vec![authority.own.der().to_vec(), old.der.clone()];
    let among_several = among_several.from(&delegate);

    for usage in [KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment] {
        let delegate = authority.issue("responder", |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
            params.key_usages = vec![usage];
        });
        let said = Said::of(&about).from(&delegate);
        assert_eq!(verify(&said.sign(&delegate.key), &about, Some(&OURS), now(0)), known(Status::Good), "{usage:?}");
    }
    for said in [by_name, by_key, among_several] {
        assert_eq!(verify(&said.sign(&delegate.key), &about, Some(&OURS), now(0)), known(Status::Good));
        let error = verify(&said.sign(&old.key), &about, Some(&OURS), now(0));
        if said.certificates.len() == 1 {
            assert!(error.is_err(), "an old key whose certificate does not come along");
        }
    }
}

#[test]
fn delegate_that_bears_the_issuers_name_may_answer() {
    let authority = Authority::named("Bank CA");
    let about = authority.client(&[1], &[]);
    let issue = |purpose| authority.issue("Bank CA", |params| params.extended_key_usages = vec![purpose]);
    let delegate = issue(ExtendedKeyUsagePurpose::OcspSigning);
    let mut said = Said::of(&about).from(&delegate);
    assert_eq!(said.responder, Said::of(&about).responder);
    said.certificates.insert(0, authority.own.der().to_vec());
    assert_eq!(verify(&said.sign(&delegate.key), &about, Some(&OURS), now(0)), known(Status::Good));
    assert_eq!(verify(&said.sign(authority.key()), &about, Some(&OURS), now(0)), known(Status::Good));

    let client = issue(ExtendedKeyUsagePurpose::ClientAuth);
    let said = Said::of(&about).from(&client).sign(&client.key);
    let not_made = Err("the delegate was not made one by the issuer, or is out of date");
    assert_eq!(verify(&said, &about, Some(&OURS), now(0)), not_made, "a client with the issuer's name");
}

#[test]
fn delegate_may_answer_by_a_key_for_signatures_or_for_commitments() {
    use KeyUsagePurpose::{ContentCommitment, DigitalSignature, KeyEncipherment};
    let authority = Authority::named("Bank CA");
    let about = authority.client(&[1], &[]);
    for (usages, may) in [
        (vec![DigitalSignature], true),
        (vec![ContentCommitment], true),
        (vec![DigitalSignature, ContentCommitment], true),
        (vec![KeyEncipherment], false),
    ] {
        let delegate = authority.issue("responder", |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
            params.key_usages.clone_from(&usages);
        });
        let expected = if may { known(Status::Good) } else { Err("the delegate's key may not sign") };
        let answer = Said::of(&about).from(&delegate).sign(&delegate.key);
        assert_eq!(verify(&answer, &about, Some(&OURS), now(0)), expected, "{usages:?}");
    }
}

#[test]
fn delegate_that_may_not_answer_is_refused() {
    use ExtendedKeyUsagePurpose::{ClientAuth, OcspSigning};
    let (authority, other) = (Authority::named("Bank CA"), Authority::named("Other CA"));
    let namesake = Authority::named("Bank CA");
    let about = authority.client(&[1], &[]);
    let check = |what: &str, delegate: Delegate, expected: NoAnswer| {
        let answer = Said::of(&about).from(&delegate).sign(&delegate.key);
        assert_eq!(verify(&answer, &about, Some(&OURS), now(0)), Err(expected), "{what}");
    };
    let not_made = "the delegate was not made one by the issuer, or is out of date";
    check("without EKU", authority.issue("responder", |_| {}), not_made);
    let client = authority.issue("responder", |params| params.extended_key_usages = vec![ClientAuth]);
    check("a client of the same issuer", client, not_made);
    let any = authority.issue("responder", |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any]);
    check("any purpose", any, not_made);
    check("of another issuer", delegate(&other), not_made);
    check("of an issuer with the same name", delegate(&namesake), not_made);
    let expired = authority.issue("responder", |params| {
        params.extended_key_usages = vec![OcspSigning];
        params.not_after = rcgen::date_time_ymd(2025, 12, 31);
    });
    check("expired", expired, not_made);
    let future = authority.issue("responder", |params| {
        params.extended_key_usages = vec![OcspSigning];
        params.not_before = rcgen::date_time_ymd(2026, 1, 2);
    });
    check("not yet valid", future, not_made);
    let above = authority.issue("responder", |params| {
        params.extended_key_usages = vec![OcspSigning];
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });
    check("an authority below the issuer", above, "the delegate's certificate is an authority's");
    let both = authority.issue("responder", |params| params.extended_key_usages = vec![OcspSigning, ClientAuth]);
    check("a client that its issuer let speak too", both, "the delegate is a client");
}

#[test]
fn wrong_signer_is_refused() {
    let (authority, other) = (Authority::named("Bank CA"), Authority::named("Other CA"));
    let namesake = Authority::named("Bank CA");
    let about = authority.client(&[1], &[]);
    let delegate = delegate(&authority);
    let check = |what: &str, said: Said, key: &KeyPair, expected: NoAnswer| {
        assert_eq!(verify(&said.sign(key), &about, Some(&OURS), now(0)), Err(expected), "{what}");
    };
    let wrong = "the signature is wrong, or made with an algorithm that is not accepted";
    let nobody = "the signer is neither the issuer nor a delegate that came along";
    check("another key under the issuer's name", Said::of(&about), namesake.key(), wrong);
    check("another key under the delegate's name", Said::of(&about).from(&delegate), other.key(), wrong);
    let mut stranger = Said::of(&about);
    stranger.responder = tlv(0xa1, &[&tlv(0x30, &[])]);
    check("a stranger", stranger, other.key(), nobody);
    let mut silent = Said::of(&about).from(&delegate);
    silent.certificates.clear();
    check("a delegate whose certificate is missing", silent, &delegate.key, nobody);
    let mut hidden = Said::of(&about);
    hidden.certificates = vec![other.own.der().to_vec(); MAX_CERTIFICATES];
    check("a delegate after too many others", hidden.from(&delegate), &delegate.key, nobody);
}

#[test]
fn bytes_that_are_no_basic_response_are_none() {
    let authority = Authority::named("Bank CA");
    let about = authority.client(&[1], &[]);
    let good = Said::of(&about).sign(authority.key());
    let check = |bytes: &[u8], expected| assert_eq!(verify(bytes, &about, Some(&OURS), now(0)), expected);
    check(&[], Err("the answer is not an OCSP response"));
    check(b"<html>", Err("the answer is not an OCSP response"));
    check(&[&good[..], &[0]].concat(), Err("the answer is not an OCSP response"));
    check(&good[..good.len() - 1], Err("the answer is not an OCSP response"));
    check(&vec![0x30; MAX_BYTES + 1], Err("the answer is too large"));
    for (error, name) in
        [(1, "malformedRequest"), (2, "internalError"), (3, "tryLater"), (5, "sigRequired"), (6, "unauthorized")]
    {
        check(&tlv(0x30, &[&[0x0a, 1, error]]), Ok(Response::Refused(name)));
    }
    check(&tlv(0x30, &[&[0x0a, 1, 4]]), Err("the answer is not an OCSP response"));
    check(&tlv(0x30, &[&[0x0a, 1, 0]]), Err("the answer is not a basic response"));
    let mut of_another_kind = good.clone();
    let kind =
        good.windows(11).position(|window| window.starts_with(&[6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1])).unwrap();
    of_another_kind[kind + 10] = 2;
    check(&of_another_kind, Err("the answer is not a basic response"));
}

#[test]
fn request_names_the_certificate_and_carries_the_nonce_if_there_is_one() {
    let about = Authority::named("Bank CA").client(&[0x80, 1], &[]);
    for hash in [CertIdHash::Sha1, CertIdHash::Sha256] {
        let single = tlv(0x30, &[&cert_id(&about, hash)]);
        let extensions = tlv(0xa2, &[&tlv(0x30, &[&nonce(&OURS)])]);
        let expected = tlv(0x30, &[&tlv(0x30, &[&tlv(0x30, &[&single]), &extensions])]);
        assert_eq!(request(&about, hash, Some(&OURS)).unwrap(), expected);
        let without = tlv(0x30, &[&tlv(0x30, &[&tlv(0x30, &[&single])])]);
        assert_eq!(request(&about, hash, None).unwrap(), without);
    }
}

#[test]
fn no_single_changed_octet_makes_another_answer() {
    let authority = Authority::named("Bank CA");
    let about = authority.client(&[0x80, 1], &[]);
    let delegate = delegate(&authority);
    let mut own = Said::of(&about);
    own.single().status = revoked(Some(1));
    own.extensions = vec![nonce(&OURS)];
    let mut by_delegate = Said::of(&about).from(&delegate);
    by_delegate.single().status = revoked(Some(1));
    for answer in [own.sign(authority.key()), by_delegate.sign(&delegate.key)] {
        let meaning = verify(&answer, &about, Some(&OURS), now(0));
        assert!(matches!(meaning, Ok(Response::Known(Answer { status: Status::Revoked { .. }, .. }))));
        for place in 0..answer.len() {
            for change in [1, 2, 0x20, 0x80, 0xff] {
                let mut changed = answer.clone();
                changed[place] ^= change;
                let outcome = verify(&changed, &about, Some(&OURS), now(0));
                assert!(
                    outcome.is_err() || outcome == meaning || matches!(outcome, Ok(Response::Refused(_))),
                    "octet {place} ^ {change}: {outcome:?}"
                );
            }
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_octets_are_no_answer(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let about = Issued::read(&CLIENT.0, &CLIENT.1).unwrap();
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(NOW));
        prop_assert!(!matches!(verify(&bytes, &about, Some(&OURS), at), Ok(Response::Known(_) | Response::Unknown)));
    }
}

static CLIENT: std::sync::LazyLock<(Vec<u8>, Vec<u8>)> = std::sync::LazyLock::new(|| {
    let authority = Authority::named("Bank CA");
    (authority.issue("client", |_| {}).der, authority.own.der().to_vec())
});
