//! A certificate as its issuer knows it: what revocation is asked about, and where the certificate says to ask.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use const_oid::db::rfc5280::ID_AD_OCSP;
use der::{Decode, Encode};
use sha2::{Digest, Sha256};
use x509_cert::{
    Certificate, TbsCertificate,
    ext::pkix::{
        AuthorityInfoAccessSyntax, BasicConstraints, CrlDistributionPoints, KeyUsage,
        name::{DistributionPointName, GeneralName},
    },
};

use super::NoAnswer;
use crate::certificate::name::ComparedName;

/// A certificate as its issuer knows it.
///
/// Made of two certificates of a path that was found to hold: nothing here verifies that the one issued the other.
/// Equal when issuer and serial number are.
#[derive(Clone)]
pub struct Issued {
    /// An anchor's is shared by all that it issued.
    pub(super) issuer: Arc<Issuer>,
    /// The content octets of the serial number's INTEGER.
    pub(super) serial: Vec<u8>,
    /// Whether the certificate is itself an authority: a CRL may be for the one kind only.
    pub(super) is_authority: bool,
    /// Addresses of OCSP responders, as written in the certificate.
    pub(super) responders: Vec<String>,
    /// Full names of its CRL distribution points, as addresses.
    pub(super) distribution_points: Vec<String>,
    pub(super) key: IssuedKey,
}

/// Who issued a certificate, as far as its answers depend on it.
#[derive(Clone)]
pub(in crate::certificate) struct Issuer {
    /// Its name, DER.
    pub(super) name: Box<[u8]>,
    pub(super) compared: ComparedName,
    /// Its SubjectPublicKeyInfo, DER.
    pub(super) key: Box<[u8]>,
    /// Whether its key may sign CRLs: keyUsage has cRLSign, or is absent.
    pub(super) signs_crls: bool,
}

/// SHA-256 of issuer name, issuer key, and serial number: what a certificate is remembered by.
///
/// Not the thumbprint: whoever finds a second encoding of a signature has a second thumbprint, but no second serial.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct IssuedKey([u8; 32]);

impl Issued {
    /// `certificate` and the one that issued it, both in DER.
    ///
    /// # Errors
    /// One of the two, or one of the extensions that matter here, cannot be read.
    pub fn read(certificate: &[u8], issuer: &[u8]) -> Result<Self, NoAnswer> {
        let certificate = Certificate::from_der(certificate).map_err(|_| "the certificate cannot be read")?;
        let issuer = Certificate::from_der(issuer).map_err(|_| "the issuer's certificate cannot be read")?;
        Self::of(&certificate, Arc::new(Issuer::of(&issuer)?))
    }

    /// The same, of what was read already.
    pub(in crate::certificate) fn of(certificate: &Certificate, issuer: Arc<Issuer>) -> Result<Self, NoAnswer> {
        let tbs = certificate.tbs_certificate();
        let basic = tbs.get_extension::<BasicConstraints>().map_err(|_| "basicConstraints cannot be read")?;
        let serial = tbs.serial_number().as_bytes().to_vec();
        Ok(Self {
            key: IssuedKey::of(&issuer.name, &issuer.key, &serial),
            issuer,
            serial,
            is_authority: basic.is_some_and(|(_, basic)| basic.ca),
            responders: responders_of(tbs)?,
            distribution_points: distribution_points_of(tbs)?,
        })
    }

    /// Memory that it takes, in bytes: with its issuer, unless that is an anchor's and so shared.
    pub(in crate::certificate) fn weight(&self) -> usize {
        let address = |written: &String| ADDRESS + written.len();
        let addresses = self.responders.iter().chain(&self.distribution_points).map(address).sum::<usize>();
        let own = Arc::strong_count(&self.issuer) == 1;
        let issuer = if own { 2 * self.issuer.name.len() + self.issuer.key.len() } else { 0 };
        size_of::<Self>() + self.serial.len() + addresses + issuer
    }

    /// What the certificate is remembered by.
    pub fn key(&self) -> IssuedKey {
        self.key
    }

    /// The issuer's name, DER.
    pub fn issuer_name(&self) -> &[u8] {
        &self.issuer.name
    }

    /// The issuer's name, as that of a list is compared with it.
    pub fn issuer_compared(&self) -> &ComparedName {
        &self.issuer.compared
    }

    /// The issuer's SubjectPublicKeyInfo, DER.
    pub fn issuer_key(&self) -> &[u8] {
        &self.issuer.key
    }

    /// Addresses of OCSP responders, as written in the certificate. Whether they may be asked is not looked at here.
    pub fn responders(&self) -> &[String] {
        &self.responders
    }

    /// Addresses of complete CRLs of the issuer, as written in the certificate. Whether they may be fetched is not looked
    /// at here.
    pub fn distribution_points(&self) -> &[String] {
        &self.distribution_points
    }
}

impl Issuer {
    /// `certificate` being the issuer's own.
    pub(in crate::certificate) fn of(certificate: &Certificate) -> Result<Self, NoAnswer> {
        let tbs = certificate.tbs_certificate();
        let usage = tbs.get_extension::<KeyUsage>().map_err(|_| "the issuer's keyUsage cannot be read")?;
        let key = tbs.subject_public_key_info().to_der().map_err(|_| "the issuer's key cannot be read")?;
        let name = tbs.subject().to_der().map_err(|_| "the issuer's name cannot be read")?;
        Ok(Self {
            compared: ComparedName::of(&name),
            name: name.into(),
            key: key.into(),
            signs_crls: usage.is_none_or(|(_, usage)| usage.crl_sign()),
        })
    }
}

impl PartialEq for Issued {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Issued {}

impl Hash for Issued {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").field("serial", &self.serial).finish_non_exhaustive()
    }
}

impl IssuedKey {
    fn of(name: &[u8], key: &[u8], serial: &[u8]) -> Self {
        // Name and key are DER, so each says where it ends, and the serial number is what is left.
        Self(Sha256::new().chain_update(name).chain_update(key).chain_update(serial).finalize().into())
    }
}

/// Addresses of OCSP responders, as written.
///
/// # Errors
/// The extension cannot be read.
pub(in crate::certificate) fn responders_of(tbs: &TbsCertificate) -> Result<Vec<String>, NoAnswer> {
    let access = tbs.get_extension::<AuthorityInfoAccessSyntax>();
    let access = access.map_err(|_| "authorityInfoAccess cannot be read")?;
    let described = access.into_iter().flat_map(|(_, access)| access.0);
    let ocsp = described.filter(|description| description.access_method == ID_AD_OCSP);
    Ok(ocsp.filter_map(|description| address(&description.access_location)).collect())
}

/// Addresses of complete CRLs, as written.
///
/// Distribution points of other issuers (indirect CRLs) or for some reasons only lead to CRLs that are refused anyway.
///
/// # Errors
/// The extension cannot be read.
pub(in crate::certificate) fn distribution_points_of(tbs: &TbsCertificate) -> Result<Vec<String>, NoAnswer> {
    let points = tbs.get_extension::<CrlDistributionPoints>();
    let points = points.map_err(|_| "cRLDistributionPoints cannot be read")?;
    let points = points.into_iter().flat_map(|(_, points)| points.0);
    let whole = points.filter(|point| point.crl_issuer.is_none() && point.reasons.is_none());
    let named = whole.filter_map(|point| match point.distribution_point {
        Some(DistributionPointName::FullName(names)) => Some(names),
        _ => None,
    });
    Ok(named.flat_map(|names| names.iter().filter_map(address).collect::<Vec<_>>()).collect())
}

/// The address that a general name is, if it is one.
pub(super) fn address(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::UniformResourceIdentifier(address) => Some(address.to_string()),
        _ => None,
    }
}

/// Memory of an address besides its letters, in bytes: what names it, and what the allocator takes.
const ADDRESS: usize = 48;

#[cfg(test)]
mod tests;
