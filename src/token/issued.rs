//! Tokens on their way from the authorization server to the client: whether they are bound to who asked for them.

use base64::Engine as _;

use crate::{
    encoding::BASE64URL,
    thumbprint::Thumbprint,
    token::{
        claims::{self, KeyConfirmation},
        json,
        jws::Jws,
    },
};

/// What a token endpoint's answer brings its client.
///
/// The signature is not looked at: this is about an authorization server that forgets the binding, not one that lies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IssuedToken {
    /// A JWT that is bound to the client.
    Bound,
    /// A JWT that is bound to nobody.
    Unbound,
    /// A JWT that is bound to somebody else, or says in no readable way to whom; and whatever a client may read as another
    /// token than we do: in an object that names a member twice or breaks off, or in a coding that nobody asked for.
    Mismatched,
    /// Something that only the authorization server can read.
    Opaque,
}

impl IssuedToken {
    /// Looks at `access_token` in an answer that says that a token was issued (RFC 6749, section 5.1); its length is the
    /// caller's part to bound. None: there is no such member, or nothing at all, so no access token.
    ///
    /// `presented`: the certificate that the client showed. `keys_count`: a token that is bound to a key instead
    /// (RFC 9449, section 6) is bound too; to which key it is does not matter, since the client has to prove it later.
    pub fn find(answer: &[u8], presented: &Thumbprint, keys_count: bool) -> Option<Self> {
        if answer.is_empty() {
            return None;
        }
        let Some(members) = json::members(answer) else {
            return Some(if is_meant_as_object(answer) { Self::Mismatched } else { Self::Opaque });
        };
        let token = members.get("access_token")?.as_str().filter(|token| Jws::is_one(token));
        let Some(token) = token else { return Some(Self::Opaque) };
        let mut parts = token.split('.').skip(1);
        let payload = match (parts.next(), parts.next(), parts.next()) {
            (Some(payload), Some(_), None) => BASE64URL.decode(payload).unwrap_or_default(),
            // What is malformed to the gate is bound to nobody.
            _ => Vec::new(),
        };
        // One that names a member twice, or is no object, says nothing.
        let payload = json::members(&payload).unwrap_or_default();
        let is_of_key = matches!(claims::key_confirmation(&payload), KeyConfirmation::Key(_));
        Some(match claims::confirmation(&payload) {
            Ok(Some(confirmed)) if presented.matches(&confirmed) => Self::Bound,
            Ok(None) if keys_count && is_of_key => Self::Bound,
            Ok(None) => Self::Unbound,
            Ok(Some(_)) | Err(_) => Self::Mismatched,
        })
    }

    /// As metrics and logs say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bound => "bound",
            Self::Unbound => "unbound",
            Self::Mismatched => "mismatched",
            Self::Opaque => "opaque",
        }
    }
}

/// Whether a lenient reader could find a JSON object in it.
fn is_meant_as_object(answer: &[u8]) -> bool {
    let marked = answer.strip_prefix(b"\xef\xbb\xbf");
    marked.unwrap_or(answer).trim_ascii_start().starts_with(b"{")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn jwt(payload: &Value) -> String {
        let part = |value: &Value| BASE64URL.encode(value.to_string());
        format!("{}.{}.c2ln", part(&json!({"alg": "ES256"})), part(payload))
    }

    fn check(answer: impl AsRef<[u8]>, expected: Option<IssuedToken>) {
        let (answer, presented) = (answer.as_ref(), Thumbprint::of(b"alice"));
        assert_eq!(IssuedToken::find(answer, &presented, false), expected, "{}", String::from_utf8_lossy(answer));
    }

    fn issuing(token: impl Into<Value>) -> String {
        json!({"access_token": token.into(), "token_type": "Bearer"}).to_string()
    }

    #[test]
    fn jwt_is_bound_to_the_certificate_that_was_shown_or_it_is_not() {
        let bound_to = |thumbprint: &str| issuing(jwt(&json!({"cnf": {"x5t#S256": thumbprint}})));
        check(bound_to(&Thumbprint::of(b"alice").to_string()), Some(IssuedToken::Bound));
        check(bound_to(&Thumbprint::of(b"mallory").to_string()), Some(IssuedToken::Mismatched));
        check(bound_to("short"), Some(IssuedToken::Mismatched));
        check(issuing(jwt(&json!({"cnf": "alice"}))), Some(IssuedToken::Mismatched));
        check(issuing(jwt(&json!({"cnf": {}}))), Some(IssuedToken::Unbound));
        check(issuing(jwt(&json!({"sub": "alice"}))), Some(IssuedToken::Unbound));
        check(issuing(jwt(&json!("no object"))), Some(IssuedToken::Unbound));
        let broken = jwt(&json!({})).replace('.', ".!");
        check(issuing(broken), Some(IssuedToken::Unbound));
    }

    #[test]
    fn token_that_is_no_jwt_is_opaque() {
        let encrypted = format!("{}.a.b.c.d", BASE64URL.encode(r#"{"alg":"dir","enc":"A128GCM"}"#));
        for token in ["", "5f3a", "a.b.c", "..", &encrypted] {
            check(issuing(token), Some(IssuedToken::Opaque));
        }
        check(issuing(7), Some(IssuedToken::Opaque));
        check("access_token=5f3a", Some(IssuedToken::Opaque));
        check(b"\x1f\x8b", Some(IssuedToken::Opaque));
    }

    #[test]
    fn jwt_with_a_dot_too_many_or_too_few_is_one_as_it_is_to_the_gate() {
        let bound = jwt(&json!({"cnf": {"x5t#S256": Thumbprint::of(b"alice").to_string()}}));
        let unsigned = bound.trim_end_matches(".c2ln");
        for token in ["e30.e30", "e30.a.b.c.d", unsigned, &format!("{bound}.c2ln")] {
            check(issuing(token), Some(IssuedToken::Unbound));
        }
    }

    #[test]
    fn object_in_which_a_client_may_read_another_token_is_not_passed_over() {
        for answer in [
            r#"{"access_token": "a", "access_token": "b"}"#,
            "\u{feff}{\"access_token\": \"a\"}",
            " {\"access_token\": \"a\"",
            r#"{"access_token": "a"} {}"#,
        ] {
            check(answer, Some(IssuedToken::Mismatched));
        }
    }

    #[test]
    fn answer_without_an_access_token_brings_none() {
        check("", None);
        check("{}", None);
        check(r#"{"active": false}"#, None);
    }

    #[test]
    fn token_of_a_key_is_bound_where_keys_count() {
        let key = Thumbprint::of(b"key").to_string();
        let of_key = issuing(jwt(&json!({"cnf": {"jkt": key}})));
        let of_both = issuing(jwt(&json!({"cnf": {"jkt": key, "x5t#S256": Thumbprint::of(b"mallory").to_string()}})));
        let find =
            |answer: &str, keys_count| IssuedToken::find(answer.as_bytes(), &Thumbprint::of(b"alice"), keys_count);

        assert_eq!(find(&of_key, false), Some(IssuedToken::Unbound));
        assert_eq!(find(&of_key, true), Some(IssuedToken::Bound));
        assert_eq!(find(&of_both, true), Some(IssuedToken::Mismatched));
    }
}
