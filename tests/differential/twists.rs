//! What can be wrong with a token.

use crate::{
    chain::NOW,
    random::Random,
    token::{AUDIENCE, Draft, ISSUER, SKEW, Signer},
};

/// One way to be wrong, or only unusual.
pub(crate) struct Twist {
    pub(crate) name: &'static str,
    pub(crate) make: fn(&mut Draft, &mut Random),
}

const fn twist(name: &'static str, make: fn(&mut Draft, &mut Random)) -> Twist {
    Twist { name, make }
}

#[rustfmt::skip]
pub(crate) const TWISTS: &[Twist] = &[
    twist("nothing wrong", |_, _| {}),
    twist("signed by a stranger", |own, _| { by(own, Signer::Stranger, "ES256", "es256"); }),
    twist("signed by a key for encryption", |own, _| { by(own, Signer::Encryption, "ES256", "encryption"); }),
    twist("alg none", |own, _| { by(own, Signer::Nobody, "none", "es256"); }),
    twist("alg None", |own, _| { by(own, Signer::Nobody, "None", "es256"); }),
    twist("alg none with a signature", |own, _| own.head("alg", "\"none\"")),
    twist("signature empty", |own, _| own.signer = Signer::Nobody),
    twist("public key as secret", |own, _| { by(own, Signer::PublicKeyAsSecret, "HS256", "es256"); }),
    twist("HS256 without kid", |own, _| { by(own, Signer::PublicKeyAsSecret, "HS256", "es256"); drop_member(&mut own.header, "kid"); }),
    twist("alg in lower case", |own, _| { by(own, Signer::Es256, "es256", "es256"); }),
    twist("alg of another family", |own, _| { by(own, Signer::Es256, "PS256", "es256"); }),
    twist("alg of another curve", |own, _| { by(own, Signer::Es256, "ES384", "es384"); }),
    twist("RS256 called PS256", |own, _| { by(own, Signer::Rs256, "PS256", "rsa"); }),
    twist("EdDSA called Ed25519", |own, _| { by(own, Signer::EdDsa, "Ed25519", "eddsa"); }),
    twist("no alg", |own, _| drop_member(&mut own.header, "alg")),
    twist("alg is null", |own, _| own.head("alg", "null")),
    twist("alg is a list", |own, _| own.head("alg", "[\"ES256\"]")),
    twist("alg twice", |own, _| own.header.push(("alg".to_owned(), "\"none\"".to_owned()))),
    twist("alg twice, the right one last", |own, _| { let right = own.header[0].clone(); own.header.insert(0, ("alg".to_owned(), "\"none\"".to_owned())); own.header.push(right); }),
    twist("no kid", |own, _| drop_member(&mut own.header, "kid")),
    twist("kid unknown", |own, _| own.head("kid", "\"other\"")),
    twist("kid of another key", |own, _| own.head("kid", if own.signer == Signer::Es384 { "\"es256\"" } else { "\"es384\"" })),
    twist("kid is a number", |own, _| own.head("kid", "1")),
    twist("kid is null", |own, _| own.head("kid", "null")),
    twist("kid is a path", |own, _| own.head("kid", "\"../../dev/null\"")),
    twist("kid with a space behind it", |own, _| { let kid = own.header[1].1.trim_end_matches('"').to_owned(); own.head("kid", &format!("{kid} \"")); }),
    twist("no typ", |own, _| drop_member(&mut own.header, "typ")),
    twist("typ is JWT", |own, _| own.head("typ", "\"JWT\"")),
    twist("typ with application/", |own, _| own.head("typ", "\"application/at+JWT\"")),
    twist("typ of an ID token's logout", |own, _| own.head("typ", "\"logout+jwt\"")),
    twist("typ is a number", |own, _| own.head("typ", "1")),
    twist("crit unknown", |own, _| { own.head("crit", "[\"x\"]"); own.head("x", "1"); }),
    twist("crit is empty", |own, _| own.head("crit", "[]")),
    twist("crit is no list", |own, _| own.head("crit", "\"exp\"")),
    twist("b64 false, critical", |own, _| { own.head("b64", "false"); own.head("crit", "[\"b64\"]"); }),
    twist("b64 true, critical", |own, _| { own.head("b64", "true"); own.head("crit", "[\"b64\"]"); }),
    twist("b64 false, not critical", |own, _| own.head("b64", "false")),
    twist("b64 true, not critical", |own, _| own.head("b64", "true")),
    twist("jwk of a stranger", |own, _| { by(own, Signer::Stranger, "ES256", "es256"); own.head("jwk", STRANGER); }),
    twist("jku", |own, _| own.head("jku", "\"https://evil.example/jwks\"")),
    twist("x5u and x5c", |own, _| { own.head("x5u", "\"https://evil.example/x\""); own.head("x5c", "[\"MIIB\"]"); }),
    twist("zip", |own, _| own.head("zip", "\"DEF\"")),
    twist("cty is JWT", |own, _| own.head("cty", "\"JWT\"")),
    twist("no iss", |own, _| drop_member(&mut own.claims, "iss")),
    twist("iss of another", |own, _| own.claim("iss", "\"https://as.evil.example\"")),
    twist("iss with a slash", |own, _| own.claim("iss", &format!("\"{ISSUER}/\""))),
    twist("iss in another case", |own, _| own.claim("iss", &format!("\"{}\"", ISSUER.to_uppercase()))),
    twist("iss is a list", |own, _| own.claim("iss", &format!("[\"{ISSUER}\"]"))),
    twist("iss is null", |own, _| own.claim("iss", "null")),
    twist("iss escaped", |own, _| own.claim("iss", &format!("\"\\u0068{}\"", &ISSUER[1..]))),
    twist("iss twice", |own, _| own.claims.push(("iss".to_owned(), format!("\"{ISSUER}\"")))),
    twist("iss twice, under an escaped name", |own, _| own.claims.insert(0, ("\\u0069ss".to_owned(), "\"https://as.evil.example\"".to_owned()))),
    twist("no aud", |own, _| drop_member(&mut own.claims, "aud")),
    twist("aud of another", |own, _| own.claim("aud", "\"https://other.example\"")),
    twist("aud in a list", |own, _| own.claim("aud", &format!("[\"https://other.example\",\"{AUDIENCE}\"]"))),
    twist("aud in a list with a number", |own, _| own.claim("aud", &format!("[1,\"{AUDIENCE}\"]"))),
    twist("aud in a list in a list", |own, _| own.claim("aud", &format!("[[\"{AUDIENCE}\"]]"))),
    twist("aud is an empty list", |own, _| own.claim("aud", "[]")),
    twist("aud is a member's name", |own, _| own.claim("aud", &format!("{{\"{AUDIENCE}\":1}}"))),
    twist("aud is null", |own, _| own.claim("aud", "null")),
    twist("aud holds ours", |own, _| own.claim("aud", &format!("\"{AUDIENCE}.evil.example\""))),
    twist("aud with a space behind it", |own, _| own.claim("aud", &format!("\"{AUDIENCE} \""))),
    twist("aud twice", |own, _| own.claims.insert(0, ("aud".to_owned(), "\"x\"".to_owned()))),
    twist("no exp", |own, _| drop_member(&mut own.claims, "exp")),
    twist("exp is over", |own, _| own.claim("exp", &(NOW - SKEW - 1).to_string())),
    twist("exp is just over", |own, _| own.claim("exp", &(NOW - SKEW).to_string())),
    twist("exp is over within the skew", |own, _| own.claim("exp", &(NOW - SKEW + 1).to_string())),
    twist("exp with a fraction", |own, _| own.claim("exp", &format!("{}.5", NOW + 1))),
    twist("exp with a fraction, just over", |own, _| own.claim("exp", &format!("{}.5", NOW - SKEW))),
    twist("exp with an exponent", |own, _| own.claim("exp", "1.9e9")),
    twist("exp in milliseconds", |own, _| own.claim("exp", &format!("{NOW}000"))),
    twist("exp beyond 64 bits", |own, _| own.claim("exp", "99999999999999999999999")),
    twist("exp beyond every float", |own, _| own.claim("exp", "1e999")),
    twist("exp of a thousand digits", |own, _| own.claim("exp", &"9".repeat(1000))),
    twist("exp negative", |own, _| own.claim("exp", "-1")),
    twist("exp as text", |own, _| own.claim("exp", &format!("\"{}\"", NOW + 300))),
    twist("exp is null", |own, _| own.claim("exp", "null")),
    twist("exp is true", |own, _| own.claim("exp", "true")),
    twist("exp in a list", |own, _| own.claim("exp", &format!("[{}]", NOW + 300))),
    twist("exp is Infinity", |own, _| own.claim("exp", "Infinity")),
    twist("exp is NaN", |own, _| own.claim("exp", "NaN")),
    twist("exp twice", |own, _| own.claims.insert(0, ("exp".to_owned(), "1".to_owned()))),
    twist("exp twice, over the second time", |own, _| own.claims.push(("exp".to_owned(), "1".to_owned()))),
    twist("nbf holds", |own, _| own.claim("nbf", &NOW.to_string())),
    twist("nbf within the skew", |own, _| own.claim("nbf", &(NOW + SKEW).to_string())),
    twist("nbf beyond the skew", |own, _| own.claim("nbf", &(NOW + SKEW + 1).to_string())),
    twist("nbf as text", |own, _| own.claim("nbf", &format!("\"{NOW}\""))),
    twist("nbf is null", |own, _| own.claim("nbf", "null")),
    twist("nbf negative", |own, _| own.claim("nbf", "-1")),
    twist("nbf beyond 64 bits", |own, _| own.claim("nbf", "99999999999999999999999")),
    twist("iat within the skew", |own, _| own.claim("iat", &(NOW + SKEW).to_string())),
    twist("iat beyond the skew", |own, _| own.claim("iat", &(NOW + SKEW + 1).to_string())),
    twist("iat as text", |own, _| own.claim("iat", &format!("\"{NOW}\""))),
    twist("iat is null", |own, _| own.claim("iat", "null")),
    twist("no iat", |own, _| drop_member(&mut own.claims, "iat")),
    twist("sub is a number", |own, _| own.claim("sub", "7")),
    twist("sub is null", |own, _| own.claim("sub", "null")),
    twist("jti is a number", |own, _| own.claim("jti", "7")),
    twist("scope is a number", |own, _| own.claim("scope", "7")),
    twist("cnf is text", |own, _| own.claim("cnf", "\"x\"")),
    twist("cnf with a thumbprint in hex", |own, _| own.claim("cnf", &format!("{{\"x5t#S256\":\"{}\"}}", "ab".repeat(32)))),
    twist("cnf twice", |own, _| own.claims.extend([("cnf".to_owned(), "{}".to_owned()), ("cnf".to_owned(), "{}".to_owned())])),
    twist("an unknown claim", |own, _| own.claim("x", "{\"a\":[1,{}]}")),
    twist("an unknown claim twice", |own, _| own.claims.extend([("x".to_owned(), "1".to_owned()), ("x".to_owned(), "1".to_owned())])),
    twist("a member twice inside an unknown claim", |own, _| own.claim("x", "{\"a\":1,\"a\":2}")),
    twist("a claim named __proto__", |own, _| own.claim("__proto__", "{\"exp\":1}")),
    twist("nested 100 deep", |own, _| own.claim("x", &format!("{}{}", "[".repeat(100), "]".repeat(100)))),
    twist("nested 1000 deep", |own, _| own.claim("x", &format!("{}{}", "[".repeat(1000), "]".repeat(1000)))),
    twist("half a surrogate pair", |own, _| own.claim("x", "\"\\ud800\"")),
    twist("a control character in a text", |own, _| own.claim("x", "\"\u{1}\"")),
    twist("payload is a list", |own, _| own.payload = Some(b"[]".to_vec())),
    twist("payload is null", |own, _| own.payload = Some(b"null".to_vec())),
    twist("payload is empty", |own, _| own.payload = Some(Vec::new())),
    twist("payload with a comma too many", |own, _| payload(own, |text| text.replace('}', ",}"))),
    twist("payload with something behind it", |own, _| payload(own, |text| text + "x")),
    twist("payload twice", |own, _| payload(own, |text| text.clone() + &text)),
    twist("payload with spaces around it", |own, _| payload(own, |text| format!(" {text}\n"))),
    twist("payload with a byte order mark", |own, _| payload(own, |text| format!("\u{feff}{text}"))),
    twist("payload with a comment", |own, _| payload(own, |text| text + "/**/")),
    twist("payload is not UTF-8", |own, _| { own.claim("x", "\"@\""); payload(own, |text| text); let octets = own.payload.as_mut().unwrap(); octets.iter_mut().filter(|octet| **octet == b'@').for_each(|octet| *octet = 0xff); }),
    twist("payload in UTF-16", |own, _| { payload(own, |text| text); own.payload = own.payload.take().map(|octets| octets.into_iter().flat_map(|octet| [octet, 0]).collect()); }),
    twist("padding behind the signature", |own, _| own.after = Some(|token, _| token + "==")),
    twist("padding behind the payload", |own, _| own.after = Some(|token, _| part(&token, 1, |part| part.to_owned() + "="))),
    twist("base64 in place of base64url", |own, _| own.after = Some(|token, _| token.replace('-', "+").replace('_', "/"))),
    twist("unused bits of the signature set", |own, _| own.after = Some(|token, _| unused_bits(token))),
    twist("a line break in the signature", |own, _| own.after = Some(|token, random| break_in(token, random, "\n"))),
    twist("a space in the signature", |own, _| own.after = Some(|token, random| break_in(token, random, " "))),
    twist("a fourth part", |own, _| own.after = Some(|token, _| token + ".e30")),
    twist("a dot at the end", |own, _| own.after = Some(|token, _| token + ".")),
    twist("a dot in front", |own, _| own.after = Some(|token, _| ".".to_owned() + &token)),
    twist("no signature part", |own, _| own.after = Some(|token, _| token.rsplit_once('.').unwrap().0.to_owned())),
    twist("parts in another order", |own, _| own.after = Some(|token, _| token.split('.').rev().collect::<Vec<_>>().join("."))),
    twist("a character changed", |own, _| own.after = Some(change)),
    twist("a character missing", |own, _| own.after = Some(|mut token, random| { token.remove(random.below(token.len())); token })),
    twist("a character inserted", |own, _| own.after = Some(|mut token, random| { let character = random.one(ALPHABET); token.insert(random.below(token.len()), character.into()); token })),
    twist("cut off", |own, _| own.after = Some(|mut token, random| { token.truncate(1 + random.below(token.len())); token })),
];

/// Another signer, who names itself so.
fn by(own: &mut Draft, signer: Signer, alg: &str, kid: &str) {
    own.signer = signer;
    own.header[0].1 = format!("\"{alg}\"");
    own.head("kid", &format!("\"{kid}\""));
}

fn drop_member(members: &mut Vec<(String, String)>, name: &str) {
    members.retain(|(present, _)| present != name);
}

fn payload(own: &mut Draft, change: impl FnOnce(String) -> String) {
    let members: Vec<_> = own.claims.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    own.payload = Some(change(format!("{{{}}}", members.join(","))).into_bytes());
}

fn part(token: &str, place: usize, change: impl Fn(&str) -> String) -> String {
    let parts = token.split('.').enumerate();
    parts.map(|(own, text)| if own == place { change(text) } else { text.to_owned() }).collect::<Vec<_>>().join(".")
}

/// The next character of the alphabet in the last place, where it decodes to the same octets.
fn unused_bits(mut token: String) -> String {
    let last = token.chars().last().unwrap();
    let Some(place) = ALPHABET.iter().position(|character| char::from(*character) == last) else {
        return token;
    };
    token.pop();
    token.push(ALPHABET[place ^ 1].into());
    token
}

fn break_in(mut token: String, random: &mut Random, what: &str) -> String {
    let start = token.rfind('.').unwrap();
    token.insert_str(start + 1 + random.below(token.len() - start), what);
    token
}

fn change(token: String, random: &mut Random) -> String {
    let mut octets = token.into_bytes();
    let place = random.below(octets.len());
    octets[place] = random.one(ALPHABET);
    String::from_utf8(octets).unwrap()
}

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Any public key at all.
const STRANGER: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
