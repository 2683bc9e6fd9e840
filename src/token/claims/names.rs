//! Which claims a token has.

use crate::token::json::{Members, Value};

/// The names of claims that are there and say something.
///
/// Thousands of tokens are remembered, and nearly all of their claims have a known name: those take a bit each.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// One bit for each of [`KNOWN`].
    known: u32,
    others: Box<[Box<str>]>,
}

impl Names {
    pub(super) fn of(payload: &Members<'_>) -> Self {
        let mut known = 0;
        let mut others = Vec::new();
        for (name, _) in payload.iter().filter(|(_, value)| !matches!(value, Value::Null | Value::Ambiguous)) {
            match bit(name) {
                Some(bit) => known |= bit,
                None => others.push(name.into()),
            }
        }
        Self { known, others: others.into() }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        match bit(name) {
            Some(bit) => self.known & bit != 0,
            None => self.others.iter().any(|present| **present == *name),
        }
    }

    /// How many are kept as texts.
    pub(super) fn texts(&self) -> usize {
        self.others.len()
    }
}

fn bit(name: &str) -> Option<u32> {
    let place = KNOWN.iter().position(|known| *known == name)?;
    1_u32.checked_shl(place.try_into().ok()?)
}

/// Of the registry of JWT claims, what access tokens use, and what is read here besides; in front, what is asked for most.
const KNOWN: [&str; 24] = [
    "iss",
    "aud",
    "exp",
    "cnf",
    "sub",
    "iat",
    "nbf",
    "jti",
    "client_id",
    "scope",
    "azp",
    "acr",
    "amr",
    "auth_time",
    "sid",
    "act",
    "roles",
    "groups",
    "entitlements",
    "authorization_details",
    "typ",
    "consent_id",
    "aut",
    "scp",
];

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use serde_json::json;

    use super::*;
    use crate::token::json::members;

    fn names(payload: &serde_json::Value) -> Names {
        Names::of(&members(payload.to_string().as_bytes()).unwrap())
    }

    #[test]
    fn claim_is_there_under_its_own_name_whether_that_is_known_or_not() {
        for present in KNOWN.iter().chain(&["intent", "", "urn:bank", "ISS", "is"]) {
            let names = names(&json!({*present: 1}));
            for asked in KNOWN.iter().chain(&["intent", "", "urn:bank", "ISS", "is"]) {
                assert_eq!(names.has(asked), asked == present, "{present} {asked}");
            }
        }
    }

    #[test]
    fn null_is_no_claim() {
        let names = names(&json!({"iss": null, "intent": null, "sub": false}));

        assert!(!names.has("iss") && !names.has("intent") && names.has("sub"));
    }

    #[test]
    fn object_that_can_be_read_in_two_ways_is_no_claim() {
        let names = Names::of(&members(br#"{"act": {"sub": "a", "sub": "b"}, "sub": "a"}"#).unwrap());

        assert!(!names.has("act") && names.has("sub"));
    }

    #[test]
    fn every_known_name_has_a_bit_of_its_own() {
        let all = KNOWN.iter().fold(0, |bits, name| bits | bit(name).unwrap());

        assert_eq!(all.count_ones() as usize, KNOWN.len());
    }

    #[test]
    fn token_of_known_claims_keeps_no_text_of_their_names() {
        let names = names(&json!({"iss": "a", "aud": "b", "exp": 1, "cnf": {}, "consent_id": "c", "intent": "d"}));

        assert_eq!(names.texts(), 1);
    }
}
