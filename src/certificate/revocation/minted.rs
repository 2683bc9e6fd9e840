//! Authorities, certificates, and signed bytes, minted as a test runs. DER is put together octet by octet, so that the
//! decoders are not held against themselves.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

use std::time::Duration;

use der::{Decode, Encode, asn1::GeneralizedTime};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, CrlDistributionPoint,
    CustomExtension, DistinguishedName, DnType, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams,
    SerialNumber, SigningKey,
};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use rustls_pki_types::UnixTime;

use spki::SubjectPublicKeyInfoOwned;
use x509_cert::Certificate;

use super::{Issued, ocsp::CertIdHash};

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
        let params = authority(name, usages);
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
        self.about(&self.client_der(serial, points, responders))
    }

    pub(crate) fn client_der(&self, serial: &[u8], points: &[&str], responders: &[&str]) -> Vec<u8> {
        let minted = self.issue("client", |params| {
            params.serial_number = Some(SerialNumber::from_slice(serial));
            let point = |uri: &&str| CrlDistributionPoint { uris: vec![(*uri).to_owned()] };
            params.crl_distribution_points = points.iter().map(point).collect();
            if !responders.is_empty() {
                params.custom_extensions.push(access(responders));
            }
        });
        minted.der
    }

    /// Another certificate of the same key.
    pub(crate) fn anew(&self, name: &str, usages: &[KeyUsagePurpose]) -> Vec<u8> {
        authority(name, usages).self_signed(self.key()).unwrap().der().to_vec()
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

fn authority(name: &str, usages: &[KeyUsagePurpose]) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = usages.to_vec();
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

pub(crate) const GOOD: &[u8] = &[0x80, 0];
pub(crate) const UNKNOWN: &[u8] = &[0x82, 0];

/// An answer, to be spoiled before it is signed.
pub(crate) struct Said {
    pub(crate) responder: Vec<u8>,
    pub(crate) produced_at: Vec<u8>,
    pub(crate) singles: Vec<Single>,
    pub(crate) extensions: Vec<Vec<u8>>,
    pub(crate) certificates: Vec<Vec<u8>>,
}

#[derive(Clone)]
pub(crate) struct Single {
    pub(crate) cert_id: Vec<u8>,
    pub(crate) status: Vec<u8>,
    pub(crate) this_update: Vec<u8>,
    pub(crate) next_update: Option<Vec<u8>>,
    pub(crate) extensions: Vec<Vec<u8>>,
}

impl Said {
    pub(crate) fn of(about: &Issued) -> Self {
        let single = Single {
            cert_id: cert_id(about, CertIdHash::Sha1),
            status: GOOD.to_vec(),
            this_update: time(-60),
            next_update: Some(time(3600)),
            extensions: vec![],
        };
        Self {
            responder: tlv(0xa1, &[about.issuer_name()]),
            produced_at: time(-60),
            singles: vec![single],
            extensions: vec![],
            certificates: vec![],
        }
    }

    pub(crate) fn single(&mut self) -> &mut Single {
        &mut self.singles[0]
    }

    pub(crate) fn from(mut self, delegate: &Minted) -> Self {
        let certificate = Certificate::from_der(&delegate.der).unwrap();
        self.responder = tlv(0xa1, &[&certificate.tbs_certificate().subject().to_der().unwrap()]);
        self.certificates.push(delegate.der.clone());
        self
    }

    pub(crate) fn sign(&self, key: &KeyPair) -> Vec<u8> {
        let singles: Vec<_> = self.singles.iter().map(Single::der).collect();
        let tbs = tlv(
            0x30,
            &[&self.responder, &self.produced_at, &sequence(0x30, &singles), &optional(0xa1, &self.extensions)],
        );
        let basic = tlv(0x30, &[&signed(key, &tbs), &optional(0xa0, &self.certificates)]);
        let bytes = tlv(0x30, &[&tlv(0x06, &[&[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1]]), &tlv(0x04, &[&basic])]);
        tlv(0x30, &[&[0x0a, 1, 0], &tlv(0xa0, &[&bytes])])
    }
}

impl Single {
    pub(crate) fn der(&self) -> Vec<u8> {
        let next = self.next_update.as_ref().map(|next| tlv(0xa0, &[next])).unwrap_or_default();
        let extensions = optional(0xa1, &self.extensions);
        tlv(0x30, &[&self.cert_id, &self.status, &self.this_update, &next, &extensions])
    }
}

pub(crate) fn sequence(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(tag, &parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// A tagged sequence, left out when it is empty.
pub(crate) fn optional(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    if parts.is_empty() { vec![] } else { tlv(tag, &[&sequence(0x30, parts)]) }
}

pub(crate) fn cert_id(about: &Issued, hash: CertIdHash) -> Vec<u8> {
    let (oid, algorithm): (&[u8], _) = match hash {
        CertIdHash::Sha1 => (&[0x2b, 14, 3, 2, 26], &SHA1_FOR_LEGACY_USE_ONLY),
        CertIdHash::Sha256 => (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1], &SHA256),
    };
    let hash = |bytes: &[u8]| digest(algorithm, bytes).as_ref().to_vec();
    let key = SubjectPublicKeyInfoOwned::from_der(about.issuer_key()).unwrap();
    let key = key.subject_public_key.raw_bytes();
    tlv(
        0x30,
        &[
            &tlv(0x30, &[&tlv(0x06, &[oid]), &[5, 0]]),
            &tlv(0x04, &[&hash(about.issuer_name())]),
            &tlv(0x04, &[&hash(key)]),
            &tlv(0x02, &[&about.serial]),
        ],
    )
}

pub(crate) fn revoked(reason: Option<u8>) -> Vec<u8> {
    let reason = reason.map(|reason| tlv(0xa0, &[&[0x0a, 1, reason]])).unwrap_or_default();
    tlv(0xa1, &[&time(-3600), &reason])
}

impl Authority {
    /// A CRL with these serial numbers (magnitudes) on it, from a minute ago until `until` seconds after [`NOW`].
    pub(crate) fn list(&self, serials: &[&[u8]], until: i64) -> Vec<u8> {
        self.list_as_of(-60, serials, until)
    }

    /// The same, made at another time, in seconds from [`NOW`].
    pub(crate) fn list_as_of(&self, this_update: i64, serials: &[&[u8]], until: i64) -> Vec<u8> {
        let stamp = |offset: i64| {
            let seconds = NOW.checked_add_signed(offset).unwrap();
            ::time::OffsetDateTime::from_unix_timestamp(seconds.cast_signed()).unwrap()
        };
        let entry = |serial: &&[u8]| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: stamp(-3600),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: stamp(this_update),
            next_update: stamp(until),
            crl_number: SerialNumber::from(7_u64),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.own).unwrap().der().to_vec()
    }
}
