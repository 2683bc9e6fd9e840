//! No name by which a certificate can be claimed is left in a request, however it is spelled; and no other is taken.
#![no_main]

use certbound::headers::{Asserted, IdentityHeaders, ReadNames};
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

// Names with a line feed between them.
fuzz_target!(|input: &[u8]| {
    let mut headers = HeaderMap::new();
    for (name, place) in input.split(|byte| *byte == b'\n').zip(0_u16..256) {
        let Ok(name) = HeaderName::from_bytes(name) else { continue };
        headers.append(name, HeaderValue::from(place));
    }
    let sent = headers.clone();
    let read = ReadNames { certificate: Some(CERTIFICATE), chain: Some(CHAIN), secret: Some(SECRET) };
    let asserted = Asserted::take(&IdentityHeaders::new(read, [WRITTEN]), &mut headers);
    for name in sent.keys() {
        let folded = name.as_str().replace(['.', '_'], "-");
        let claims = NAMES.contains(&&*folded) || FAMILIES.iter().any(|family| folded.starts_with(family));
        assert!(!(claims && headers.contains_key(name)), "{name} is left");
        let is_ordinary = ORDINARY.contains(&name.as_str());
        assert!(!is_ordinary || sent.get_all(name).iter().eq(headers.get_all(name)), "{name} is taken");
    }
    for (name, values) in
        [(CERTIFICATE, asserted.certificate()), (CHAIN, asserted.chain()), (SECRET, asserted.secret())]
    {
        assert!(sent.get_all(name).iter().eq(values), "an alias was read, or a value was lost");
    }
});

const CERTIFICATE: HeaderName = HeaderName::from_static("x-ssl-client-cert");
const CHAIN: HeaderName = HeaderName::from_static("x-ssl-client-chain");
const SECRET: HeaderName = HeaderName::from_static("x-lb-auth");
const WRITTEN: HeaderName = HeaderName::from_static("x-client-thumbprint");

/// Written out from the promise, not taken from the source.
const NAMES: [&str; 27] = [
    "x-ssl-client-cert",
    "x-ssl-client-chain",
    "x-ssl-client-verify",
    "x-ssl-client-dn",
    "x-ssl-client-sha256",
    "x-ssl-cert",
    "ssl-client-cert",
    "ssl-client-verify",
    "ssl-client-cert-chain-0",
    "ssl-client-cert-chain-9",
    "ssl-client-auth-cert-x509",
    "ssl-client-auth-cert",
    "x-forwarded-client-cert",
    "x-forwarded-tls-client-cert",
    "x-forwarded-tls-client-cert-info",
    "client-cert",
    "client-cert-chain",
    "client-cert-verify",
    "x-arr-clientcert-issuer-dn",
    "ssl-client-auth-cert-x509-leaf",
    "x-client-cert",
    "x-arr-clientcert",
    "x-amzn-mtls-clientcert",
    "x-amzn-mtls-clientcert-leaf",
    "x-wso2-mutual-auth-cert",
    "x-lb-auth",
    "x-client-thumbprint",
];
const FAMILIES: [&str; 5] = ["cf-client-cert-", "cf-cert-", "cloudfront-viewer-cert-", "ssl-client-", "x-ssl-client-"];
const ORDINARY: [&str; 6] = ["authorization", "host", "cookie", "x-forwarded-for", "content-length", "x-request-id"];
