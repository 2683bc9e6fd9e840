//! rustls on both sides of a test.

use std::sync::Arc;

use rustls::{
    ClientConfig, DEFAULT_VERSIONS, RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};

use super::pki::{Authority, Client};

/// A server that shows `identity`; with `clients`, it asks for certificates of that authority, and takes none as well.
pub(crate) fn server_config(identity: &Client, clients: Option<&Authority>) -> ServerConfig {
    let provider = Arc::new(default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let roots = Arc::new(roots(authority));
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).allow_unauthenticated();
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    builder.with_single_cert(path(identity), PrivatePkcs8KeyDer::from(identity.key.clone()).into()).unwrap()
}

/// A client that trusts `authority` and shows `identity`, if any.
pub(crate) fn client_config(authority: &Authority, identity: Option<&Client>) -> ClientConfig {
    client_config_in(DEFAULT_VERSIONS, authority, identity)
}

/// The same, in one of these versions of TLS. A copy of it takes up the sessions of the original.
pub(crate) fn client_config_in(
    versions: &[&'static SupportedProtocolVersion],
    authority: &Authority,
    identity: Option<&Client>,
) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots(authority));
    match identity {
        None => builder.with_no_client_auth(),
        Some(client) => {
            builder.with_client_auth_cert(path(client), PrivatePkcs8KeyDer::from(client.key.clone()).into()).unwrap()
        }
    }
}

fn roots(authority: &Authority) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority.der.clone())).unwrap();
    roots
}

fn path(identity: &Client) -> Vec<CertificateDer<'static>> {
    std::iter::once(&identity.der).chain(&identity.chain).map(|der| CertificateDer::from(der.clone())).collect()
}
