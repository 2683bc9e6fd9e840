//! A load balancer that ends mutual TLS and forwards the certificate in a header, as nginx does with
//! `proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert`.

use std::{
    io::{self, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, ServerConfig, ServerConnection, SignatureScheme, StreamOwned,
    client::danger::HandshakeSignatureValid,
    crypto::{WebPkiSupportedAlgorithms, ring::default_provider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};

use crate::{
    BALANCER_HEADER, BALANCER_SECRET, CERTIFICATE_HEADER,
    support::{forms::percent_pem, message::Head, pki::Client},
};

/// It runs until the process ends.
pub(crate) struct Balancer {
    pub(crate) address: SocketAddr,
}

impl Balancer {
    pub(crate) fn start(certbound: SocketAddr, identity: &Client) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let tls = Arc::new(server_config(identity).map_err(io::Error::other)?);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let tls = Arc::clone(&tls);
                // A client that goes away is no concern of the others.
                thread::spawn(move || forward(stream, tls, certbound).ok());
            }
        });
        Ok(Self { address })
    }
}

/// Passes one request on, with a body of a length that is announced if any, and the answer back.
fn forward(stream: TcpStream, tls: Arc<ServerConfig>, certbound: SocketAddr) -> io::Result<()> {
    let session = ServerConnection::new(tls).map_err(io::Error::other)?;
    let mut client = BufReader::new(StreamOwned::new(session, stream));
    let Some(head) = Head::read(&mut client)? else { return Ok(()) };
    let certificate = client.get_ref().conn.peer_certificates().and_then(|path| path.first()).cloned();

    let mut upstream = TcpStream::connect(certbound)?;
    upstream.write_all(rewritten(&head, certificate.as_ref()).as_bytes())?;
    let mut body = head.request_body();
    while let Some(piece) = body.next(&mut client)? {
        upstream.write_all(&piece)?;
    }
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer)?;
    client.get_mut().write_all(&answer)?;
    client.get_mut().conn.send_close_notify();
    client.get_mut().flush()
}

/// Without the client's copies of the balancer's own headers, and with those headers.
///
/// Like most balancers it compares names as they are written: `X_SSL_Client_Cert` passes.
fn rewritten(head: &Head, certificate: Option<&CertificateDer<'_>>) -> String {
    let mut text = format!("{}\r\n", head.start);
    for (name, value) in &head.fields.0 {
        let own = [CERTIFICATE_HEADER, BALANCER_HEADER, "Connection"].iter().any(|own| name.eq_ignore_ascii_case(own));
        if !own {
            text += &format!("{name}: {value}\r\n");
        }
    }
    if let Some(certificate) = certificate {
        text += &format!("{CERTIFICATE_HEADER}: {}\r\n", percent_pem(certificate));
    }
    text + &format!("{BALANCER_HEADER}: {BALANCER_SECRET}\r\nConnection: close\r\n\r\n")
}

fn server_config(identity: &Client) -> Result<ServerConfig, Error> {
    let provider = Arc::new(default_provider());
    let anyone = AnyClient(provider.signature_verification_algorithms);
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(Arc::new(anyone))
        .with_single_cert(
            vec![CertificateDer::from(identity.der.clone())],
            PrivatePkcs8KeyDer::from(identity.key.clone()).into(),
        )
}

/// Asks for a certificate and checks only that the client holds its key: nginx's `ssl_verify_client optional_no_ca`.
///
/// So that everything else is certbound's to find.
#[derive(Debug)]
struct AnyClient(WebPkiSupportedAlgorithms);

impl ClientCertVerifier for AnyClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
