//! The software statement (RFC 7591, section 2.3): what the directory says of the software and of its organisation.

use std::sync::Arc;

use rustls_pki_types::UnixTime;

use crate::{
    denial::{Denial, RegistrationError::UnapprovedSoftwareStatement},
    host::Address,
    registration::{
        KeysAt, RegistrationKnowledge, RegistrationRules, RegistrationStop,
        document::{Claims, STATEMENT, Unverified},
    },
    token::json::Value,
};

/// What a statement says that the directory signed, that is in date, and whose organisation is active.
///
/// Only [`Statement::verify`] makes one. It may come again: a software registers, and changes its registration, with the
/// same statement, so its `jti` is not held to a single use.
pub(super) struct Statement<'a> {
    claims: Claims<'a>,
    /// `software_id`.
    pub(super) software_id: String,
    /// `org_id`.
    pub(super) org_id: Option<String>,
    /// `software_redirect_uris`.
    pub(super) redirect_uris: Vec<String>,
    /// `software_roles`.
    pub(super) roles: Vec<String>,
    /// Where the software's keys are, on an allowed host.
    pub(super) software_keys: KeysAt,
    /// Where the organisation's certificates are, on an allowed host, if it says so.
    pub(super) organization_keys: Option<KeysAt>,
}

impl<'a> Statement<'a> {
    /// Verifies in the order algorithm, signature, issuer, times, organisation, claims, addresses. The directory's keys are
    /// the configured ones; no address in the statement is looked at before they have verified it.
    ///
    /// Without `exp` and `iat` it does not age: RFC 7591 asks for neither, directories leave `exp` out, and `iat` alone
    /// bounds nothing.
    pub(super) fn verify(
        text: &'a str,
        room: &'a mut Vec<u8>,
        rules: &RegistrationRules,
        known: &dyn RegistrationKnowledge,
        now: UnixTime,
    ) -> Result<Self, RegistrationStop> {
        let statement = Unverified::read(&STATEMENT, text, room)?;
        let claims = statement.verify(&rules.algorithms, &KeysAt::Directory, known)?;
        if claims.text("iss", "the software statement has no `iss`")? != rules.directory_issuer {
            return Err(UnapprovedSoftwareStatement
                .refusal("the software statement comes from another directory")
                .into());
        }
        in_date(&claims, rules.clock_skew, now)?;
        let status = claims.optional_text("org_status", "`org_status` of the software statement is not a text")?;
        if status.is_some_and(|status| !status.eq_ignore_ascii_case("active")) {
            return Err(UnapprovedSoftwareStatement
                .refusal("`org_status` of the software statement is not active")
                .into());
        }
        Ok(Self::read(claims, rules)?)
    }

    fn read(claims: Claims<'a>, rules: &RegistrationRules) -> Result<Self, Denial> {
        let redirect_uris = claims.optional_texts("software_redirect_uris", REDIRECT_URIS)?;
        let roles = claims.optional_texts("software_roles", ROLES)?;
        Ok(Self {
            software_id: claims.text("software_id", "the software statement has no `software_id`")?.to_owned(),
            org_id: claims
                .optional_text("org_id", "`org_id` of the software statement is not a text")?
                .map(str::to_owned),
            redirect_uris: owned(redirect_uris),
            roles: owned(roles),
            software_keys: software_keys(&claims, rules)?,
            organization_keys: organization_keys(&claims, rules)?,
            claims,
        })
    }

    /// Whether the claim has this value.
    pub(super) fn says(&self, name: &str, value: &str) -> bool {
        self.claim(name).and_then(Value::as_str) == Some(value)
    }

    /// Any other claim.
    pub(super) fn claim(&self, name: &str) -> Option<&Value<'a>> {
        self.claims.get(name)
    }
}

fn in_date(claims: &Claims<'_>, skew: u64, now: UnixTime) -> Result<(), Denial> {
    let now = now.as_secs();
    let expires = claims.time("exp", "`exp` of the software statement is not a time")?;
    let expired = expires.is_some_and(|expires| now >= expires.saturating_add(skew));
    claims.hold(!expired, "the software statement has expired")?;
    for (name, wrong, early) in [
        ("nbf", "`nbf` of the software statement is not a time", "`nbf` of the software statement is in the future"),
        ("iat", "`iat` of the software statement is not a time", "`iat` of the software statement is in the future"),
    ] {
        let from = claims.time(name, wrong)?;
        claims.hold(from.is_none_or(|from| from <= now.saturating_add(skew)), early)?;
    }
    Ok(())
}

fn software_keys(claims: &Claims<'_>, rules: &RegistrationRules) -> Result<KeysAt, Denial> {
    let why = "the software statement has no `software_jwks_endpoint` that is an address";
    // OBIE writes the one, Raidiam's directories the other.
    let named = match claims.optional_text("software_jwks_endpoint", why)? {
        Some(named) => named,
        None => claims.text("software_jwks_uri", why)?,
    };
    let host = "the host of `software_jwks_endpoint` is not among `allowed_jwks_hosts`";
    named_keys(claims, rules, named, [why, host, "`software_jwks_endpoint` is not https"])
}

fn organization_keys(claims: &Claims<'_>, rules: &RegistrationRules) -> Result<Option<KeysAt>, Denial> {
    let why = "`org_jwks_endpoint` of the software statement is not an address";
    let host = "the host of `org_jwks_endpoint` is not among `allowed_jwks_hosts`";
    let named = claims.optional_text("org_jwks_endpoint", why)?;
    named.map(|named| named_keys(claims, rules, named, [why, host, "`org_jwks_endpoint` is not https"])).transpose()
}

/// A key set on an allowed host, over https: http only on this machine.
///
/// The words are for what is no address, for a host that is not allowed, and for http.
fn named_keys(
    claims: &Claims<'_>,
    rules: &RegistrationRules,
    named: &str,
    why: [&'static str; 3],
) -> Result<KeysAt, Denial> {
    let [malformed, host, http] = why;
    let address = Address::read(named).filter(|_| !named.contains('#')).ok_or(claims.refusal(malformed))?;
    if !rules.allowed_hosts.iter().any(|allowed| allowed == address.host()) {
        return Err(UnapprovedSoftwareStatement.refusal(host));
    }
    claims.hold(address.is_https() || address.is_local(), http)?;
    Ok(KeysAt::Named(Arc::from(named)))
}

fn owned(texts: Option<Vec<&str>>) -> Vec<String> {
    texts.unwrap_or_default().into_iter().map(str::to_owned).collect()
}

const REDIRECT_URIS: &str = "`software_redirect_uris` of the software statement is not a list of texts";
const ROLES: &str = "`software_roles` of the software statement is not a list of texts";
