//! An authority whose clients name an OCSP responder, and that responder.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use der::{Decode, Encode, asn1::GeneralizedTime};
use percent_encoding::utf8_percent_encode;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SigningKey,
};

use super::{
    credentials::ESCAPED,
    provider::{AUTHORITY_INFO_ACCESS, OCSP, tlv},
};

/// Issues clients, and vouches for all of them after a while.
pub(crate) struct Responder {
    authority: Arc<CertifiedIssuer<'static, KeyPair>>,
    address: SocketAddr,
}

impl Responder {
    /// Answers `late`: what a network and a busy authority take.
    pub(crate) fn start(late: Duration) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Benchmark authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        let authority = Arc::new(CertifiedIssuer::self_signed(params, key).expect("an authority"));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the responder");
        let address = listener.local_addr().expect("its address");
        let signer = Arc::clone(&authority);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let signer = Arc::clone(&signer);
                thread::spawn(move || serve(stream, &signer, late));
            }
        });
        Self { authority, address }
    }

    /// The authority's certificate.
    pub(crate) fn pem(&self) -> String {
        self.authority.pem()
    }

    /// A new client's certificate, as nginx would forward it.
    pub(crate) fn client(&self) -> String {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "tpp");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let address = format!("http://{}/", self.address);
        let access = tlv(0x30, &[&tlv(0x30, &[&tlv(0x06, &[OCSP]), &tlv(0x86, &[address.as_bytes()])])]);
        params.custom_extensions = vec![CustomExtension::from_oid_content(AUTHORITY_INFO_ACCESS, access)];
        let key = KeyPair::generate().expect("a key");
        let client = params.signed_by(&key, &*self.authority).expect("a certificate");
        utf8_percent_encode(&client.pem(), ESCAPED).to_string()
    }
}

/// Answers every question on a kept connection with "good".
fn serve(mut stream: TcpStream, authority: &CertifiedIssuer<'_, KeyPair>, late: Duration) {
    let _ = stream.set_nodelay(true);
    let mut received = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        received.extend_from_slice(&chunk[..read]);
        // The question is the only thing in a request that names the hash, and the nonce at its end comes with it.
        let Some(named) = received.windows(SHA1.len()).position(|bytes| bytes == SHA1) else { continue };
        let cert_id = &received[named - 2..];
        let length = usize::from(cert_id[1]) + 2;
        if cert_id.len() < length {
            continue;
        }
        let body = vouch(authority, &cert_id[..length]);
        thread::sleep(late);
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        if stream.write_all(&[head.as_bytes(), &body].concat()).is_err() {
            return;
        }
        received.clear();
    }
}

/// A response (RFC 6960, section 4.2.1): this certificate is good for an hour.
fn vouch(authority: &CertifiedIssuer<'_, KeyPair>, cert_id: &[u8]) -> Vec<u8> {
    let own = x509_cert::Certificate::from_der(authority.der()).expect("our own certificate");
    let name = own.tbs_certificate().subject().to_der().expect("our own name");
    let (made, until) = (time(0), time(3600));
    let single = tlv(0x30, &[cert_id, &[0x80, 0], &made, &tlv(0xa0, &[&until])]);
    let data = tlv(0x30, &[&tlv(0xa1, &[&name]), &made, &tlv(0x30, &[&single])]);
    let signature = authority.key().sign(&data).expect("a signature");
    let basic = tlv(0x30, &[&data, ECDSA_SHA256, &tlv(0x03, &[&[0], &signature])]);
    let bytes = tlv(0x30, &[&tlv(0x06, &[BASIC]), &tlv(0x04, &[&basic])]);
    tlv(0x30, &[&[0x0a, 1, 0], &tlv(0xa0, &[&bytes])])
}

fn time(offset: u64) -> Vec<u8> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970");
    let time = GeneralizedTime::from_unix_duration(Duration::from_secs(now.as_secs() + offset));
    time.and_then(|time| time.to_der()).expect("a time of this century")
}

const BASIC: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
/// `AlgorithmIdentifier` of SHA-1.
const SHA1: &[u8] = &[0x30, 9, 6, 5, 0x2b, 14, 3, 2, 26, 5, 0];
/// `AlgorithmIdentifier` of ecdsa-with-SHA256.
const ECDSA_SHA256: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
