#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use std::sync::Mutex;

use der::Encode;
use rcgen::{BasicConstraints, CertificateParams, IsCa};
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};
use webpki::ring::ECDSA_P256_SHA256;

use super::*;
use crate::{
    certificate::{
        mint::{Authority, Rsa, examined, now, plain, presented, trusting},
        path::{CertificateDer, EndEntityCert, Error, KeyUsage, PathRules, verify},
        signature::USED,
    },
    denial::Denial,
};

/// What became of the certificate, and the keys that certbound itself verified with.
fn judge(leaf: &[u8], sent: &[&[u8]], anchors: &[&[u8]]) -> (Result<(), Denial>, Vec<Vec<u8>>) {
    let trust = trusting(anchors);
    USED.take();
    let rules = PathRules { max_intermediates: 10, ..PathRules::default() };
    let judged = presented(leaf, sent).and_then(|presented| verify(&presented, &trust, &rules, now()));
    (judged.map(|_| ()), USED.take())
}

/// The key that a certificate certifies.
fn key(der: &[u8]) -> Vec<u8> {
    examined(der).unwrap().certificate().tbs_certificate().subject_public_key_info().to_der().unwrap()
}

fn slices(ders: &[Vec<u8>]) -> Vec<&[u8]> {
    ders.iter().map(Vec::as_slice).collect()
}

#[test]
fn nothing_is_computed_with_the_keys_of_strangers() {
    let root = Authority::root("Root", plain);
    // The anchor's key looks at each of theirs and, in two searches, at the leaf.
    for (name, by_the_anchor) in [("Nobody", 0), ("Root", 7)] {
        let stranger = Authority::root(name, plain);
        // Self-issued, so that certbound searches by itself; of one key or of many, in any order.
        let one_key: Vec<_> = (0..5).map(|_| stranger.certified_again(&stranger, plain)).collect();
        let many_keys: Vec<_> = (0..5).map(|_| stranger.intermediate(name, plain).der).collect();
        for sent in [one_key, many_keys] {
            let (verdict, used) = judge(&stranger.client(plain), &slices(&sent), &[&root.der]);
            assert_eq!(verdict.unwrap_err().code(), "certificate_untrusted", "{name}");
            assert_eq!(used, vec![key(&root.der); by_the_anchor], "{name}");
        }
    }
}

#[test]
fn certificate_that_a_stranger_put_under_a_weak_key_is_refused_unverified() {
    let (root, stranger) = (Authority::root("Root", plain), Authority::root("TPP", plain));
    let weak = root.client_with(&Rsa::of_bits(1024, 3), authority);
    let upper = stranger.intermediate("Upper", plain);
    let lower = upper.intermediate("Lower", plain);
    let (verdict, used) = judge(&lower.client(plain), &[&lower.der, &upper.der], &[&weak]);
    assert_eq!(verdict.unwrap_err().code(), "certificate_weak");
    assert!(used.iter().all(|used| *used == key(&weak)));

    // As long as its upper end has a name that is trusted.
    let (verdict, _) = judge(&lower.client(plain), &[&lower.der], &[&weak]);
    assert_eq!(verdict.unwrap_err().code(), "certificate_untrusted");
}

#[test]
fn certified_client_vouches_for_nobody() {
    let root = Authority::root("Root", plain);
    let client = root.intermediate("Client", |params| params.is_ca = IsCa::NoCa);
    let below = client.intermediate("Below", plain);
    for (leaf, sent, why) in [
        (client.client(plain), vec![&client.der], "an issuer of the path is no authority"),
        (below.client(plain), vec![&client.der, &below.der], "no issuer leads to an anchor: issued by CN=Root"),
    ] {
        let sent: Vec<_> = sent.into_iter().map(Vec::as_slice).collect();
        let (verdict, used) = judge(&leaf, &sent, &[&root.der]);
        assert_eq!(verdict.unwrap_err().detail().unwrap(), why);
        assert!(used.iter().all(|used| *used == key(&root.der)));
    }
}

#[test]
fn path_is_verified_from_the_anchor_down_whatever_the_order_and_copies_cost_nothing() {
    let root = Authority::root("Root", plain);
    let upper = root.intermediate("Upper", plain);
    let middle = upper.intermediate("Middle", plain);
    let lower = middle.intermediate("Lower", plain);
    let leaf = lower.client(plain);
    let once = [&lower.der, &upper.der, &middle.der].map(Vec::as_slice);
    for sent in [once.to_vec(), [once, once].concat()] {
        let (verdict, used) = judge(&leaf, &sent, &[&root.der]);
        assert_eq!(verdict, Ok(()));
        assert_eq!(used, [&root.der, &upper.der, &middle.der].map(|der| key(der)));
    }
    // One alone, and none, are webpki's.
    assert_eq!(judge(&leaf, &[&lower.der], &[&middle.der]), (Ok(()), vec![]));
    assert_eq!(judge(&leaf, &[], &[&lower.der]), (Ok(()), vec![]));
}

#[test]
fn too_many_signatures_are_too_much() {
    let roots: Vec<_> = (0..11).map(|_| Authority::root("Root", plain).der).collect();
    let stranger = Authority::root("Root", plain);
    let sent: Vec<_> = (0..10).map(|_| stranger.intermediate("Issuer", plain).der).collect();
    let (verdict, used) = judge(&stranger.client(plain), &slices(&sent), &slices(&roots));
    assert_eq!(verdict.unwrap_err().detail().unwrap(), "looking for a path took too much: issued by CN=Root");
    assert_eq!(used.len(), MAX_SIGNATURES);
}

/// What [`Rooted`] leaves to webpki rests on this.
#[test]
fn webpki_verifies_from_the_anchor_down() {
    let (root, stranger) = (Authority::root("Root", plain), Authority::root("Root", plain));
    let issuer = stranger.intermediate("Issuer", plain);
    let (leaf, issuer) = (CertificateDer::from(issuer.client(plain)), CertificateDer::from(issuer.der));
    let (trust, watched) = (trusting(&[&root.der]), Watched::default());
    let anchors = trust.above([&examined(&issuer).unwrap()].into_iter());
    let (end, sent) = (EndEntityCert::try_from(&leaf).unwrap(), [issuer]);
    let usage = KeyUsage::client_auth();
    let verdict = end.verify_for_usage(&[&watched], &anchors, &sent, now(), usage, None, None);
    assert_eq!(verdict.err(), Some(Error::InvalidSignatureForPublicKey));
    let used = watched.0.into_inner().unwrap();
    assert_eq!(used.len(), 1);
    assert!(key(&root.der).ends_with(used.first().unwrap()));
}

fn authority(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![];
}

/// ECDSA, and the keys that it was used with.
#[derive(Debug, Default)]
struct Watched(Mutex<Vec<Vec<u8>>>);

impl SignatureVerificationAlgorithm for Watched {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        self.0.lock().unwrap().push(key.to_vec());
        ECDSA_P256_SHA256.verify_signature(key, message, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        ECDSA_P256_SHA256.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        ECDSA_P256_SHA256.signature_alg_id()
    }
}
