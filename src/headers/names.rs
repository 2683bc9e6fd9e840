//! The catalogue: names under which load balancers, gateways, and their recipes forward a client's identity.

use std::fmt::Display;

/// Every name, folded; some more than once. Those that a family covers have a label of their own by standing here.
pub(super) fn exact() -> impl Iterator<Item = String> {
    let named = NAMES.iter().flat_map(|(stem, endings)| endings.iter().map(move |ending| format!("{stem}{ending}")));
    named.chain(PROFILES.iter().flat_map(companions))
}

/// What goes along with the header of a certificate.
pub(super) fn companions(header: impl Display) -> impl Iterator<Item = String> {
    COMPANIONS.iter().map(move |ending| format!("{header}{ending}"))
}

/// Beginnings that no other header shares: whatever follows is about the client's certificate.
pub(super) const FAMILIES: [&str; 7] = [
    // Cloudflare.
    "cf-client-cert-",
    "cf-cert-",
    // Amazon CloudFront.
    "cloudfront-viewer-cert-",
    // mod_ssl's variables (`SSL_CLIENT_S_DN_CN`, `SSL_CLIENT_SAN_DNS_0`, ...), as they are and as recipes write them.
    "ssl-client-",
    "x-ssl-client-",
    // F5, Kong, Azure: named by the operator, mostly so.
    "x-client-cert-",
    "x-client-certificate-",
];

/// What may follow the name of a certificate's header, whether the balancer of that profile writes it or another would.
const COMPANIONS: [&str; 8] =
    ["-verify", "-subject-dn", "-issuer-dn", "-fingerprint", "-serial", "-leaf", "-chain", "-info"];

/// The profiles' headers, folded.
const PROFILES: [&str; 10] = [
    "client-cert",
    "ssl-client-auth-cert-x509",
    "ssl-client-cert",
    "x-amzn-mtls-clientcert",
    "x-arr-clientcert",
    "x-client-cert",
    "x-forwarded-client-cert",
    "x-forwarded-tls-client-cert",
    "x-ssl-client-cert",
    "x-wso2-client-certificate",
];

/// Stems and their endings, folded.
#[rustfmt::skip]
const NAMES: [(&str, &[&str]); 17] = [
    // RFC 9440, and Google Cloud's variables under its name.
    ("client-cert", &["", "-chain", "-leaf", "-present", "-chain-verified", "-error"]),
    // Envoy, Istio, Traefik (`-infos` until its version 2).
    ("x-forwarded-client-cert", &[""]),
    ("x-forwarded-tls-client-cert", &["", "-info", "-infos"]),
    // AWS Application Load Balancer.
    ("x-amzn-mtls-clientcert", &["", "-leaf", "-serial-number", "-issuer", "-subject", "-validity"]),
    // nginx, HAProxy, Apache, and OpenShift's router by recipe.
    (
        "x-ssl-client",
        &[
            "", "-cert", "-cert-chain", "-chain", "-verify", "-dn", "-s-dn", "-i-dn", "-subject", "-subject-dn",
            "-issuer", "-issuer-dn", "-serial", "-sha1", "-sha256", "-fingerprint", "-notbefore", "-notafter", "-der",
            "-cn", "-leaf", "-info",
        ],
    ),
    ("x-ssl", &["-cert", "-issuer"]),
    // ingress-nginx, and mod_ssl's own variables.
    (
        "ssl-client",
        &[
            "-cert", "-verify", "-subject-dn", "-issuer-dn", "-s-dn", "-i-dn", "-fingerprint", "-serial", "-m-serial",
            "-leaf", "-chain", "-info",
        ],
    ),
    // F5, Google Cloud, Kong: named by the operator, mostly so.
    (
        "x-client-cert",
        &[
            "", "-chain", "-leaf", "-present", "-chain-verified", "-error", "-hash", "-fingerprint",
            "-sha256-fingerprint", "-serial", "-serial-number", "-issuer-dn", "-subject-dn", "-validity",
            "-valid-not-before", "-valid-not-after", "-spiffe", "-spiffe-id", "-uri-sans", "-dnsname-sans",
        ],
    ),
    // Azure Application Gateway's rewrite rules.
    (
        "x-client-certificate",
        &["", "-fingerprint", "-issuer", "-serial", "-subject", "-start-date", "-end-date", "-verification"],
    ),
    // Azure App Service.
    ("x-arr", &["-clientcert", "-ssl"]),
    // WSO2 Open Banking, API Manager, Identity Server.
    ("ssl-client-auth-cert", &["", "-x509"]),
    ("x-wso2-client-certificate", &[""]),
    ("x-wso2-mutual-auth-cert", &[""]),
    // Cloudflare and Amazon CloudFront, whose families these are.
    ("cf", &["-client-cert", "-cert"]),
    ("cloudfront-viewer-cert", &[""]),
    // Gravitee.
    ("x-gravitee-client-cert", &[""]),
    // The consent that WSO2's gateway hands to a backend.
    ("account-request-information", &[""]),
];
