//! `[consent]`, the routes that ask for consents, and the key that signs.

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};

use super::*;
use crate::{certificate::mint::ran, config::settings::SigningKey};

const ENDPOINT: (&str, &str) = ("consent", "endpoint = \"http://127.0.0.1:9446/validate\"");
const PATH: (&str, &str) = ("route", "path = \"/a\"");
const CONSENT: (&str, &str) = ("route", "consent = true");

#[test]
fn claim_is_read_only_where_somebody_is_asked() {
    let claim = |changes: &[(&str, &str)]| {
        let (settings, supplies, _) = Folder::new().loaded(&with(changes));
        (settings.gate.issuers.rules.consent_claim, supplies.consent.map(|service| service.endpoint.to_string()))
    };
    let endpoint = Some("http://127.0.0.1:9446/validate".to_owned());

    assert_eq!(claim(&[]), (None, None));
    assert_eq!(claim(&[("consent", "claim = \"intent\"")]), (None, None));
    assert_eq!(claim(&[ENDPOINT]), (Some("consent_id".into()), endpoint.clone()));
    assert_eq!(claim(&[ENDPOINT, ("consent", "claim = \"intent\"")]), (Some("intent".into()), endpoint));
}

#[test]
fn route_that_asks_for_consents_has_somebody_to_ask_and_a_token_to_ask_about() {
    let check = |changes: &[(&str, &str)], expected: &str| {
        let faults = Folder::new().faults(&with(changes));
        assert_eq!(faults.len(), 1, "{faults:#?}");
        assert!(faults[0].contains(expected), "{}", faults[0]);
    };
    let settings = Folder::new().settings(&with(&[ENDPOINT, PATH, CONSENT]));
    assert!(settings.gate.routes.iter().all(|route| route.consent));

    let missing = "consent.endpoint: is missing, and a route asks for consents; write endpoint = ";
    check(&[PATH, CONSENT], &format!("proxy.toml:1:1: {missing}"));
    check(&[("consent", "claim = \"intent\""), PATH, CONSENT], &format!("proxy.toml:13:1: {missing}"));
    check(&[("consent", "endpoint = \"\""), PATH, CONSENT], &format!("proxy.toml:14:12: {missing}"));
    check(&[("consent", "endpoint = 9446"), PATH, CONSENT], "consent.endpoint: integer stands where a string belongs");
    let open = ("route", "require = [\"certificate\"]");
    check(&[ENDPOINT, PATH, CONSENT, open], "route.consent: the token names the consent, and this route demands none");
    check(&[PATH, CONSENT, ("route", "kind = \"token\"")], "route.consent: a consent covers requests to an API");
    check(&[("consent", "endpoint = \"consents\""), PATH, CONSENT], "consent.endpoint: `consents` is n");
}

#[test]
fn service_that_is_never_asked_or_can_be_impersonated_is_warned_of() {
    let check = |changes: &[(&str, &str)], expected: &[&str]| {
        let warnings = Folder::new().warnings(&with(changes));
        let found: Vec<_> = warnings.iter().filter(|warning| warning.contains("consent")).collect();
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (warning, expected) in found.iter().zip(expected) {
            assert!(warning.contains(expected), "{warning}");
        }
    };
    let exposed = ("consent", "endpoint = \"http://consents.example/\"");
    let secure = ("consent", "endpoint = \"https://consents.example/\"");
    check(&[ENDPOINT, PATH, CONSENT], &[]);
    check(&[secure, PATH, CONSENT], &[]);
    check(&[exposed, PATH, CONSENT], &["consent.endpoint: whoever is on the way can consent to anything"]);
    check(&[ENDPOINT], &["consent.endpoint: no route asks for consents"]);
}

#[test]
fn header_of_the_service_is_written_by_nobody_else() {
    for name in ["Account-Request-Information", "account_request.information"] {
        let folder = Folder::new();
        let faults = folder.faults(&with(&[("backend", &format!("headers = {{ \"{name}\" = \"a\" }}"))]));
        assert_eq!(faults.len(), 1, "{faults:#?}");
        assert!(faults[0].contains("this header is written already"), "{}", faults[0]);
    }
}

/// The key as the configuration reads it.
fn signing_key(folder: &Folder, pem: &str) -> SigningKey {
    folder.write("consent.key", pem);
    let supplies = folder.supplies(&with(&[ENDPOINT, ("consent", "signing_key_file = \"consent.key\"")]));
    supplies.consent.unwrap().signing_key.unwrap()
}

/// What the key signs is verified by the public key, and says how.
#[track_caller]
fn verify(key: &SigningKey, algorithm: &str, ring: &'static dyn VerificationAlgorithm, public: &[u8]) {
    let jws = key.sign(r#"{"consentId":"ä"}"#).unwrap();
    let (message, signature) = jws.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let text = |part: &str| String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();

    assert_eq!(text(header), format!(r#"{{"alg":"{algorithm}","typ":"JWT","kid":"{}"}}"#, key.kid()));
    assert_eq!(text(claims), r#"{"consentId":"ä"}"#);
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(ring, public).verify(message.as_bytes(), &signature).unwrap();
    assert_eq!(format!("{key:?}"), format!("{algorithm} {}", key.kid()));
}

#[test]
fn elliptic_key_signs_in_each_of_its_forms() {
    let folder = Folder::new();
    let p256 = KeyPair::generate().unwrap();
    let older = super::files::sec1(&p256);
    let keys = [&p256.serialize_pem(), &older].map(|pem| signing_key(&folder, pem));
    for key in &keys {
        verify(key, "ES256", &ECDSA_P256_SHA256_FIXED, p256.public_key_raw());
    }
    assert_eq!(keys[0].kid(), keys[1].kid());
    let ed25519 = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    verify(&signing_key(&folder, &ed25519.serialize_pem()), "EdDSA", &ED25519, ed25519.public_key_raw());
}

#[test]
fn rsa_key_signs_in_both_of_its_forms() {
    let folder = Folder::new();
    if !ran(&folder.path("."), "openssl", "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem") {
        return;
    }
    let pkcs8 = fs::read_to_string(folder.path("rsa.pem")).unwrap();
    let PrivateKeyDer::Pkcs8(der) = PrivateKeyDer::from_pem_slice(pkcs8.as_bytes()).unwrap() else { unreachable!() };
    // The RSAPrivateKey is the last element of PKCS#8.
    let start = der.secret_pkcs8_der().windows(4).rposition(|window| window == [0x02, 0x01, 0x00, 0x02]).unwrap() - 4;
    let pkcs1 = BASE64_STANDARD.encode(&der.secret_pkcs8_der()[start..]);
    let pkcs1 = format!("-----BEGIN RSA PRIVATE KEY-----\n{pkcs1}\n-----END RSA PRIVATE KEY-----\n");
    let pair = ring::rsa::KeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();

    for pem in [pkcs8, pkcs1] {
        verify(&signing_key(&folder, &pem), "PS256", &RSA_PSS_2048_8192_SHA256, pair.public().as_ref());
    }
}

#[test]
fn kid_is_the_thumbprint_of_the_public_key() {
    // RFC 8037, appendix A.1 and A.3.
    let private = BASE64_URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let pkcs8 = [b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".as_slice(), &private].concat();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", BASE64_STANDARD.encode(pkcs8));

    let key = signing_key(&Folder::new(), &pem);

    assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn key_that_cannot_sign_is_a_fault() {
    let folder = Folder::new();
    let p384 = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    for (pem, expected) in [
        (p384.serialize_pem(), "this key cannot sign; give RSA of 2048 to 4096 bits, P-256, or Ed25519"),
        (authority().pem(), "this file holds no private key"),
        ("-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n".to_owned(), "this key cannot sign"),
    ] {
        folder.write("consent.key", pem);
        let faults = folder.faults(&with(&[ENDPOINT, ("consent", "signing_key_file = \"consent.key\"")]));
        assert_eq!(faults.len(), 1, "{faults:#?}");
        assert!(faults[0].contains("consent.signing_key_file: ") && faults[0].contains(expected), "{}", faults[0]);
    }
}
