//! Whether the address that a proof was made for is the one that was called.

use crate::token::proof::Called;

/// Whether `htu` names what was called, compared as RFC 9449, section 4.3 asks (RFC 3986, sections 6.2.2 and 6.2.3): without
/// query and fragment; scheme, host, and the digits of percent-escapes without case; a port that the scheme implies is none;
/// no path is `/`.
///
/// The path is compared byte for byte otherwise: what else is equal in RFC 3986 (dot segments, escapes of unreserved
/// characters), the gate has refused before.
pub(super) fn names(htu: &str, called: &Called<'_>) -> bool {
    let Some((scheme, rest)) = htu.split_once("://") else { return false };
    let Some((called_scheme, called_authority)) = called.origin.split_once("://") else { return false };
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (named, _) = rest.split_at(end);
    let (authority, path) = named.split_at(named.find('/').unwrap_or(named.len()));
    scheme.eq_ignore_ascii_case(called_scheme)
        && bare(authority, scheme).eq_ignore_ascii_case(bare(called_authority, called_scheme))
        && is_same_path(if path.is_empty() { "/" } else { path }, called.path)
}

/// The authority without a port that the scheme implies.
fn bare<'a>(authority: &'a str, scheme: &str) -> &'a str {
    let implied = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    authority.strip_suffix(implied).unwrap_or(authority)
}

/// Byte for byte, but for the case of the two digits behind each `%`.
fn is_same_path(one: &str, other: &str) -> bool {
    let mut digits = 0_u8;
    one.len() == other.len()
        && one.bytes().zip(other.bytes()).all(|(one, other)| {
            let is_digit = digits > 0;
            digits = if one == b'%' { 2 } else { digits.saturating_sub(1) };
            one == other || (is_digit && one.eq_ignore_ascii_case(&other))
        })
}

#[cfg(test)]
mod tests {
    use http::Method;
    use proptest::prelude::{ProptestConfig, prop_assert, proptest};

    use super::*;

    fn check(htu: &str, origin: &str, path: &str, expected: bool) {
        let called = Called { method: &Method::GET, origin, path };
        assert_eq!(names(htu, &called), expected, "{htu} for {origin} and {path}");
    }

    #[test]
    fn address_is_compared_without_what_does_not_tell_addresses_apart() {
        let check = |htu: &str, path: &str| check(htu, "https://api.bank.example", path, true);
        check("https://api.bank.example/accounts", "/accounts");
        check("https://api.bank.example/accounts?from=1", "/accounts");
        check("https://api.bank.example/accounts#part", "/accounts");
        check("https://api.bank.example/accounts#part?/x", "/accounts");
        check("HTTPS://API.Bank.example:443/accounts", "/accounts");
        check("https://api.bank.example/a%c3%A9", "/a%C3%a9");
        check("https://api.bank.example", "/");
        check("https://api.bank.example?x=/", "/");
    }

    #[test]
    fn address_that_differs_otherwise_is_another() {
        let check = |htu: &str| check(htu, "https://api.bank.example", "/accounts", false);
        for htu in [
            "",
            "/accounts",
            "api.bank.example/accounts",
            "://api.bank.example/accounts",
            "http://api.bank.example/accounts",
            "http://api.bank.example:443/accounts",
            "https://api.bank.example:80/accounts",
            "https://api.bank.example:8443/accounts",
            "https://api.bank.example:443:443/accounts",
            "https://api.bank.example./accounts",
            "https://user@api.bank.example/accounts",
            "https://api.bank.example/Accounts",
            "https://api.bank.example/accounts/",
            "https://api.bank.example//accounts",
            "https://api.bank.example/./accounts",
            "https://api.bank.example/%61ccounts",
            "https://api.bank.example",
            " https://api.bank.example/accounts",
            "https://evil.example/https://api.bank.example/accounts",
        ] {
            check(htu);
        }
    }

    #[test]
    fn port_and_scheme_of_the_origin_count() {
        check("http://localhost:80/a", "http://LOCALHOST", "/a", true);
        check("https://[::1]/a", "https://[::1]:443", "/a", true);
        check("https://api.bank.example:8443/a", "https://api.bank.example:8443", "/a", true);
        check("https://api.bank.example/a", "https://api.bank.example:8443", "/a", false);
        check("https://api.bank.example/a", "https://api.bank.example/b", "/a", false);
        check("https://api.bank.example/a", "api.bank.example", "/a", false);
    }

    #[test]
    fn case_counts_but_in_the_two_digits_of_an_escape() {
        assert!(is_same_path("/%2f%2Fa", "/%2F%2fa"));
        assert!(!is_same_path("/%2fa", "/%2FA"));
        assert!(!is_same_path("/a%", "/A%"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_address_names_itself_and_not_another_path(path in "/[a-z0-9/%._~-]{0,40}", query in "[a-z=&?/#]{0,10}") {
            let called = Called { method: &Method::GET, origin: "https://api.bank.example", path: &path };
            let same = format!("https://api.bank.example{path}?{query}");
            let other = format!("https://api.bank.example{path}x?{query}");
            prop_assert!(names(&same, &called));
            prop_assert!(!names(&other, &called));
        }

        #[test]
        fn any_text_is_compared_without_a_panic(htu in "\\PC{0,60}", origin in "\\PC{0,30}", path in "\\PC{0,30}") {
            let called = Called { method: &Method::GET, origin: &origin, path: &path };
            let _ = names(&htu, &called);
        }
    }
}
