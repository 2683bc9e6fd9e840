//! An issuer's metadata (RFC 8414; OpenID Connect Discovery 1.0): where its keys are.

use http::{Uri, uri::Scheme};

use crate::{
    quoted::Quoted,
    token::json::{self, Value},
};

/// A larger metadata document is not read.
pub(super) const MAX_BYTES: usize = 256 * 1024;

/// The addresses of `issuer`'s metadata, in the order in which they are tried: OpenID Connect Discovery appends the
/// well-known name to the issuer's path, RFC 8414 (section 3.1) puts it before.
///
/// # Errors
/// Why `issuer` has no metadata address.
pub(super) fn addresses(issuer: &str) -> Result<[Uri; 2], &'static str> {
    if issuer.contains(['?', '#']) {
        return Err("an issuer with a query or a fragment has no metadata (RFC 8414, section 2)");
    }
    let base: Uri = issuer.parse().map_err(|_| NO_ADDRESS)?;
    let (Some(scheme), Some(authority)) = (web_scheme(&base), base.authority()) else { return Err(NO_ADDRESS) };
    let path = base.path().trim_end_matches('/');
    let at = |path: String| {
        let address = Uri::builder().scheme(scheme.clone()).authority(authority.clone()).path_and_query(path);
        address.build().map_err(|_| NO_ADDRESS)
    };
    Ok([
        at(format!("{path}/.well-known/openid-configuration"))?,
        at(format!("/.well-known/oauth-authorization-server{path}"))?,
    ])
}

/// Why metadata is not believed.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// It names another issuer: told, beside ours, because they mostly differ in little.
    #[error("the metadata is about another issuer: `{theirs}`, and not `{ours}`")]
    Issuer {
        /// Whom the metadata is about.
        theirs: Quoted,
        /// Whom it should be about.
        ours: String,
    },
    /// Another reason.
    #[error("{0}")]
    Form(&'static str),
}

/// Where the keys are, according to `document`, which must be about `issuer` and no other (RFC 8414, section 3.3).
///
/// # Errors
/// Why the document is not believed.
pub fn keys_address(document: &[u8], issuer: &str) -> Result<Uri, MetadataError> {
    use MetadataError::Form;
    // Whole, though two members count: what others would refuse to read is not believed, nor what they read otherwise.
    let metadata = json::members(document).ok_or(Form("the metadata is not one JSON object with each member once"))?;
    let text = |name| metadata.get(name).and_then(Value::as_str);
    let theirs = text("issuer").ok_or(Form("the metadata has no `issuer`"))?;
    if theirs != issuer {
        return Err(MetadataError::Issuer { theirs: Quoted::of(theirs), ours: issuer.to_owned() });
    }
    let address = text("jwks_uri").ok_or(Form("the metadata has no `jwks_uri`"))?;
    let address: Uri = address.parse().map_err(|_| Form("`jwks_uri` is no address"))?;
    let scheme = web_scheme(&address).ok_or(Form("`jwks_uri` is no http or https address"))?;
    if address.authority().is_none_or(|authority| authority.host().is_empty() || authority.as_str().contains('@')) {
        return Err(Form("`jwks_uri` names no host, or more than a host"));
    }
    // Who can read along must not be able to swap the keys of an issuer that is itself asked over https.
    if *scheme == Scheme::HTTP && issuer.starts_with("https:") {
        return Err(Form("`jwks_uri` is http though the issuer is https"));
    }
    Ok(address)
}

fn web_scheme(address: &Uri) -> Option<&Scheme> {
    address.scheme().filter(|scheme| **scheme == Scheme::HTTPS || **scheme == Scheme::HTTP)
}

const NO_ADDRESS: &str = "the issuer is no http or https address, so it has no metadata";

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use super::*;

    #[test]
    fn metadata_is_looked_for_under_both_well_known_names() {
        let check = |issuer: &str, expected: [&str; 2]| {
            assert_eq!(addresses(issuer).unwrap().map(|address| address.to_string()), expected, "{issuer}");
        };
        check(
            "https://as.bank.example",
            [
                "https://as.bank.example/.well-known/openid-configuration",
                "https://as.bank.example/.well-known/oauth-authorization-server",
            ],
        );
        check(
            "http://127.0.0.1:9000/realms/psd2/",
            [
                "http://127.0.0.1:9000/realms/psd2/.well-known/openid-configuration",
                "http://127.0.0.1:9000/.well-known/oauth-authorization-server/realms/psd2",
            ],
        );
    }

    #[test]
    fn issuer_that_is_no_web_address_has_no_metadata() {
        for issuer in ["", "bank", "urn:bank", "ftp://bank.example", "https://bank.example?a", "https://bank.example#a"]
        {
            assert!(addresses(issuer).is_err(), "{issuer:?}");
        }
    }

    #[test]
    fn metadata_counts_only_when_it_is_about_the_issuer_and_keeps_its_security() {
        let check = |issuer: &str, document: &str, expected: Option<&str>| {
            let address = keys_address(document.as_bytes(), issuer).ok().map(|address| address.to_string());
            assert_eq!(address.as_deref(), expected, "{document}");
        };
        let ours = "https://as.bank.example";
        let good = r#"{"issuer":"https://as.bank.example","jwks_uri":"https://keys.bank.example/jwks?v=1"}"#;
        check(ours, good, Some("https://keys.bank.example/jwks?v=1"));
        check("https://as.bank.example/", good, None);
        check(ours, r#"{"issuer":"https://as.bank.example","jwks_uri":"http://as.bank.example/jwks"}"#, None);
        check(ours, r#"{"issuer":"https://as.bank.example","jwks_uri":"file:///etc/passwd"}"#, None);
        check(ours, r#"{"issuer":"https://as.bank.example","jwks_uri":"/jwks"}"#, None);
        check(ours, r#"{"issuer":"https://as.bank.example","jwks_uri":"https://as.bank.example@a/jwks"}"#, None);
        check(ours, r#"{"issuer":"https://as.bank.example","jwks_uri":"https://[@::1]a"}"#, None);
        check(ours, r#"{"issuer":"https://as.bank.example"}"#, None);
        check(ours, "[]", None);
        check(ours, "", None);
        let plain = r#"{"issuer":"http://127.0.0.1:1","jwks_uri":"http://127.0.0.1:1/jwks"}"#;
        check("http://127.0.0.1:1", plain, Some("http://127.0.0.1:1/jwks"));
    }

    #[test]
    fn issuer_that_the_metadata_is_about_is_told_cleaned_and_cut() {
        let check = |theirs: &str, told: &str| {
            let error = keys_address(format!(r#"{{"issuer":"{theirs}"}}"#).as_bytes(), "https://a").unwrap_err();
            let expected = format!("the metadata is about another issuer: `{told}`, and not `https://a`");
            assert_eq!(error.to_string(), expected);
        };
        check("https://a/", "https://a/");
        check(r"https://b\n\u001b[2J", "https://b[2J");
        check(&"a".repeat(1000), &"a".repeat(Quoted::LONGEST));
    }

    #[test]
    fn metadata_is_read_whole_though_two_members_count() {
        let with =
            |more: &[u8]| [br#"{"issuer":"https://a","jwks_uri":"https://a/jwks""#.as_slice(), more, b"}"].concat();
        assert!(keys_address(&with(br#","token_endpoint":"\u00e4""#), "https://a").is_ok());
        for more in [
            b",\"token_endpoint\":\"\x82\"".as_slice(),
            br#","token_endpoint":"\udbef""#,
            br#","jwks_uri":"https://b/jwks""#,
            br#","issuer":"https://a""#,
        ] {
            assert!(keys_address(&with(more), "https://a").is_err(), "{}", more.escape_ascii());
        }
    }
}
