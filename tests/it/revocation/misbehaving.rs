//! Whatever a responder or a distribution point does instead of answering is no answer.

use der::{Decode, Encode};
use rcgen::ExtendedKeyUsagePurpose;
use time::{Duration, OffsetDateTime};
use x509_cert::Certificate;

use super::{HOUR, Stage};
use crate::support::{
    der::{oid, sequence, tlv},
    ocsp::{Reply, Said, cert_id, with_serial},
    pki::{Authority, SignatureKey},
};

type Manner = Box<dyn Fn(&[u8]) -> Reply + Send + Sync>;

#[track_caller]
fn check(misbehaviour: &str, manner: impl FnOnce(&Stage) -> Manner) {
    let stage = Stage::new();
    let manner = manner(&stage);
    stage.responder.says("/ocsp", manner);
    let sidecar = stage.config().set("revocation.timeout", r#""1s""#).start();

    let answer = sidecar.get("/a").by(&stage.client(5)).send();

    assert_eq!((&*answer.code(), answer.status), ("revocation_unknown", 503), "{misbehaviour}");
    assert_eq!(stage.bank.requests(), 0, "{misbehaviour}");
    assert!(stage.responder.asked("/ocsp") > 0, "{misbehaviour}");
    assert_eq!(stage.responder.asked("/elsewhere"), 0, "{misbehaviour}");
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
fn answer_of_someone_else_is_none() {
    check("namesake of the issuer", |_| boxed(Said::good().by(&Authority::root("Bank CA"))));
    check("stranger", |_| boxed(Said::good().by(&Authority::root("Stranger"))));
    check("stranger who encloses the own certificate", |_| {
        let stranger = Authority::root("Stranger");
        boxed(Said::good().signed(&stranger.signature_key(), &stranger.der, &[&stranger.der]))
    });
    check("stranger in the issuer's name", |stage| {
        let stranger = Authority::root("Stranger");
        boxed(Said::good().signed(&stranger.signature_key(), &stage.authority.der, &[&stage.authority.der]))
    });
    check("client of the issuer", |stage| delegate(stage, &[ExtendedKeyUsagePurpose::ClientAuth], 1));
    check("delegate for nothing", |stage| delegate(stage, &[], 1));
    check("expired delegate", |stage| delegate(stage, &[ExtendedKeyUsagePurpose::OcspSigning], -1));
    check("delegate of a stranger", |_| {
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
    check("replay of another certificate's answer", |stage| {
        let good = Said::good().by(&stage.authority);
        boxed(move |question| good(&ask_about(&with_serial(&cert_id(question), &[6]))))
    });
    check("past its nextUpdate", |stage| {
        boxed(Said { this_update: -2 * HOUR, next_update: -HOUR, ..Said::good() }.by(&stage.authority))
    });
    check("not valid yet", |stage| {
        boxed(Said { this_update: HOUR, next_update: 2 * HOUR, ..Said::good() }.by(&stage.authority))
    });
    check("issuer of the same name, with another key", |stage| {
        let (good, namesake) = (Said::good(), Authority::root("Bank CA"));
        let key = Certificate::from_der(&namesake.der).unwrap().tbs_certificate().subject_public_key_info().to_der();
        let hash = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &key.unwrap()[26..]);
        let sign = stage.authority.signature_key();
        let signer = stage.authority.der.clone();
        boxed(move |question| {
            let asked = cert_id(question);
            let parts = crate::support::der::children(&asked);
            let other = sequence(&[parts[0], parts[1], &tlv(0x04, &[hash.as_ref()]), parts[3]]);
            Said { cert_id: Some(other), ..good.clone() }.signed(&sign, &signer, &[])(question)
        })
    });
}

/// A question about this CertID.
fn ask_about(cert_id: &[u8]) -> Vec<u8> {
    sequence(&[&sequence(&[&sequence(&[&sequence(&[cert_id])])])])
}

#[test]
fn what_is_no_answer_at_all_is_none() {
    check("spoiled signature", |stage| {
        let good = Said::good().by(&stage.authority);
        boxed(move |question| {
            let Reply::Body(mut body) = good(question) else { unreachable!() };
            *body.last_mut().unwrap() ^= 1;
            Reply::Body(body)
        })
    });
    check("bytes behind it", |stage| {
        let good = Said::good().by(&stage.authority);
        boxed(move |question| {
            let Reply::Body(body) = good(question) else { unreachable!() };
            Reply::Body([body, vec![0]].concat())
        })
    });
    check("huge", |_| boxed(|_| Reply::Body(vec![0x30; 1 << 20])));
    check("empty", |_| boxed(|_| Reply::Body(Vec::new())));
    check("garbage", |_| boxed(|_| Reply::Body(b"<html>all is well</html>".to_vec())));
    check("no HTTP", |_| boxed(|_| Reply::Raw(vec![0xff; 100])));
    check("failure", |_| boxed(|_| Reply::Failure));
    check("tryLater", |_| boxed(|_| Reply::Body(sequence(&[&[0x0a, 1, 3]]))));
    check("another type of answer", |_| {
        let bytes = sequence(&[&oid(&[0x2a, 3, 4]), &tlv(0x04, &[&[5, 0]])]);
        boxed(move |_| Reply::Body(sequence(&[&[0x0a, 1, 0], &tlv(0xa0, &[&bytes])])))
    });
    check("drip", |_| boxed(|_| Reply::Drip));
    check("silence", |_| boxed(|_| Reply::Silence));
    check("redirect", |stage| {
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
