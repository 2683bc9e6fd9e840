//! Authorities and clients' certificates, minted alike in every run.

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use time::OffsetDateTime;

use crate::{
    NOW,
    key::{Key, tlv},
};

/// A certificate of an authority, and the key that it certifies.
pub struct Authority {
    params: CertificateParams,
    pub key: Key,
    pub der: Vec<u8>,
}

impl Authority {
    /// In date for ten days around [`NOW`].
    pub fn root(name: &str, seed: u8) -> Self {
        let (params, key) = (authority(name), Key::of(seed));
        let der = params.self_signed(&key.pair()).expect("a root").der().to_vec();
        Self { params, key, der }
    }

    pub fn intermediate(&self, name: &str, seed: u8) -> Self {
        let (params, key) = (authority(name), Key::of(seed));
        let der = params.signed_by(&key.pair(), &self.issuer()).expect("an intermediate").der().to_vec();
        Self { params, key, der }
    }

    /// A client's certificate, in date for so many seconds before and after [`NOW`], changed as told.
    pub fn client(
        &self,
        name: &str,
        seed: u8,
        dates: (i64, i64),
        change: impl FnOnce(&mut CertificateParams),
    ) -> Vec<u8> {
        let mut params = named(name, dates);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        params.signed_by(&Key::of(seed).pair(), &self.issuer()).expect("a client's certificate").der().to_vec()
    }

    fn issuer(&self) -> Issuer<'_, KeyPair> {
        Issuer::from_params(&self.params, self.key.pair())
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = named(name, (-5 * DAY, 5 * DAY));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn named(name: &str, (before, after): (i64, i64)) -> CertificateParams {
    let at = |offset: i64| {
        OffsetDateTime::from_unix_timestamp(NOW.checked_add_signed(offset).expect("a time").cast_signed())
            .expect("a time")
    };
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (at(before), at(after));
    params
}

/// qcStatements with a PSD2 statement that grants account information alone (ETSI TS 119 495, section 5.1).
pub fn licensed() -> CustomExtension {
    let role = tlv(0x30, &[ACCOUNT_INFORMATION, &tlv(0x0c, &[b"PSP_AI"])]);
    let authority = [tlv(0x0c, &[b"BaFin"]), tlv(0x0c, &[b"DE-BAFIN"])].concat();
    let statement = tlv(0x30, &[PSD2, &tlv(0x30, &[&tlv(0x30, &[&role]), &authority])]);
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 3], tlv(0x30, &[&statement]))
}

/// 0.4.0.19495.2
const PSD2: &[u8] = &[6, 6, 4, 0, 0x81, 0x98, 0x27, 2];
/// 0.4.0.19495.1.3
const ACCOUNT_INFORMATION: &[u8] = &[6, 7, 4, 0, 0x81, 0x98, 0x27, 1, 3];

pub const DAY: i64 = 86_400;
