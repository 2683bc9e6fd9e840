//! Tokens before certbound, PyJWT, and jose.

use std::{sync::Arc, time::Duration};

use certbound::{
    UnixTime,
    token::{Algorithm, BearerToken, Issuer, Issuers, KeyRing, KeySet, TokenRules, Verify, verify::TokenStop},
};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use serde_json::{Value, json};

use crate::{
    chain::NOW,
    difference::{Verdict, hold},
    known,
    others::{Other, verdict},
    plan,
    random::Random,
    support::process,
    token::{AUDIENCE, Draft, ISSUER, SKEW, SigningKeys},
    twists::TWISTS,
};

#[test]
fn token_that_certbound_accepts_is_accepted_by_another_too() {
    let (Some(python), Some(node), Some(_)) =
        (Other::python("tokens.py"), Other::node("tokens.js"), process::find("openssl"))
    else {
        return;
    };
    let (mut random, count) = plan();
    let keys = SigningKeys::new();
    let published = keys.published();

    let (faults, tokens): (Vec<_>, Vec<_>) = (0..count).map(|turn| chosen(turn, &keys, &mut random)).unzip();
    let settings = json!({
        "issuer": ISSUER, "audience": AUDIENCE, "skew": SKEW, "now": NOW, "keys": published,
        "algorithms": Algorithm::ALL.map(Algorithm::name),
    });
    let lines: Vec<_> =
        std::iter::once(settings.to_string()).chain(tokens.iter().map(|token| json!(token).to_string())).collect();
    let (pyjwt, jose) = (python.ask(&lines), node.ask(&lines));

    let issuers = issuers();
    let set = KeySet::parse(published.to_string().as_bytes()).unwrap();
    let ring = KeyRing::new(vec![Some(Arc::new(set))], 0);
    let answers = pyjwt[1..].iter().zip(&jose[1..]);
    let verdicts =
        faults.into_iter().zip(tokens).zip(answers).map(|((faults, token), (pyjwt, jose)): (_, (&Value, &Value))| {
            Verdict {
                faults,
                certbound: judge(&issuers, &ring, &token),
                others: vec![("PyJWT", verdict(pyjwt)), ("jose", verdict(jose))],
                case: token,
            }
        });
    hold(&verdicts.collect::<Vec<_>>(), known::TOKENS, &[], "docs/token-validation.md");
}

/// Every twist in turn; then two at a time.
fn chosen(turn: usize, keys: &SigningKeys, random: &mut Random) -> (Vec<String>, String) {
    let mut draft = Draft::good(random);
    let mut names = Vec::new();
    let first = &TWISTS[turn % TWISTS.len()];
    let second = (turn / TWISTS.len() % 4 == 3).then(|| &TWISTS[random.below(TWISTS.len())]);
    for twist in std::iter::once(first).chain(second) {
        (twist.make)(&mut draft, random);
        names.push(twist.name.to_owned());
    }
    (names, draft.sign(keys, random))
}

fn issuers() -> Issuers {
    Issuers {
        issuers: vec![Issuer {
            issuer: ISSUER.into(),
            audiences: vec![AUDIENCE.to_owned()],
            verify: Verify::Jwt,
            introspects: false,
        }],
        rules: TokenRules {
            algorithms: Algorithm::ALL.to_vec(),
            clock_skew: SKEW,
            types: vec!["at+jwt".to_owned(), "jwt".to_owned()],
            required_claims: ["iss", "aud", "exp"].map(Into::into).into(),
            consent_claim: None,
        },
    }
}

/// What the gate would say of it behind `Bearer`.
fn judge(issuers: &Issuers, ring: &KeyRing, token: &str) -> Result<(), String> {
    let value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| "no header".to_owned())?;
    let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
    let bearer = BearerToken::read(&headers, false).map_err(|denial| denial.code().to_owned())?;
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
    issuers.verify(bearer, ring, &|_| None, now).1.map(drop).map_err(|stop| match stop {
        TokenStop::Deny(denial) => denial.code().to_owned(),
        TokenStop::UnknownKey { .. } => "token_key_unknown".to_owned(),
        TokenStop::Ask(_) => panic!("nobody can be asked"),
    })
}
