//! A PKI made for one run: nobody outside it trusts it, and nothing of it is checked in.

use std::sync::{Arc, LazyLock};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData, RevocationReason, RevokedCertParams, SanType,
    SerialNumber, SignatureAlgorithm, SigningKey,
};
use time::{Duration, OffsetDateTime};

use super::token::Token;

/// Everyone the tests know.
pub(crate) struct Pki {
    /// Trusted: the anchor of anchors.
    pub(crate) root: Authority,
    /// Trusted: issues the clients, so that profiles without a chain work.
    pub(crate) issuing: Authority,
    /// In nobody's truststore.
    pub(crate) foreign: Authority,
    /// Issues servers and load balancers, never clients.
    pub(crate) infrastructure: Authority,
    pub(crate) alice: Client,
    pub(crate) mallory: Client,
    /// Issued by an authority below the root that is not in the truststore: she has to bring it along as her chain.
    pub(crate) carol: Client,
    pub(crate) expired: Client,
    pub(crate) not_yet_valid: Client,
    /// A certificate of the foreign authority in alice's name.
    pub(crate) stranger: Client,
    /// For servers, not for clients.
    pub(crate) server_only: Client,
    /// An RSA key of 1024 bits.
    pub(crate) weak: Client,
    /// Without the extension extKeyUsage.
    pub(crate) purposeless: Client,
}

impl Pki {
    /// The one PKI of this process.
    pub(crate) fn get() -> &'static Self {
        static PKI: LazyLock<Pki> = LazyLock::new(Pki::mint);
        &PKI
    }

    fn mint() -> Self {
        let root = Authority::root("Directory Root CA");
        let issuing = root.below("TPP Issuing CA");
        let sub = root.below("TPP Sub CA");
        let foreign = Authority::root("Directory Root CA of Elsewhere");
        let infrastructure = Authority::root("Bank Infrastructure CA");
        let now = OffsetDateTime::now_utc();
        Self {
            alice: issuing.client("alice"),
            mallory: issuing.client("mallory"),
            carol: sub.client("carol"),
            expired: issuing.issue("expired", |params| params.not_after = now - Duration::days(1)),
            not_yet_valid: issuing.issue("early", |params| params.not_before = now + Duration::days(1)),
            stranger: foreign.client("alice"),
            server_only: issuing.issue("server", |params| {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            }),
            weak: issuing.weak_client("weak"),
            purposeless: issuing.issue("purposeless", |params| params.extended_key_usages.clear()),
            root,
            issuing,
            foreign,
            infrastructure,
        }
    }
}

/// A certification authority with its key.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) der: Vec<u8>,
    /// What a holder shows besides the own certificate: the path up to, and without, the root.
    path: Vec<Vec<u8>>,
}

impl Authority {
    pub(crate) fn root(name: &str) -> Self {
        let (params, key) = (ca(name), KeyPair::generate().unwrap());
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { issuer: Issuer::new(params, key), der, path: Vec::new() }
    }

    /// An authority that this one has issued.
    pub(crate) fn below(&self, name: &str) -> Self {
        self.below_as(name, |_| {})
    }

    /// The same after `change`.
    pub(crate) fn below_as(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let (mut params, key) = (ca(name), KeyPair::generate().unwrap());
        change(&mut params);
        let der = params.signed_by(&key, &self.issuer).unwrap().der().to_vec();
        let path = std::iter::once(der.clone()).chain(self.path.iter().cloned()).collect();
        Self { issuer: Issuer::new(params, key), der, path }
    }

    /// A certificate for client authentication.
    pub(crate) fn client(&self, name: &str) -> Client {
        self.issue(name, |_| {})
    }

    /// A certificate for client authentication, after `change`.
    pub(crate) fn issue(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Client {
        let key = KeyPair::generate().unwrap();
        let mut params = leaf(name);
        change(&mut params);
        let der = params.signed_by(&key, &self.issuer).unwrap().der().to_vec();
        Client { name: name.to_owned(), der, key: key.serialize_der(), chain: self.path.clone() }
    }

    /// A CRL with these serial numbers on it, which ends in this many seconds.
    pub(crate) fn list(&self, serials: &[(u64, Option<RevocationReason>)], lives: i64) -> Vec<u8> {
        self.list_of_age(3600, serials, lives)
    }

    /// The same, made so many seconds ago.
    pub(crate) fn list_of_age(&self, age: i64, serials: &[(u64, Option<RevocationReason>)], lives: i64) -> Vec<u8> {
        let now = OffsetDateTime::now_utc();
        let entry = |(serial, reason): &(u64, Option<RevocationReason>)| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: now - Duration::hours(1),
            reason_code: *reason,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: now - Duration::seconds(age),
            next_update: now + Duration::seconds(lives),
            crl_number: SerialNumber::from(7_u64),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().der().to_vec()
    }

    pub(crate) fn signature_key(&self) -> SignatureKey {
        SignatureKey::of(&self.issuer.key().serialize_der())
    }

    pub(crate) fn key_pem(&self) -> String {
        armour("PRIVATE KEY", &self.issuer.key().serialize_der())
    }

    /// A certificate for a server, or a load balancer, of these DNS names or addresses.
    pub(crate) fn server(&self, names: &[&str]) -> Client {
        let sans = CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()).unwrap();
        self.issue(names[0], |params| {
            params.subject_alt_names = sans.subject_alt_names;
            params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        })
    }

    /// A certificate with a URI as its only subject alternative name.
    pub(crate) fn workload(&self, uri: &str) -> Client {
        self.issue("workload", |params| params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())])
    }

    /// A certificate for an RSA key of 1024 bits. Nobody has the private half: a forwarded certificate needs none.
    fn weak_client(&self, name: &str) -> Client {
        let der = leaf(name).signed_by(&WeakKey::default(), &self.issuer).unwrap().der().to_vec();
        Client { name: name.to_owned(), der, key: Vec::new(), chain: self.path.clone() }
    }
}

/// Someone with a certificate.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) name: String,
    pub(crate) der: Vec<u8>,
    /// PKCS#8.
    pub(crate) key: Vec<u8>,
    /// Intermediates, the issuer first, without the root.
    pub(crate) chain: Vec<Vec<u8>>,
}

impl Client {
    pub(crate) fn pem(&self) -> String {
        pem(&self.der)
    }

    pub(crate) fn key_pem(&self) -> String {
        armour("PRIVATE KEY", &self.key)
    }

    /// `x5t#S256` (RFC 8705, section 3.1).
    pub(crate) fn thumbprint(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(hash(&self.der))
    }

    /// A good access token, bound to this certificate.
    pub(crate) fn token(&self) -> String {
        Token::of(self).sign()
    }
}

/// What OCSP answers are signed with: ECDSA on P-256 with SHA-256.
#[derive(Clone)]
pub(crate) struct SignatureKey(Arc<KeyPair>);

impl SignatureKey {
    /// Out of PKCS#8.
    pub(crate) fn of(key: &[u8]) -> Self {
        Self(Arc::new(KeyPair::try_from(key).unwrap()))
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sign(bytes).unwrap()
    }
}

/// SHA-256.
pub(crate) fn hash(bytes: &[u8]) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().to_vec()
}

/// Lines of 64 columns that end in LF, the last one too.
pub(crate) fn pem(der: &[u8]) -> String {
    armour("CERTIFICATE", der)
}

fn armour(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: String = text.as_bytes().chunks(64).map(|line| format!("{}\n", String::from_utf8_lossy(line))).collect();
    format!("-----BEGIN {label}-----\n{lines}-----END {label}-----\n")
}

fn ca(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.distinguished_name.push(DnType::CustomDnType(ORGANIZATION_IDENTIFIER.to_vec()), ORGANIZATION);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    params
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = OffsetDateTime::now_utc() - Duration::days(30);
    params.not_after = OffsetDateTime::now_utc() + Duration::days(30);
    params
}

/// An RSAPublicKey whose modulus of 1024 bits is no product of anyone's primes.
struct WeakKey(Vec<u8>);

impl Default for WeakKey {
    fn default() -> Self {
        let modulus = [&[0x00, 0xC1][..], &[0x5A; 126], &[0x01]].concat();
        let integers = [&[0x02, 0x81, 129][..], &modulus, &[0x02, 0x03, 0x01, 0x00, 0x01]].concat();
        Self([&[0x30, 0x81, u8::try_from(integers.len()).unwrap()][..], &integers].concat())
    }
}

impl PublicKeyData for WeakKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

const ORGANIZATION_IDENTIFIER: [u64; 4] = [2, 5, 4, 97];
const ORGANIZATION: &str = "PSDDE-BAFIN-123456";
