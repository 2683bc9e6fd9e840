//! What a token says of its kind outside its header, and what an issuer says of it.

use crate::token::{claims::Read, json::Members, jws::media_type};

/// The members that name a kind, with what they say: lower case, without `application/`.
#[derive(Clone, Debug)]
pub(super) struct Kinds(Box<[(&'static str, Box<str>)]>);

impl Kinds {
    /// Those of `members`; `null` says nothing.
    ///
    /// # Errors
    /// The member that is not a string.
    pub(super) fn of(members: &Members<'_>) -> Read<Self> {
        let said = |name| members.get(name).filter(|value| !value.is_null());
        let said = MEMBERS.into_iter().filter_map(|(name, wrong)| Some((name, said(name)?, wrong)));
        let read = said.map(|(name, value, wrong)| Ok((name, media_type(value.as_str().ok_or(wrong)?))));
        read.collect::<Read<_>>().map(Self)
    }

    /// Those that do not say that it is an access token.
    pub(super) fn others(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(member, kind)| (*member, &**kind)).filter(|(_, kind)| !ACCESS_TOKEN.contains(kind))
    }

    /// Whether it comes with a proof of the key that it is bound to (RFC 9449, section 6.2).
    pub(super) fn are_proven_by_key(&self) -> bool {
        self.0.iter().any(|(_, kind)| **kind == *"dpop")
    }
}

/// RFC 7662, section 2.2, has the first; Hydra and Cognito write the second, Keycloak the third. With what is wrong with other
/// values.
const MEMBERS: [(&str, &str); 3] = [
    ("token_type", "`token_type` is not a string"),
    ("token_use", "`token_use` is not a string"),
    ("typ", "`typ` is not a string"),
];
/// RFC 6750 and 9449 define the first two; the others are what servers write that name the kind instead, the last as RFC 8693,
/// section 3, does. `N_A` says that it is no access token (section 2.2.1 there).
const ACCESS_TOKEN: [&str; 5] =
    ["bearer", "dpop", "access_token", "access", "urn:ietf:params:oauth:token-type:access_token"];
