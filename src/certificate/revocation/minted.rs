//! Authorities, certificates, and signed bytes, minted as a test runs. DER is put together octet by octet, so that the
//! decoders are not held against themselves.
#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use std::time::Duration;

use der::{Encode, asn1::GeneralizedTime};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CrlDistributionPoint, CustomExtension, DistinguishedName,
    DnType, IsCa, KeyPair, KeyUsagePurpose, SerialNumber, SigningKey,
};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use rustls_pki_types::UnixTime;

use super::Issued;

/// 2026-01-01T12:00:00Z.
pub(crate) const NOW: u64 = 1_767_268_800;

pub(crate) struct Authority {
    pub(crate) own: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key.
pub(crate) struct Minted {
    pub(crate) der: Vec<u8>,
    pub(crate) key: KeyPair,
}

impl Authority {
    pub(crate) fn named(name: &str) -> Self {
        Self::with(name, &[])
    }

    /// With no usages, keyUsage is absent.
    pub(crate) fn with(name: &str, usages: &[KeyUsagePurpose]) -> Self {
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = usages.to_vec();
        Self { own: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    pub(crate) fn issue(&self, name: &str, edit: impl FnOnce(&mut CertificateParams)) -> Minted {
        let mut params = named(name);
        edit(&mut params);
        let key = KeyPair::generate().unwrap();
        let der = params.signed_by(&key, &self.own).unwrap().der().to_vec();
        Minted { der, key }
    }

    /// A client's certificate with this serial number (magnitude) and distribution points.
    pub(crate) fn client(&self, serial: &[u8], points: &[&str]) -> Issued {
        self.client_with(serial, points, &[])
    }

    pub(crate) fn client_with(&self, serial: &[u8], points: &[&str], responders: &[&str]) -> Issued {
        let minted = self.issue("client", |params| {
            params.serial_number = Some(SerialNumber::from_slice(serial));
            let point = |uri: &&str| CrlDistributionPoint { uris: vec![(*uri).to_owned()] };
            params.crl_distribution_points = points.iter().map(point).collect();
            if !responders.is_empty() {
                params.custom_extensions.push(access(responders));
            }
        });
        self.about(&minted.der)
    }

    pub(crate) fn about(&self, certificate: &[u8]) -> Issued {
        Issued::read(certificate, self.own.der()).unwrap()
    }

    pub(crate) fn key(&self) -> &KeyPair {
        self.own.key()
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn access(responders: &[&str]) -> CustomExtension {
    let described: Vec<_> = responders
        .iter()
        .map(|uri| tlv(0x30, &[&tlv(0x06, &[&[0x2b, 6, 1, 5, 5, 7, 0x30, 1]]), &tlv(0x86, &[uri.as_bytes()])]))
        .collect();
    let parts: Vec<&[u8]> = described.iter().map(Vec::as_slice).collect();
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], tlv(0x30, &parts))
}

/// Tag, length, and the parts one after the other.
pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut der = vec![tag];
    let octets = length.to_be_bytes();
    match length {
        0..=127 => der.push(u8::try_from(length).unwrap()),
        _ => {
            let octets: Vec<u8> = octets.into_iter().skip_while(|octet| *octet == 0).collect();
            der.push(0x80 | u8::try_from(octets.len()).unwrap());
            der.extend(octets);
        }
    }
    parts.iter().for_each(|part| der.extend_from_slice(part));
    der
}

/// `Extension`; the value is what goes into the OCTET STRING.
pub(crate) fn extension(oid: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let flag: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    tlv(0x30, &[&tlv(0x06, &[oid]), flag, &tlv(0x04, &[value])])
}

/// GeneralizedTime, in seconds from [`NOW`].
pub(crate) fn time(offset: i64) -> Vec<u8> {
    let seconds = NOW.checked_add_signed(offset).unwrap();
    GeneralizedTime::from_unix_duration(Duration::from_secs(seconds)).unwrap().to_der().unwrap()
}

pub(crate) fn now(offset: i64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(NOW.checked_add_signed(offset).unwrap()))
}

/// `signed`, the algorithm, and the signature, as certificates, CRLs, and basic responses have them.
pub(crate) fn signed(key: &KeyPair, tbs: &[u8]) -> Vec<u8> {
    let signature = key.sign(tbs).unwrap();
    [tbs, ECDSA_SHA256, &tlv(0x03, &[&[0], &signature])].concat()
}

pub(crate) fn sha1(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().to_vec()
}

/// `AlgorithmIdentifier` of ecdsa-with-SHA256.
pub(crate) const ECDSA_SHA256: &[u8] = &[0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
