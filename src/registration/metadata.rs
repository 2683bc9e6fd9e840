//! What the client asks to be (RFC 7591, section 2; UK Open Banking, dynamic client registration).

use crate::{
    denial::{Denial, RegistrationError::InvalidRedirectUri},
    host::Address,
    registration::{document::Claims, request::Request, statement::Statement},
    token::Algorithm,
};

/// Proof that the client's metadata is what the profile allows and the statement covers.
///
/// Only [`Metadata::read`] makes one. Not looked at: `response_types`, `jwks`, `jwks_uri`, encryption algorithms, names and
/// contacts, and whose subject `tls_client_auth_subject_dn` is: a client may register with one certificate and
/// authenticate with the next, so that is the authorization server's to compare.
pub(super) struct Metadata {
    scopes: Vec<String>,
}

impl Metadata {
    /// Holds the metadata to the rules in the order software, type, grants, scope, redirection, pages, authentication, algorithms.
    ///
    /// `allowed`: what a client may sign with, or be signed to.
    pub(super) fn read(
        request: &Request<'_>,
        statement: &Statement<'_>,
        allowed: &[Algorithm],
    ) -> Result<Self, Denial> {
        let claims = &request.claims;
        let software_id = claims.optional_text("software_id", "`software_id` is not a text")?;
        let same = software_id.is_none_or(|id| id == statement.software_id);
        claims.hold(same, "`software_id` is not the software statement's")?;
        let kind = claims.text("application_type", "`application_type` is missing or not a text")?;
        claims.hold(kind == "web", "`application_type` is not web")?;
        let grants = claims.texts("grant_types", "`grant_types` is missing or not a list of texts")?;
        claims.hold(grants.iter().all(|grant| GRANTS.contains(grant)), "`grant_types` has one that is not allowed")?;
        let scope = claims.text("scope", "`scope` is missing or not a text")?;
        let scopes: Vec<String> = scope.split(' ').map(str::to_owned).collect();
        let known = scopes.iter().all(|scope| SCOPES.contains(&scope.as_str()));
        claims.hold(known, "`scope` has one that is not allowed")?;
        let hosts = redirection(claims, statement)?;
        pages(claims, statement, &hosts)?;
        authentication(claims)?;
        algorithms(claims, allowed)?;
        Ok(Self { scopes })
    }

    /// `scope`, one by one.
    pub(super) fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scopes.iter().map(String::as_str)
    }
}

/// Every redirection address holds, not only one of them. Their hosts.
fn redirection(claims: &Claims<'_>, statement: &Statement<'_>) -> Result<Vec<String>, Denial> {
    let hold = |holds: bool, why| holds.then_some(()).ok_or(InvalidRedirectUri.refusal(why));
    let mut hosts = Vec::new();
    for written in claims.texts("redirect_uris", "`redirect_uris` is missing or not a list of texts")? {
        let why = "`redirect_uris` has one that is not an absolute address";
        let address = Address::read(written).ok_or(InvalidRedirectUri.refusal(why))?;
        hold(address.is_https(), "`redirect_uris` has one that is not https")?;
        hold(!address.is_local(), "`redirect_uris` has one on the client's own machine")?;
        hold(!written.contains('#'), "`redirect_uris` has one with a fragment")?;
        let named = statement.redirect_uris.iter().any(|named| named == written);
        hold(named, "`redirect_uris` has one that is not in the software statement")?;
        hosts.push(address.host().to_owned());
    }
    Ok(hosts)
}

/// Pages that users are shown are on a host they are sent to, or are the very ones that the statement names.
fn pages(claims: &Claims<'_>, statement: &Statement<'_>, hosts: &[String]) -> Result<(), Denial> {
    for (name, software, why) in PAGES {
        let Some(written) = claims.optional_text(name, why)? else { continue };
        let is_on_host =
            || Address::read(written).is_some_and(|address| hosts.iter().any(|host| host == address.host()));
        claims.hold(statement.says(software, written) || is_on_host(), why)?;
    }
    Ok(())
}

fn authentication(claims: &Claims<'_>) -> Result<(), Denial> {
    let missing = "`token_endpoint_auth_method` is missing or not a text";
    match claims.text("token_endpoint_auth_method", missing)? {
        "private_key_jwt" => {
            let why = "`token_endpoint_auth_signing_alg` is missing or not a text, and private_key_jwt demands it";
            claims.text("token_endpoint_auth_signing_alg", why).map(drop)
        }
        "tls_client_auth" => {
            let why = "`tls_client_auth_subject_dn` is missing or not a text, and tls_client_auth demands it";
            claims.text("tls_client_auth_subject_dn", why).map(drop)
        }
        _ => Err(claims.refusal("`token_endpoint_auth_method` is not allowed")),
    }
}

/// Where a client says how it signs, or is signed to, it is as safe as the request itself (FAPI 1.0 part 2, section 8.6).
fn algorithms(claims: &Claims<'_>, allowed: &[Algorithm]) -> Result<(), Denial> {
    for (name, required, why) in ALGORITHMS {
        let named = if required { Some(claims.text(name, why)?) } else { claims.optional_text(name, why)? };
        let is_allowed = |name| Algorithm::named(name).is_some_and(|algorithm| allowed.contains(&algorithm));
        claims.hold(named.is_none_or(is_allowed), why)?;
    }
    Ok(())
}

const GRANTS: [&str; 3] = ["authorization_code", "refresh_token", "client_credentials"];

/// `openid` is what a client asks for to get an `id_token`, and gives access to nothing.
const SCOPES: [&str; 4] = ["accounts", "payments", "fundsconfirmations", "openid"];

/// A page in the request, and the statement's name for it.
const PAGES: [(&str, &str, &str); 4] = [
    (
        "client_uri",
        "software_client_uri",
        "`client_uri` is neither on a redirection's host nor the software statement's",
    ),
    ("logo_uri", "software_logo_uri", "`logo_uri` is neither on a redirection's host nor the software statement's"),
    (
        "policy_uri",
        "software_policy_uri",
        "`policy_uri` is neither on a redirection's host nor the software statement's",
    ),
    ("tos_uri", "software_tos_uri", "`tos_uri` is neither on a redirection's host nor the software statement's"),
];

/// A signature algorithm, and whether it has to be there.
const ALGORITHMS: [(&str, bool, &str); 7] = [
    ("id_token_signed_response_alg", true, "`id_token_signed_response_alg` is missing or not allowed"),
    ("request_object_signing_alg", true, "`request_object_signing_alg` is missing or not allowed"),
    ("token_endpoint_auth_signing_alg", false, "`token_endpoint_auth_signing_alg` is not allowed"),
    ("userinfo_signed_response_alg", false, "`userinfo_signed_response_alg` is not allowed"),
    ("authorization_signed_response_alg", false, "`authorization_signed_response_alg` is not allowed"),
    ("introspection_signed_response_alg", false, "`introspection_signed_response_alg` is not allowed"),
    (
        "backchannel_authentication_request_signing_alg",
        false,
        "`backchannel_authentication_request_signing_alg` is not allowed",
    ),
];
