//! The names that must never reach a bank, written out once more: not one of them comes from the catalogue in `src`.

use super::chance::Chance;

/// Every name as some load balancer writes it, a few of each family, and what [`super::stage`] configures.
pub(crate) fn all() -> Vec<String> {
    let mut all: Vec<String> = CATALOGUE.iter().flat_map(|pattern| expanded(pattern)).collect();
    all.sort_by_key(|name| name.to_lowercase());
    all.dedup_by_key(|name| name.to_lowercase());
    all
}

/// The name in one of the spellings that some backend folds into it: separators all alike or mixed, letters in any case.
pub(crate) fn spelled(name: &str, chance: &mut Chance) -> String {
    let separator = chance.of(&[None, Some('-'), Some('_'), Some('.'), Some('?')]);
    let case = chance.of(&[Case::Kept, Case::Lower, Case::Upper, Case::Mixed]);
    let letter = |letter: char, chance: &mut Chance| match (letter, case) {
        (letter, Case::Kept) => letter,
        (letter, Case::Lower) => letter.to_ascii_lowercase(),
        (letter, Case::Upper) => letter.to_ascii_uppercase(),
        (letter, Case::Mixed) if chance.below(2) == 0 => letter.to_ascii_lowercase(),
        (letter, Case::Mixed) => letter.to_ascii_uppercase(),
    };
    name.chars()
        .map(|one| match (one, separator) {
            ('-' | '_' | '.', Some('?')) => chance.of(&['-', '_', '.']),
            ('-' | '_' | '.', Some(separator)) => separator,
            (one, _) => letter(one, chance),
        })
        .collect()
}

/// The name after folding, by which it is known whatever its spelling.
pub(crate) fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace(['.', '_'], "-")
}

#[derive(Clone, Copy)]
enum Case {
    Kept,
    Lower,
    Upper,
    Mixed,
}

/// `a{,-b}` means `a` and `a-b`, as in the shell.
fn expanded(pattern: &str) -> Vec<String> {
    let Some((stem, endings)) = pattern.strip_suffix('}').and_then(|pattern| pattern.split_once('{')) else {
        return vec![pattern.to_owned()];
    };
    endings.split(',').map(|ending| format!("{stem}{ending}")).collect()
}

#[test]
fn catalogue_is_whole_and_its_names_are_spelled_in_every_way() {
    let all = all();
    assert!(all.len() > 150, "{all:?}");
    assert!(all.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))));
    let mut chance = Chance::from_seed(1);
    let spellings: std::collections::BTreeSet<_> = (0..300).map(|_| spelled("Client-Cert", &mut chance)).collect();
    for spelling in ["Client-Cert", "client_cert", "CLIENT.CERT"] {
        assert!(spellings.contains(spelling), "{spellings:?}");
    }
    assert!(spellings.iter().all(|spelling| folded(spelling) == "client-cert"));
}

/// The promise in the order of its text: configured names, profiles, companions.
const CATALOGUE: &[&str] = &[
    "X-LB-Auth",
    "X-Client-Thumbprint",
    "X-Bank-Edge-Identity",
    // Profiles.
    "ssl.client.auth.cert.X509",
    "X-SSL-Client-{Cert,Chain}",
    "ssl-client-cert",
    "x-forwarded-client-cert",
    "X-Forwarded-Tls-Client-Cert",
    "Client-Cert{,-Chain}",
    "X-Amzn-Mtls-Clientcert{,-Leaf}",
    "X-ARR-ClientCert",
    "X-Client-Cert",
    // Companions of all of them.
    "ssl.client.auth.cert.X509-{verify,subject-dn,issuer-dn,fingerprint,serial,leaf,chain,info}",
    "X-SSL-Client-Cert-{Verify,Subject-DN,Issuer-DN,Fingerprint,Serial,Leaf,Chain,Info}",
    "ssl-client-cert-{verify,subject-dn,issuer-dn,fingerprint,serial,leaf,chain,info}",
    "x-forwarded-client-cert-{verify,subject-dn,issuer-dn,fingerprint,serial,leaf,chain,info}",
    "X-Forwarded-Tls-Client-Cert-{Verify,Subject-DN,Issuer-DN,Fingerprint,Serial,Leaf,Chain}",
    "Client-Cert-{Verify,Subject-DN,Issuer-DN,Fingerprint,Serial,Leaf,Info}",
    "X-Amzn-Mtls-Clientcert-{Verify,Subject-DN,Issuer-DN,Fingerprint,Serial,Chain,Info}",
    "X-ARR-ClientCert-{Verify,Subject-DN,Issuer-DN,Fingerprint,Serial,Leaf,Chain,Info}",
    "X-Client-Cert-{Verify,Info}",
    // Companions of some.
    "X-Amzn-Mtls-Clientcert-{Serial-Number,Issuer,Subject,Validity}",
    "X-SSL-Client-{Verify,DN,Subject,Subject-DN,Issuer,Issuer-DN,Serial,SHA1,SHA256,Fingerprint,NotBefore,NotAfter}",
    "X-SSL-Client-{DER,CN}",
    "X-SSL-{CERT,Client}",
    "SSL-Client-{Verify,Subject-DN,Issuer-DN,Fingerprint,Serial}",
    "SSL_CLIENT_CERT_CHAIN_{0,1,2,3,4,5,6,7,8,9}",
    "SSL_CLIENT_{S_DN_CN,I_DN_O,SAN_DNS_0,V_START,M_SERIAL,CERT_CHAIN_10}",
    "X-SSL-Client-{M-Serial,Serial-Number,Anything-4}",
    "X-Forwarded-Tls-Client-Cert-Info",
    "X-Client-Cert-{Chain,Leaf,Present,Chain-Verified,Error,Hash,Fingerprint,Serial,Serial-Number,Issuer-DN}",
    "X-Client-Cert-{Subject-DN,Validity,Spiffe,Uri-Sans,Dnsname-Sans}",
    "X-Client-Certificate{,-Chain}",
    "X-ARR-SSL",
    "Cf-Client-Cert-{Der-Base64,Sha256,Verified,Subject-DN,Subject-DN-RFC2253,Anything-1}",
    "Cf-Cert-{Verified,Revoked,Presented,Issuer-DN,Not-Before,Anything-2}",
    "CloudFront-Viewer-Cert-{Present,Pem,Serial-Number,Issuer,Subject,Validity,Sha256,Anything-3}",
    "X-WSO2-{Client-Certificate,Client-Certificate-Verify,Mutual-Auth-Cert}",
    "ssl.client.auth.cert",
    "X-Gravitee-Client-Cert",
    "Account-Request-Information",
];
