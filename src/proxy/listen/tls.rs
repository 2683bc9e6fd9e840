//! TLS from the load balancer, or from the client, to here.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    server::{
        NoServerSessionStorage,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    version::{TLS12, TLS13},
};
use rustls_pki_types::{CertificateDer, UnixTime};
use tokio_rustls::TlsAcceptor;

use crate::config::settings::{Listen, OwnCertificate};

/// The handshake of the data listener, replaced while connections are taken in. Holds nothing where it is plaintext.
#[derive(Default)]
pub struct Handshake(ArcSwapOption<ServerConfig>);

impl Handshake {
    /// As `listen` says.
    ///
    /// # Errors
    /// Chain and key that rustls cannot use.
    pub fn new(listen: &Listen) -> Result<Self, Error> {
        let handshake = Self::default();
        handshake.replace(listen)?;
        Ok(handshake)
    }

    /// From now on as `listen` says. Connections that stand are not touched.
    ///
    /// # Errors
    /// Chain and key that rustls cannot use: nothing is replaced.
    pub fn replace(&self, listen: &Listen) -> Result<(), Error> {
        let server = listen.tls.as_ref().map(|identity| server(identity, listen)).transpose()?;
        self.0.store(server.map(Arc::new));
        Ok(())
    }

    /// None: plaintext.
    pub(super) fn acceptor(&self) -> Option<TlsAcceptor> {
        self.0.load_full().map(TlsAcceptor::from)
    }
}

/// TLS 1.2 and 1.3 with `identity`.
///
/// No session is ever resumed: a resumed one would carry a certificate on that was judged under other circumstances
/// (CVE-2025-23419 and CVE-2025-23048 are of this kind).
///
/// # Errors
/// Chain and key that rustls cannot use.
fn server(identity: &OwnCertificate, listen: &Listen) -> Result<ServerConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(&[&TLS13, &TLS12])?;
    let builder = if listen.ask_certificate {
        builder.with_client_cert_verifier(Arc::new(Possession(provider)))
    } else {
        builder.with_no_client_auth()
    };
    let mut server = builder.with_single_cert(identity.chain.clone(), identity.key.clone_key())?;
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    server.alpn_protocols = if listen.http2 { vec![HTTP2.to_vec(), HTTP1.to_vec()] } else { vec![HTTP1.to_vec()] };
    Ok(server)
}

/// Asks for a certificate, does without one, and has possession of its key proven.
///
/// Whether the certificate is good for anything is for the gate to judge, which can say why in an answer; a failed
/// handshake could not.
#[derive(Debug)]
struct Possession(Arc<CryptoProvider>);

impl ClientCertVerifier for Possession {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// None: whoever shows a certificate may show any.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let bytes = intermediates.iter().fold(end_entity.len(), |sum, der| sum.saturating_add(der.len()));
        if bytes > LONGEST_CHAIN || intermediates.len() > MOST_INTERMEDIATES {
            return Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure));
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

pub(super) const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";
/// In bytes: what is kept for as long as the connection lives.
const LONGEST_CHAIN: usize = 64 * 1024;
/// More than any path that the gate would follow.
const MOST_INTERMEDIATES: usize = 16;
