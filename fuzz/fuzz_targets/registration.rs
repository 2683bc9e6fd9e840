//! A registration is judged, whatever its statement, its request, and the organisation's keys say. The two are signed, so
//! that every rule is reached; a body that nobody signed is refused.
#![no_main]

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use certbound::{
    UnixTime,
    registration::{KeysAt, RegistrationKnowledge, RegistrationRules, SubjectRule},
    token::{Algorithm, SingleUse, Use},
};
use libfuzzer_sys::fuzz_target;
use ring::signature::{Ed25519KeyPair, KeyPair};

/// The directory's and the software's: it signs one input always alike.
static KEY: LazyLock<Ed25519KeyPair> = LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key"));

static RULES: LazyLock<RegistrationRules> = LazyLock::new(|| RegistrationRules {
    directory_issuer: "d".to_owned(),
    audiences: vec!["a".to_owned()],
    allowed_hosts: vec!["h".to_owned()],
    subject: SubjectRule::Off,
    algorithms: Algorithm::ALL.to_vec(),
    clock_skew: 30,
});

struct Known<'a> {
    organization: &'a [u8],
}

impl RegistrationKnowledge for Known<'_> {
    fn keys(&self, at: &KeysAt) -> Option<Option<Arc<[u8]>>> {
        let document = match at {
            KeysAt::Named(address) if address.ends_with("/o") => self.organization.to_vec(),
            _ => {
                let x = BASE64.encode(KEY.public_key());
                format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}]}}"#).into_bytes()
            }
        };
        Some(Some(document.into()))
    }

    fn asked_anew(&self, _: &KeysAt) -> bool {
        true
    }

    fn used(&self, _: &SingleUse) -> Option<Use> {
        Some(Use::First)
    }
}

fn signed(payload: &[u8]) -> String {
    let message = format!("{}.{}", BASE64.encode(r#"{"alg":"EdDSA"}"#), BASE64.encode(payload));
    format!("{message}.{}", BASE64.encode(KEY.sign(message.as_bytes())))
}

// Statement, request, and key set with a NUL between them, which JSON does not have; `@` in the request is the statement.
fuzz_target!(|input: &[u8]| {
    let now = UnixTime::since_unix_epoch(Duration::from_secs(1_767_225_600));
    let mut parts = input.splitn(3, |byte| *byte == 0);
    let (statement, request) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let known = Known { organization: parts.next().unwrap_or_default() };
    assert!(RULES.verify(input, None, &known, now).is_err(), "a registration that nobody signed");
    let request = String::from_utf8_lossy(request).replace('@', &signed(statement));
    let _ = RULES.verify(signed(request.as_bytes()).as_bytes(), None, &known, now);
});
