//! Mints certificates for tests: what an authority issues, and what it should not have.

use std::{path::Path, process::Command, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData,
};
use rustls_pki_types::{CertificateDer, UnixTime};
use time::OffsetDateTime;

use crate::certificate::{Certificates, ForwardedCert, PathRules, Presented, Profile, Truststore, verdicts::Forward};

/// When everything minted here is in the middle of its life, in seconds.
pub(crate) const NOW: u64 = 1_800_000_000;
/// Half a life, in seconds.
pub(crate) const HALF: u64 = 86_400;

/// Seconds as a time.
pub(crate) fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

/// A certificate with the means to issue others.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) der: CertificateDer<'static>,
}

/// What a certificate is minted from; tests change it before it is signed.
pub(crate) fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let time = |seconds: u64| OffsetDateTime::from_unix_timestamp(seconds.try_into().unwrap()).unwrap();
    params.not_before = time(NOW - HALF);
    params.not_after = time(NOW + HALF);
    params
}

/// An authority as it should be.
pub(crate) fn authority(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// A client as it should be.
pub(crate) fn client(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

impl Authority {
    /// Signed by itself.
    pub(crate) fn root(params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), der }
    }

    /// Signed by this one.
    pub(crate) fn subordinate(&self, params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let der = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), der }
    }

    /// Issues a certificate.
    pub(crate) fn issue(&self, params: CertificateParams) -> Vec<u8> {
        self.issue_for(&KeyPair::generate().unwrap(), params)
    }

    /// Issues a certificate for this key.
    pub(crate) fn issue_for(&self, key: &impl PublicKeyData, params: CertificateParams) -> Vec<u8> {
        params.signed_by(key, &self.issuer).unwrap().der().to_vec()
    }

    /// A truststore with this one alone.
    pub(crate) fn trusted(&self) -> Truststore {
        Truststore::new(vec![self.der.clone()], at(NOW)).unwrap().0
    }

    /// Certificates believed under this one alone.
    pub(crate) fn certificates(&self, cache_bytes: u64) -> Certificates {
        Certificates::new(self.trusted(), RULES, Some(Forward { profile: Profile::Haproxy, chain: false }), cache_bytes)
    }
}

/// The defaults.
pub(crate) const RULES: PathRules =
    PathRules { minimum_rsa_bits: 2048, max_intermediates: 5, require_client_auth: true };

/// A certificate without a chain.
pub(crate) fn presented(leaf: Vec<u8>) -> Presented {
    Presented { leaf, intermediates: Vec::new() }
}

/// The certificate as HAProxy forwards it.
pub(crate) fn forwarded(value: &[u8]) -> ForwardedCert<'_> {
    ForwardedCert::Header { profile: Profile::Haproxy, leaf: value, chain: Vec::new() }
}

/// The value that HAProxy writes.
pub(crate) fn header_value(der: &[u8]) -> Vec<u8> {
    Profile::Haproxy.encode(der, &[]).leaf.as_bytes().to_vec()
}

/// Runs a program in `folder`; false, and says so, where it is not installed.
pub(crate) fn ran(program: &str, arguments: &str, folder: &Path) -> bool {
    match Command::new(program).args(arguments.split(' ')).current_dir(folder).output() {
        Ok(output) => {
            assert!(output.status.success(), "{program} {arguments}: {}", String::from_utf8_lossy(&output.stderr));
            true
        }
        Err(error) => {
            eprintln!("SKIPPED: {program} cannot be run: {error}");
            false
        }
    }
}
