//! Whatever a responder or a distribution point does instead of answering is no answer.

use rcgen::ExtendedKeyUsagePurpose;
use time::{Duration, OffsetDateTime};

use super::{HOUR, Stage};
use crate::support::{
    der::{children, oid, sequence, tlv},
    ocsp::{Reply, Said},
    pki::{Authority, SignatureKey},
};

type Manner = Box<dyn Fn(&[u8]) -> Reply + Send + Sync>;

/// The certificate is refused, the bank sees nothing, and the log says why.
#[track_caller]
fn check(misbehaviour: &str, reason: &str, manner: impl FnOnce(&Stage) -> Manner) {
    let stage = Stage::new();
    let manner = manner(&stage);
    stage.responder.says("/ocsp", manner);
    let sidecar = stage.config().set("revocation.timeout", r#""1s""#).start();

    let answer = sidecar.get("/a").by(&stage.client(5)).send();

    assert_eq!((&*answer.code(), answer.status), ("revocation_unknown", 503), "{misbehaviour}");
    assert_eq!(stage.bank.requests(), 0, "{misbehaviour}");
    assert!(stage.responder.asked("/ocsp") > 0, "{misbehaviour}");
    assert_eq!(stage.responder.asked("/elsewhere"), 0, "{misbehaviour}");
    let said = sidecar.event("revocation_not_answered");
    assert!(said["error"].as_str().unwrap().contains(reason), "{misbehaviour}: {said}");
}

fn boxed(manner: impl Fn(&[u8]) -> Reply + Send + Sync + 'static) -> Manner {
    Box::new(manner)
}

/// Someone whom the stage's authority has issued a certificate for these purposes, until so many days from now.
fn delegate(stage: &Stage, purposes: &[ExtendedKeyUsagePurpose], days: i64) -> Manner {
    let delegate = stage.authority.issue("responder", |params| {
        params.extended_key_usages = purposes.to_vec();
        params.not_after = OffsetDateTime::now_utc() + Duration::days(days);
    });
    boxed(Said::good().signed(&SignatureKey::of(&delegate.key), &delegate.der, &[&delegate.der]))
}

#[test]
fn delegate_of_the_issuer_is_believed() {
    let stage = Stage::new();
    let manner = delegate(&stage, &[ExtendedKeyUsagePurpose::OcspSigning], 1);
    stage.responder.says("/ocsp", manner);

    stage.assert_passed(&stage.config().start(), &stage.client(5));
}

#[test]
fn responder_that_takes_no_nonce_is_asked_without_one_and_by_either_hash() {
    const NONCE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2];
    const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
    let has = |question: &[u8], oid: &[u8]| question.windows(oid.len()).any(|octets| octets == oid);
    for (only_sha256, asked) in [(false, 2), (true, 3)] {
        let stage = Stage::new();
        let good = Said::good().by(&stage.authority);
        stage.responder.says("/ocsp", move |question| {
            let refused = has(question, NONCE) || (only_sha256 && !has(question, SHA256));
            if refused { Reply::Body(sequence(&[&[0x0a, 1, 6]])) } else { good(question) }
        });

        stage.assert_passed(&stage.config().start(), &stage.client(5));

        assert_eq!(stage.responder.asked("/ocsp"), asked);
    }
}

#[test]
fn answer_of_someone_else_is_none() {
    check("namesake of the issuer", "signature is wrong", |_| boxed(Said::good().by(&Authority::root("Bank CA"))));
    check("stranger", "neither the issuer nor a delegate", |_| boxed(Said::good().by(&Authority::root("Stranger"))));
    check("stranger who encloses the own certificate", "is an authority's", |_| {
        let stranger = Authority::root("Stranger");
        boxed(Said::good().signed(&stranger.signature_key(), &stranger.der, &[&stranger.der]))
    });
    check("stranger in the issuer's name", "signature is wrong", |stage| {
        let stranger = Authority::root("Stranger");
        boxed(Said::good().signed(&stranger.signature_key(), &stage.authority.der, &[&stage.authority.der]))
    });
    check("client of the issuer", "not made one by the issuer", |stage| {
        delegate(stage, &[ExtendedKeyUsagePurpose::ClientAuth], 1)
    });
    check("delegate for nothing", "not made one by the issuer", |stage| delegate(stage, &[], 1));
    check("expired delegate", "out of date", |stage| delegate(stage, &[ExtendedKeyUsagePurpose::OcspSigning], -1));
    check("delegate of a stranger", "not made one by the issuer", |_| {
        let stranger = Authority::root("Bank CA");
        let ocsp = |params: &mut rcgen::CertificateParams| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
        };
        let delegate = stranger.issue("responder", ocsp);
        boxed(Said::good().signed(&SignatureKey::of(&delegate.key), &delegate.der, &[&delegate.der]))
    });
}

#[test]
fn answer_about_another_certificate_or_another_time_is_none() {
    check("replay of another certificate's answer", "about another certificate", |stage| {
        let about = |asked: Vec<u8>| {
            let parts = children(&asked);
            sequence(&[parts[0], parts[1], parts[2], &tlv(0x02, &[&[6]])])
        };
        boxed(Said { about, ..Said::good() }.by(&stage.authority))
    });
    check("certificate of another issuer with the same serial number", "about another certificate", |stage| {
        let about = |asked: Vec<u8>| {
            let parts = children(&asked);
            sequence(&[parts[0], parts[1], &tlv(0x04, &[&[7; 20]]), parts[3]])
        };
        boxed(Said { about, ..Said::good() }.by(&stage.authority))
    });
    check("past its nextUpdate", "stale", |stage| {
        boxed(Said { this_update: -2 * HOUR, next_update: -HOUR, ..Said::good() }.by(&stage.authority))
    });
    check("not valid yet", "not valid yet", |stage| {
        boxed(Said { this_update: HOUR, next_update: 2 * HOUR, ..Said::good() }.by(&stage.authority))
    });
}

#[test]
fn what_is_no_answer_at_all_is_none() {
    check("spoiled signature", "signature is wrong", |stage| {
        let good = Said::good().by(&stage.authority);
        boxed(move |question| {
            let Reply::Body(mut body) = good(question) else { unreachable!() };
            *body.last_mut().unwrap() ^= 1;
            Reply::Body(body)
        })
    });
    check("bytes behind it", "not an OCSP response", |stage| {
        let good = Said::good().by(&stage.authority);
        boxed(move |question| {
            let Reply::Body(body) = good(question) else { unreachable!() };
            Reply::Body([body, vec![0]].concat())
        })
    });
    check("huge", "larger than", |_| boxed(|_| Reply::Body(vec![0x30; 1 << 20])));
    check("empty", "not an OCSP response", |_| boxed(|_| Reply::Body(Vec::new())));
    check("garbage", "not an OCSP response", |_| boxed(|_| Reply::Body(b"<html>all is well</html>".to_vec())));
    check("no HTTP", "no answer", |_| boxed(|_| Reply::Raw(vec![0xff; 100])));
    check("failure", "status 500", |_| boxed(|_| Reply::Failure));
    check("tryLater", "reports an error: tryLater", |_| boxed(|_| Reply::Body(sequence(&[&[0x0a, 1, 3]]))));
    check("another type of answer", "not a basic response", |_| {
        let bytes = sequence(&[&oid(&[0x2a, 3, 4]), &tlv(0x04, &[&[5, 0]])]);
        boxed(move |_| Reply::Body(sequence(&[&[0x0a, 1, 0], &tlv(0xa0, &[&bytes])])))
    });
    check("drip", "no whole answer", |_| boxed(|_| Reply::Drip));
    check("silence", "no whole answer", |_| boxed(|_| Reply::Silence));
    check("redirect", "status 302", |stage| {
        stage.responder.says("/elsewhere", Said::good().by(&stage.authority));
        boxed(|_| Reply::Redirect("/elsewhere"))
    });
}

/// The distribution point serves this list.
#[track_caller]
fn check_list(misbehaviour: &str, list: impl FnOnce(&Stage) -> Vec<u8>) {
    let stage = Stage::new();
    let list = list(&stage);
    stage.responder.says("/crl", move |_| Reply::Body(list.clone()));
    let sidecar = stage.config().set("revocation.methods", r#"["crl"]"#).start();

    let answer = sidecar.get("/a").by(&stage.client(5)).send();

    assert_eq!((&*answer.code(), answer.status), ("revocation_unknown", 503), "{misbehaviour}");
    assert_eq!((stage.bank.requests(), stage.responder.asked("/crl")), (0, 1), "{misbehaviour}");
}

#[test]
fn list_of_someone_else_or_of_another_time_is_none() {
    check_list("namesake of the issuer", |_| Authority::root("Bank CA").list(&[], HOUR));
    check_list("stranger", |_| Authority::root("Stranger").list(&[], HOUR));
    check_list("past its nextUpdate", |stage| stage.authority.list(&[], -60));
    check_list("garbage", |_| b"nothing to see here".to_vec());
    check_list("spoiled signature", |stage| {
        let mut list = stage.authority.list(&[], HOUR);
        *list.last_mut().unwrap() ^= 1;
        list
    });
}
