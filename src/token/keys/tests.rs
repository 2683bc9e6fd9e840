#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

use serde_json::{Value, json};

use super::*;
use crate::token::{jws::Jws, mint::Mint};

/// How many keys are read from one key with these changes; `null` takes a member away.
fn changed(jwk: &Value, changes: &Value) -> KeySet {
    let mut jwk = jwk.clone();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => jwk.as_object_mut().unwrap().remove(name),
            value => jwk.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    set(&[jwk])
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn rsa(n: &str, e: &str) -> Value {
    json!({"kty": "RSA", "n": n, "e": e})
}

/// The octets `ff … ff`, an odd number of `bits` bits, in base64url.
fn modulus(bits: usize) -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let mut octets = vec![0xff_u8; bits.div_ceil(8)];
    octets[0] >>= octets.len() * 8 - bits;
    BASE64_URL_SAFE_NO_PAD.encode(octets)
}

fn verify(set: &KeySet, token: &str) -> Result<(), KeyStop> {
    let mut room = Vec::new();
    let jws = Jws::parse(token, &mut room).unwrap();
    let algorithm = Algorithm::named(&jws.header.algorithm).unwrap();
    set.verify(algorithm, jws.header.kid.as_deref(), jws.signed, jws.signature)
}

#[test]
fn every_algorithm_is_found_by_its_name_and_no_other_is() {
    for algorithm in Algorithm::ALL {
        assert_eq!(Algorithm::named(algorithm.name()), Some(algorithm));
    }
    for name in
        ["none", "None", "", "HS256", "HS384", "HS512", "es256", "ES256 ", "ES256K", "ES512", "Ed448", "RS1", "RSA1_5"]
    {
        assert_eq!(Algorithm::named(name), None, "{name}");
    }
}

#[test]
fn member_that_is_null_is_not_there() {
    let mut jwk = Mint::new(Algorithm::ES256, "1").jwk();
    for name in ["use", "key_ops", "alg", "x5c", "d", "k", "oth"] {
        jwk[name] = Value::Null;
    }
    assert_eq!(set(std::slice::from_ref(&jwk)).len(), 1);
    jwk["x"] = Value::Null;
    assert_eq!(set(&[jwk]).len(), 0);
}

#[test]
fn key_that_may_not_verify_signatures_is_left_out() {
    let ec = Mint::new(Algorithm::ES256, "1").jwk();
    assert_eq!(changed(&ec, &json!({})).len(), 1);
    assert_eq!(
        changed(&ec, &json!({"use": null, "kid": null, "alg": "ES256", "key_ops": ["sign", "verify"]})).len(),
        1
    );
    for changes in [
        json!({"use": "enc"}),
        json!({"use": 1}),
        json!({"key_ops": []}),
        json!({"key_ops": ["sign"]}),
        json!({"key_ops": "verify", "use": "sig"}),
        json!({"use": "enc", "key_ops": ["verify"]}),
        json!({"alg": "ECDH-ES"}),
        json!({"alg": "HS256"}),
        json!({"alg": "none"}),
        json!({"alg": "ES384"}),
        json!({"alg": "PS256"}),
        json!({"alg": 1}),
        json!({"kid": 1}),
        json!({"d": "AA"}),
        json!({"kty": null}),
        json!({"kty": "RSA"}),
        json!({"kty": "ec"}),
        json!({"crv": "P-384"}),
        json!({"crv": "P-521"}),
        json!({"crv": "secp256k1"}),
        json!({"x": null}),
        json!({"y": null}),
        json!({"y": 1}),
        json!({"x": "AA"}),
        json!({"x": format!("{}=", ec["x"].as_str().unwrap())}),
        json!({"x": format!("AA{}", ec["x"].as_str().unwrap())}),
    ] {
        let set = changed(&ec, &changes);
        assert_eq!((set.len(), set.left_out().len()), (0, 1), "{changes}");
    }
    assert_eq!(set(&[json!({"kty": "oct", "k": "AAAA", "alg": "HS256"}), json!("key"), json!(null)]).len(), 0);
}

#[test]
fn key_that_names_a_member_twice_is_left_out_and_its_neighbour_stays() {
    let jwk = Mint::new(Algorithm::EdDSA, "1").jwk().to_string();
    let twice = jwk.replacen('{', r#"{"kid":"2","#, 1);
    let set = KeySet::parse(format!(r#"{{"keys":[{twice},{jwk}]}}"#).as_bytes()).unwrap();
    assert_eq!((set.len(), set.left_out().len()), (1, 1));
}

#[test]
fn modulus_has_2048_to_8192_bits_and_the_exponent_is_odd() {
    for (bits, expected) in [(1024, 0), (2047, 0), (2048, 1), (3072, 1), (8192, 1), (8193, 0)] {
        assert_eq!(set(&[rsa(&modulus(bits), "AQAB")]).len(), expected, "{bits}");
    }
    let n = modulus(2048);
    for (e, expected) in [
        ("AQAB", 1),
        ("Aw", 1),
        ("AAEAAQ", 1),
        ("", 0),
        ("AA", 0),
        ("AQ", 0),
        ("Ag", 0),
        ("AQAA", 0),
        ("AQAAAAAB", 0),
        ("_____________w", 0),
    ] {
        assert_eq!(set(&[rsa(&n, e)]).len(), expected, "{e}");
    }
    let even = format!("{}g", &n[..n.len() - 1]);
    assert_eq!(set(&[rsa(&even, "AQAB"), rsa("", "AQAB"), rsa("AAAA", "AQAB")]).len(), 0);
    assert_eq!(set(&[rsa(&n, "AQAB")]), set(&[rsa(&n, "AAEAAQ")]), "leading zeros change nothing");
}

#[test]
fn document_that_is_no_key_set_or_too_large_is_refused() {
    for document in [
        "",
        "[]",
        "{}",
        "null",
        r#"{"keys":{}}"#,
        r#"{"keys":null}"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":[]} x"#,
        r#"{"Keys":[]}"#,
    ] {
        assert!(KeySet::parse(document.as_bytes()).is_err(), "{document}");
    }
    assert!(KeySet::parse(br#"{"keys":[]}"#).unwrap().is_empty());
    assert!(KeySet::parse("\u{feff}{\"keys\":[]}".as_bytes()).is_ok(), "a byte order mark is passed over");
    let many = |count: usize| json!({ "keys": vec![json!({}); count] }).to_string();
    assert!(KeySet::parse(many(KeySet::MAX_KEYS).as_bytes()).is_ok());
    assert!(KeySet::parse(many(KeySet::MAX_KEYS + 1).as_bytes()).is_err());
    let padded = |length: usize| format!("{{\"keys\":[]{}}}", " ".repeat(length - 11));
    assert!(KeySet::parse(padded(KeySet::MAX_BYTES).as_bytes()).is_ok());
    assert!(KeySet::parse(padded(KeySet::MAX_BYTES + 1).as_bytes()).is_err());
}

#[test]
fn signature_is_held_against_each_key_of_its_kid() {
    let [first, second, other] = ["1", "1", "2"].map(|kid| Mint::new(Algorithm::ES256, kid));
    let keys = set(&[first.jwk(), Mint::new(Algorithm::EdDSA, "1").jwk(), second.jwk()]);
    let claims = json!({});
    assert_eq!(verify(&keys, &first.token(&claims)), Ok(()));
    assert_eq!(verify(&keys, &second.token(&claims)), Ok(()));
    assert_eq!(verify(&keys, &other.token(&claims)), Err(KeyStop::Unknown));
    assert_eq!(verify(&keys, &Mint::new(Algorithm::ES256, "1").token(&claims)), Err(KeyStop::SignatureInvalid));
    assert_eq!(verify(&keys, &Mint::new(Algorithm::ES384, "1").token(&claims)), Err(KeyStop::Unfit));
    let (longer, nameless) = (Mint::new(Algorithm::ES384, "1"), changed(&first.jwk(), &json!({"kid": null})));
    assert_eq!(verify(&set(&[longer.jwk()]), &first.token(&claims)), Err(KeyStop::Unfit));
    assert_eq!(verify(&nameless, &first.token(&claims)), Err(KeyStop::Unknown));
}

#[test]
fn token_without_kid_is_held_against_the_only_key_that_fits() {
    let (es, ed) = (Mint::new(Algorithm::ES256, "1"), Mint::new(Algorithm::EdDSA, "2"));
    let token = es.sign(r#"{"alg":"ES256"}"#, "{}");
    assert_eq!(verify(&set(&[ed.jwk(), es.jwk()]), &token), Ok(()));
    assert_eq!(verify(&set(&[ed.jwk()]), &token), Err(KeyStop::Unknown));
    assert_eq!(verify(&set(&[]), &token), Err(KeyStop::Unknown));
    let second = Mint::new(Algorithm::ES256, "3").jwk();
    assert_eq!(verify(&set(&[es.jwk(), second]), &token), Err(KeyStop::Ambiguous));
    assert_eq!(verify(&set(&[es.jwk()]), &es.sign(r#"{"alg":"ES256","kid":""}"#, "{}")), Err(KeyStop::Unknown));
}

#[test]
fn key_with_its_own_algorithm_serves_no_other() {
    let n = modulus(2048);
    let keys = changed(&rsa(&n, "AQAB"), &json!({"alg": "PS256", "kid": "1"}));
    assert_eq!(keys.verify(Algorithm::RS256, Some("1"), b"", b""), Err(KeyStop::Unfit));
    assert_eq!(keys.verify(Algorithm::RS256, None, b"", b""), Err(KeyStop::Unknown));
    assert_eq!(keys.verify(Algorithm::PS256, Some("1"), b"", b""), Err(KeyStop::SignatureInvalid));
}

#[test]
fn key_set_is_equal_only_to_one_with_the_same_keys() {
    let (first, second) = (Mint::new(Algorithm::ES256, "1").jwk(), Mint::new(Algorithm::ES256, "1").jwk());
    let of = |jwk: &Value| changed(jwk, &json!({}));
    assert_eq!(of(&first), of(&first));
    assert_ne!(of(&first), of(&second));
    assert_ne!(of(&first), changed(&first, &json!({"kid": "2"})));
    assert_ne!(of(&first), changed(&first, &json!({"alg": "ES256"})));
}
