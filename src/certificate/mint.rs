//! Mints certificates for tests: what an authority does, and what a forger would.

use std::{
    env,
    io::{self, Write as _},
    path::Path,
    process::Command,
};

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, PublicKeyData, SignatureAlgorithm, date_time_ymd,
};
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::{
    certificate::{Decoded, Presented, Truststore, examined::Examined},
    denial::Denial,
};

/// A certificate of an authority, and the key that it certifies.
pub(crate) struct Authority {
    params: CertificateParams,
    key: KeyPair,
    pub(crate) der: Vec<u8>,
}

impl Authority {
    /// A root in date from 2020 to 2040, changed as told.
    pub(crate) fn root(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let (params, key) = (authority(name, change), KeyPair::generate().unwrap());
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { params, key, der }
    }

    /// An intermediate of this authority.
    pub(crate) fn intermediate(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let (params, key) = (authority(name, change), KeyPair::generate().unwrap());
        let der = params.signed_by(&key, &self.issuer()).unwrap().der().to_vec();
        Self { params, key, der }
    }

    /// Another certificate, by `issuer`, for the name and key of this authority.
    pub(crate) fn certified_again(&self, issuer: &Self, change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        let mut params = authority("", change);
        params.distinguished_name = self.params.distinguished_name.clone();
        params.signed_by(&self.key, &issuer.issuer()).unwrap().der().to_vec()
    }

    /// A client's certificate in date from 2025 to 2027, for client authentication, changed as told.
    pub(crate) fn client(&self, change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        self.client_with(&KeyPair::generate().unwrap(), change)
    }

    /// The same, for a key of another's.
    pub(crate) fn client_with(&self, key: &impl PublicKeyData, change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        client(change).signed_by(key, &self.issuer()).unwrap().der().to_vec()
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }
}

/// A client's certificate that nobody but its owner signed.
pub(crate) fn self_signed_client(change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
    client(change).self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn authority(name: &str, change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    in_years(2020, 2040)(&mut params);
    change(&mut params);
    params
}

fn client(change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = CertificateParams::new(["tpp.example".to_owned()]).unwrap();
    params.distinguished_name = named("TPP");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    in_years(2025, 2027)(&mut params);
    change(&mut params);
    params
}

pub(crate) fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// As it is.
pub(crate) fn plain(_: &mut CertificateParams) {}

/// In date from the start of the one year to the start of the other.
pub(crate) fn in_years(from: i32, until: i32) -> impl FnOnce(&mut CertificateParams) {
    move |params| {
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
    }
}

/// With one more extension.
pub(crate) fn with(oid: &[u64], critical: bool, content: &[u8]) -> impl FnOnce(&mut CertificateParams) {
    let mut extension = CustomExtension::from_oid_content(oid, content.to_vec());
    extension.set_criticality(critical);
    move |params| params.custom_extensions.push(extension)
}

/// The start of a year.
pub(crate) fn year(year: i32) -> UnixTime {
    let seconds = date_time_ymd(year, 1, 1).unix_timestamp();
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds.try_into().unwrap()))
}

/// When tests take place, unless they say otherwise.
pub(crate) fn now() -> UnixTime {
    year(2026)
}

pub(in crate::certificate) fn examined(der: &[u8]) -> Result<Examined, &'static str> {
    Decoded::read(der.to_vec()).and_then(Examined::of)
}

pub(crate) fn presented(leaf: &[u8], intermediates: &[&[u8]]) -> Result<Presented, Denial> {
    Presented::new(leaf.to_vec(), intermediates.iter().map(|der| der.to_vec()).collect(), usize::MAX)
}

/// The anchors, none of them skipped.
pub(crate) fn trusting(anchors: &[&[u8]]) -> Truststore {
    let certificates: Vec<_> = anchors.iter().map(|der| CertificateDer::from(der.to_vec())).collect();
    let (trust, _) = Truststore::new(certificates, now()).unwrap();
    assert_eq!(trust.anchors().count(), anchors.len());
    trust
}

/// An RSA public key that nobody has the private key of: two bits are set at the ends of the modulus.
pub(crate) struct Rsa(Vec<u8>);

impl Rsa {
    pub(crate) fn of_bits(bits: usize, exponent: u8) -> Self {
        let mut modulus = vec![0; bits.div_ceil(8)];
        modulus[0] = 1 << ((bits + 7) % 8);
        *modulus.last_mut().unwrap() |= 1;
        let numbers = [integer(&modulus), integer(&[exponent])].concat();
        Self(tagged(0x30, &numbers))
    }
}

impl PublicKeyData for Rsa {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

fn integer(magnitude: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if magnitude[0] & 0x80 == 0 { &[] } else { &[0] };
    tagged(0x02, &[sign, magnitude].concat())
}

/// DER of one value.
pub(crate) fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let header = match content.len() {
        0..0x80 => vec![tag, length[1]],
        0x80..0x100 => vec![tag, 0x81, length[1]],
        _ => vec![tag, 0x82, length[0], length[1]],
    };
    [header.as_slice(), content].concat()
}

/// Runs a tool in `folder`; false, said loudly, where the machine has none. In CI that is a failure.
pub(crate) fn ran(folder: &Path, tool: &str, arguments: &str) -> bool {
    match Command::new(tool).args(arguments.split(' ')).current_dir(folder).output() {
        Ok(output) => {
            assert!(output.status.success(), "{tool} {arguments}: {}", String::from_utf8_lossy(&output.stderr));
            true
        }
        Err(error) => {
            let why = format!("SKIPPED: {tool} cannot be run, so nothing is known of it: {error}\n");
            assert_ne!(env::var("CI").as_deref(), Ok("true"), "{why}");
            // Not by `eprintln!`, which the test runner swallows.
            io::stderr().write_all(why.as_bytes()).unwrap();
            false
        }
    }
}
