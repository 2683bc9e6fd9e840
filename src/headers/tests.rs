#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use proptest::prelude::*;

use super::*;

const PLAIN: [&str; 8] =
    ["host", "accept", "authorization", "x-forwarded-for", "x-client-cer", "x-client-certs", "cf-ray", "x-lb-author"];

fn identity() -> IdentityHeaders {
    let read = ReadNames {
        certificate: Some(name("X-SSL-Client-Cert")),
        chain: Some(name("X-SSL-Client-Chain")),
        secret: Some(name("X-LB-Auth")),
    };
    IdentityHeaders::new(read, [name("X-Client-Thumbprint"), name("X-Role_Of.Tpp")])
}

fn name(text: &str) -> HeaderName {
    HeaderName::from_bytes(text.as_bytes()).unwrap()
}

fn fields(lines: &[(&str, &'static str)]) -> HeaderMap {
    lines.iter().map(|(field, value)| (name(field), HeaderValue::from_static(value))).collect()
}

#[test]
fn names_of_the_contract_are_covered() {
    let names = "X-Amzn-Mtls-Clientcert X-Amzn-Mtls-Clientcert-Leaf X-Amzn-Mtls-Clientcert-Serial-Number \
        X-Amzn-Mtls-Clientcert-Issuer X-Amzn-Mtls-Clientcert-Subject X-Amzn-Mtls-Clientcert-Validity X-SSL-Client-Cert \
        X-SSL-Client-Chain X-SSL-Client-Verify X-SSL-Client-DN X-SSL-Client-Subject X-SSL-Client-Subject-DN \
        X-SSL-Client-Issuer X-SSL-Client-Issuer-DN X-SSL-Client-Serial X-SSL-Client-SHA1 X-SSL-Client-SHA256 \
        X-SSL-Client-Fingerprint X-SSL-Client-NotBefore X-SSL-Client-NotAfter X-SSL-Client-DER X-SSL-Client-CN \
        X-SSL-CERT X-SSL-Client SSL-Client-Cert SSL-Client-Verify SSL-Client-Subject-DN SSL-Client-Issuer-DN \
        SSL-Client-Fingerprint SSL-Client-Serial SSL_CLIENT_CERT_CHAIN_0 SSL_CLIENT_CERT_CHAIN_9 \
        X-Forwarded-Client-Cert X-Forwarded-Tls-Client-Cert X-Forwarded-Tls-Client-Cert-Info Client-Cert \
        Client-Cert-Chain X-Client-Cert X-Client-Cert-Chain X-Client-Cert-Leaf X-Client-Cert-Present \
        X-Client-Cert-Chain-Verified X-Client-Cert-Error X-Client-Cert-Hash X-Client-Cert-Fingerprint \
        X-Client-Cert-Serial X-Client-Cert-Serial-Number X-Client-Cert-Issuer-DN X-Client-Cert-Subject-DN \
        X-Client-Cert-Validity X-Client-Cert-Spiffe X-Client-Cert-Uri-Sans X-Client-Cert-Dnsname-Sans \
        X-Client-Certificate X-ARR-ClientCert X-ARR-SSL Cf-Client-Cert-Sha256 Cf-Client-Cert-Der-Base64 \
        Cf-Cert-Verified CloudFront-Viewer-Cert-Pem CloudFront-Viewer-Cert-Subject X-WSO2-Client-Certificate \
        X-WSO2-Mutual-Auth-Cert ssl.client.auth.cert.X509 ssl.client.auth.cert X-Gravitee-Client-Cert \
        Account-Request-Information X-SSL-Client-Leaf X-SSL-Client-Info SSL-Client-Leaf SSL-Client-Chain \
        SSL-Client-Info Cf-Client-Cert Cf-Cert CloudFront-Viewer-Cert";
    let builtin = IdentityHeaders::new(ReadNames::default(), []);
    for text in names.split_whitespace() {
        assert!(builtin.covers(&name(text)), "{text}");
    }
}

#[test]
fn other_names_are_not_covered() {
    let identity = identity();
    for text in PLAIN.iter().chain(&["x", "cf-certs", "cf-client-certs", "ssl-clients", "x-client-certs", "x-lb-auth-"])
    {
        assert!(!identity.covers(&name(text)), "{text}");
    }
}

#[test]
fn configured_names_are_covered_however_they_are_written() {
    let identity = identity();
    for text in ["X-LB-Auth", "x_lb.auth", "X-Client_Thumbprint", "x-role-of-tpp", "x.role.of.tpp"] {
        assert!(identity.covers(&name(text)), "{text}");
    }
    let (certificate, chain) = (Some(name("X-Bank-Cert")), Some(name("X-Bank-Issuers")));
    let identity = IdentityHeaders::new(ReadNames { certificate, chain, secret: None }, []);
    for text in ["x-bank-cert", "X_Bank.Issuers", "x-bank-cert-verify", "X_Bank_Cert_Subject_DN", "x.bank.cert-chain"] {
        assert!(identity.covers(&name(text)), "{text}");
    }
    assert!(!identity.covers(&name("x-bank-cert-id")));
}

#[test]
fn exact_names_are_read_and_aliases_are_only_removed() {
    let mut sent = fields(&[
        ("host", "api"),
        ("x_ssl_client_cert", "alias"),
        ("x-ssl-client-cert", "first"),
        ("x-ssl-client.chain", "alias"),
        ("x-ssl-client-cert", "second"),
        ("x-lb-auth", "s3cret"),
        ("client-cert", ":foreign:"),
        ("cf-client-cert-sha256", "foreign"),
    ]);

    let asserted = Asserted::take(&identity(), &mut sent);

    assert_eq!(asserted.certificate(), ["first", "second"]);
    assert_eq!(asserted.chain(), [] as [&str; 0]);
    assert_eq!(asserted.secret(), ["s3cret"]);
    assert_eq!(sent, fields(&[("host", "api")]));
    let mut stripped: Vec<&str> = asserted.stripped().iter().map(|label| &**label).collect();
    stripped.sort_unstable();
    assert_eq!(
        stripped,
        [
            "cf-client-cert-*",
            "client-cert",
            "x-lb-auth",
            "x-ssl-client-cert",
            "x-ssl-client-cert",
            "x-ssl-client-chain"
        ]
    );
}

#[test]
fn alias_is_never_read_in_place_of_the_exact_name() {
    let check = |lines: &[(&str, &'static str)], expected: &[&str]| {
        let asserted = Asserted::take(&identity(), &mut fields(lines));
        assert_eq!(asserted.certificate(), expected, "{lines:?}");
    };
    let (exact, alias) = (("X-SSL-Client-Cert", "exact"), ("X_SSL_Client_Cert", "alias"));
    check(&[alias], &[]);
    check(&[alias, exact], &["exact"]);
    check(&[exact, alias], &["exact"]);

    let asserted =
        Asserted::take(&identity(), &mut fields(&[("X_LB_Auth", "s3cret"), ("X_SSL_Client_Chain", "alias")]));
    assert!(asserted.secret().is_empty() && asserted.chain().is_empty());
    assert_eq!(asserted.stripped().len(), 2);
}

#[test]
fn spelling_of_a_name_is_all_of_it() {
    for (text, expected) in [("X_Lb.Auth", true), ("lb-auth", false), ("a-x-lb-auth", false)] {
        assert_eq!(is_spelling(&name(text), &name("x-lb-auth")), expected, "{text}");
    }
}

#[test]
fn without_names_to_read_everything_is_removed_and_nothing_is_kept() {
    let mut sent = fields(&[("ssl-client-cert", "spoofed"), ("client-cert-chain", "spoofed")]);

    let asserted = Asserted::take(&IdentityHeaders::new(ReadNames::default(), []), &mut sent);

    assert!(sent.is_empty() && asserted.certificate().is_empty() && asserted.chain().is_empty());
    assert_eq!(asserted.stripped().len(), 2);
}

#[test]
fn labels_are_bounded_and_each_stands_once() {
    let identity = identity();
    let mut labels: Vec<_> = identity.labels().collect();
    let all = labels.len();
    labels.sort_unstable();
    labels.dedup();
    assert_eq!(labels.len(), all);
    assert!(labels.iter().any(|label| &***label == "cf-cert-*"));
}

#[test]
fn values_are_not_shown_in_debug_output() {
    let mut sent = fields(&[("x-lb-auth", "s3cret"), ("x-ssl-client-cert", "MIIB")]);

    let shown = format!("{:?}", Asserted::take(&identity(), &mut sent));

    assert!(!shown.contains("s3cret") && !shown.contains("MIIB"), "{shown}");
}

prop_compose! {
    /// A name of the catalogue, written in another case and with other separators.
    fn alias()(name in prop::sample::select(names::exact().chain(families()).collect::<Vec<_>>()))
             (picks in prop::collection::vec(0..6_usize, name.len()), name in Just(name)) -> String {
        name.chars().zip(picks).map(|(letter, pick)| match (letter, pick) {
            ('-', 0 | 1) => '.',
            ('-', 2 | 3) => '_',
            (_, 0..=2) => letter.to_ascii_uppercase(),
            _ => letter,
        }).collect()
    }
}

fn families() -> impl Iterator<Item = String> {
    names::FAMILIES.iter().map(|prefix| format!("{prefix}anything"))
}

proptest! {
    #[test]
    fn every_alias_of_every_name_is_removed_and_the_rest_stays(
        aliases in prop::collection::vec(alias(), 0..12),
        plain in prop::collection::vec((prop::sample::select(&PLAIN[..]), "[a-z]{0,8}"), 0..12),
    ) {
        let rest: HeaderMap = plain.iter().map(|(field, value)| (name(field), value.parse().unwrap())).collect();
        let mut sent = HeaderMap::new();
        for place in 0..aliases.len().max(plain.len()) {
            if let Some(alias) = aliases.get(place) {
                sent.append(name(alias), HeaderValue::from_static("spoofed"));
            }
            if let Some((field, value)) = plain.get(place) {
                sent.append(name(field), value.parse().unwrap());
            }
        }

        let asserted = Asserted::take(&identity(), &mut sent);

        prop_assert_eq!(sent, rest);
        prop_assert_eq!(asserted.stripped().is_empty(), aliases.is_empty());
    }

    #[test]
    fn arbitrary_names_are_judged_by_their_folded_form(text in "[A-Za-z0-9._-]{1,40}") {
        let folded = text.to_ascii_lowercase().replace(['.', '_'], "-");
        let listed = names::exact().any(|known| known == folded)
            || names::FAMILIES.iter().any(|prefix| folded.starts_with(prefix));
        let builtin = IdentityHeaders::new(ReadNames::default(), []);
        prop_assert_eq!(builtin.covers(&name(&text)), listed);
    }
}
