//! One certificate looked at for what rustls-webpki leaves out. Nothing here says that anybody signed it.

use std::collections::BTreeSet;

use const_oid::{
    AssociatedOid, ObjectIdentifier,
    db::{rfc5280, rfc5912, rfc8410},
};
use der::{Decode, Encode, Tag, Tagged, asn1::UintRef};
use rustls_pki_types::UnixTime;
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::{
    Certificate, Version,
    ext::Extension,
    ext::pkix::{
        AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage,
        NameConstraints, SubjectAltName, SubjectKeyIdentifier,
    },
    name::Name,
};

use super::{
    decoded::Decoded,
    qualified::{self, QC_STATEMENTS, Qualification},
    signature,
};
use crate::{denial::Denial, validity::Validity};

/// A certificate and its extensions of interest.
#[derive(Clone, Debug)]
pub(super) struct Examined {
    pub(super) decoded: Decoded,
    pub(super) basic_constraints: Option<BasicConstraints>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) extended_key_usage: Option<ExtendedKeyUsage>,
    pub(super) name_constraints: Option<NameConstraints>,
    pub(super) alternative_names: Option<SubjectAltName>,
    /// None: of a kind that is not accepted.
    key: Option<Key>,
    pub(super) valid: Validity,
}

impl Examined {
    /// A certificate whose two statements of the signature algorithm agree (RFC 5280, section 4.1.1.2).
    ///
    /// # Errors
    /// Why it is malformed.
    pub(super) fn of(decoded: Decoded) -> Result<Self, &'static str> {
        let certificate = decoded.certificate();
        let tbs = certificate.tbs_certificate();
        if certificate.signature_algorithm() != tbs.signature() {
            return Err("inner and outer signature algorithm differ");
        }
        // Which of two would another reader take (RFC 5280, section 4.2)?
        let mut seen = BTreeSet::new();
        if !tbs.extensions().into_iter().flatten().all(|extension| seen.insert(extension.extn_id)) {
            return Err("an extension is there twice");
        }
        // Nothing is decided by them, but what others refuse to read is not believed here either.
        extension::<AuthorityKeyIdentifier>(certificate)?;
        extension::<SubjectKeyIdentifier>(certificate)?;
        if ![tbs.issuer(), tbs.subject()].into_iter().all(is_text) {
            return Err("a name has a UTF8String that is not UTF-8");
        }
        Ok(Self {
            basic_constraints: extension(certificate)?,
            key_usage: extension(certificate)?,
            extended_key_usage: extension(certificate)?,
            name_constraints: extension(certificate)?,
            alternative_names: extension(certificate)?,
            key: Key::of(tbs.subject_public_key_info()),
            valid: Validity::of(certificate),
            decoded,
        })
    }

    /// Its parts.
    pub(super) fn certificate(&self) -> &Certificate {
        self.decoded.certificate()
    }

    /// What its qcStatements say.
    pub(super) fn qualification(&self) -> Qualification {
        self.statements().map_or(Qualification::Absent, Qualification::read)
    }

    /// Statements of qcStatements that certbound reads over.
    pub(super) fn other_statements(&self) -> Vec<ObjectIdentifier> {
        self.statements().map(qualified::others).unwrap_or_default()
    }

    /// Whether `issuer` signed this: name for name, byte by byte, and by signature.
    pub(super) fn is_issued_by(&self, issuer: &Self) -> bool {
        let tbs = self.certificate().tbs_certificate();
        let verified = || {
            let signed = tbs.to_der().ok()?;
            let key = issuer.certificate().tbs_certificate().subject_public_key_info().to_der().ok()?;
            signature::verify(&key, tbs.signature(), &signed, self.certificate().signature()).ok()
        };
        self.names(issuer) && verified().is_some()
    }

    /// Whether it says that `issuer` signed it.
    pub(super) fn names(&self, issuer: &Self) -> bool {
        self.certificate().tbs_certificate().issuer() == issuer.certificate().tbs_certificate().subject()
    }

    /// Whether it says of itself that it is an authority: cA, and keyCertSign where keyUsage is present.
    pub(super) fn is_authority(&self) -> bool {
        self.basic_constraints.as_ref().is_some_and(|constraints| constraints.ca)
            && self.key_usage.as_ref().is_none_or(KeyUsage::key_cert_sign)
            && self.certificate().tbs_certificate().version() == Version::V3
    }

    /// What holds for every certificate of a path: a key of a known kind, and no policy processing asked for.
    ///
    /// Policies are not evaluated, so a certificate that constrains them cannot be obeyed (RFC 5280, sections 4.2.1.11
    /// and 4.2.1.14).
    pub(super) fn hold_kind(&self) -> Result<(), Denial> {
        if self.has(rfc5280::ID_CE_POLICY_CONSTRAINTS) || self.has(rfc5280::ID_CE_INHIBIT_ANY_POLICY) {
            return Err(untrusted("a certificate of the path constrains policies, which are not evaluated"));
        }
        match self.key {
            Some(_) => Ok(()),
            None => Err(untrusted("a key of the path is of a kind that is not accepted")),
        }
    }

    /// What holds for the key of every certificate of a path.
    pub(super) fn hold_strength(&self, minimum_rsa_bits: usize) -> Result<(), Denial> {
        let weak = |why| Err(Denial::CertificateWeak { why });
        match self.key {
            Some(Key::Rsa { bits }) if bits < minimum_rsa_bits => weak("an RSA key of the path is too short"),
            // Sound generators make moduli of whole octets.
            Some(Key::Rsa { bits }) if bits % 8 != 0 => weak("an RSA key of the path has an odd length"),
            _ => Ok(()),
        }
    }

    /// What holds for the signature of every certificate of a path but the anchor: nobody verifies what a root says of
    /// itself, and old roots say it with SHA-1.
    pub(super) fn hold_signature(&self) -> Result<(), Denial> {
        match self.is_signed_weakly() {
            true => Err(Denial::CertificateWeak { why: "a signature of the path is made with SHA-1 or MD5" }),
            false => Ok(()),
        }
    }

    /// What the client's own certificate is for.
    pub(super) fn hold_purpose(&self, require_client_auth: bool) -> Result<(), Denial> {
        let wrong = |why| Err(Denial::CertificateWrongPurpose { why });
        if self.basic_constraints.as_ref().is_some_and(|constraints| constraints.ca) {
            return wrong("the certificate is an authority's");
        }
        if self.key_usage.as_ref().is_some_and(|usage| !usage.digital_signature()) {
            return wrong("keyUsage lacks digitalSignature");
        }
        if self.key_usage.as_ref().is_some_and(KeyUsage::key_cert_sign) {
            return wrong("keyUsage has keyCertSign, but the certificate is no authority's");
        }
        match self.for_client_auth() {
            Some(true) => Ok(()),
            Some(false) => wrong("extendedKeyUsage lacks clientAuth"),
            None if require_client_auth => wrong("there is no extendedKeyUsage"),
            None => Ok(()),
        }
    }

    /// What RFC 5280 demands of everyone who issues a client's certificate, and others may take differently from us: sections
    /// 4.1.2.2, 4.1.2.6, 4.2.1.10, and 4.2.2.1.
    pub(super) fn hold_profile(&self) -> Result<(), Denial> {
        let malformed = |why| Err(Denial::CertificateMalformed { why });
        let tbs = self.certificate().tbs_certificate();
        if tbs.serial_number().as_bytes().first().is_none_or(|first| first & 0x80 != 0) {
            return malformed("the serial number is negative");
        }
        let stands_in = |extension: &Extension| extension.critical && extension.extn_id == SubjectAltName::OID;
        if tbs.subject().is_empty() && !self.extensions().any(stands_in) {
            return malformed("the subject is empty, and no critical subjectAltName stands in for it");
        }
        if self.name_constraints.is_some() {
            return malformed("name constraints are for authorities");
        }
        match tbs.get_extension::<AuthorityInfoAccessSyntax>() {
            Err(_) => malformed("authorityInfoAccess cannot be read"),
            Ok(Some((_, access))) if access.0.is_empty() => malformed("authorityInfoAccess is empty"),
            Ok(_) => Ok(()),
        }
    }

    /// The leaf's own dates.
    pub(super) fn hold_dates(&self, now: UnixTime) -> Result<(), Denial> {
        let Validity { from, until } = self.valid;
        if now < from {
            return Err(Denial::CertificateNotYetValid { not_before: from.as_secs() });
        }
        if until < now {
            return Err(Denial::CertificateExpired { not_after: until.as_secs() });
        }
        Ok(())
    }

    /// What holds for an issuer in a path, `below` being the number of intermediates between it and the leaf that are not
    /// self-issued (RFC 5280, section 4.2.1.9).
    pub(super) fn hold_issuer(&self, below: usize, now: UnixTime) -> Result<(), Denial> {
        if !self.is_authority() {
            return Err(untrusted("an issuer of the path is no authority"));
        }
        let longest = self.basic_constraints.as_ref().and_then(|constraints| constraints.path_len_constraint);
        if longest.is_some_and(|longest| usize::from(longest) < below) {
            return Err(untrusted("the path is longer than an issuer allows"));
        }
        if !self.valid.holds(now) {
            return Err(ISSUER_OUT_OF_DATE);
        }
        Ok(())
    }

    /// What an issuer may issue certificates for.
    pub(super) fn hold_issuer_purpose(&self) -> Result<(), Denial> {
        match self.for_client_auth() {
            Some(false) => {
                Err(Denial::CertificateWrongPurpose { why: "an issuer's extendedKeyUsage lacks clientAuth" })
            }
            Some(true) | None => Ok(()),
        }
    }

    /// What holds for an anchor right above a leaf, each by itself, in the order in which a path answers.
    pub(super) fn hold_as_anchor(&self, minimum_rsa_bits: usize, now: UnixTime) -> [Result<(), Denial>; 5] {
        [
            self.hold_critical_extensions(Policies::OfAnchor),
            self.hold_kind(),
            self.hold_issuer(0, now),
            self.hold_issuer_purpose(),
            self.hold_strength(minimum_rsa_bits),
        ]
    }

    /// No critical extension that is not known. webpki does not look at those of an anchor.
    pub(super) fn hold_critical_extensions(&self, policies: Policies) -> Result<(), Denial> {
        let known = |id: ObjectIdentifier| {
            OBEYED.contains(&id) || (id == rfc5280::ID_CE_CERTIFICATE_POLICIES && policies == Policies::OfAnchor)
        };
        match self.extensions().any(|extension| extension.critical && !known(extension.extn_id)) {
            true => Err(untrusted("a critical extension that is not known")),
            false => Ok(()),
        }
    }

    /// Whether the certificate is signed with a hash that collides.
    fn is_signed_weakly(&self) -> bool {
        WEAK_SIGNATURES.contains(&self.certificate().signature_algorithm().oid)
            || pss_hash(self.certificate().signature_algorithm()).is_some_and(|hash| hash == rfc5912::ID_SHA_1)
    }

    /// Whether nobody here could say if a signature by its key over `below` is right, because that would be too weak.
    pub(super) fn signs_weakly(&self, below: &Self) -> bool {
        below.is_signed_weakly() || matches!(self.key, Some(Key::Rsa { bits }) if bits < LEAST_VERIFIED_BITS)
    }

    /// Whether subject and issuer are one name: such an intermediate does not count for path lengths.
    pub(super) fn is_self_issued(&self) -> bool {
        self.certificate().tbs_certificate().subject() == self.certificate().tbs_certificate().issuer()
    }

    /// Whether EKU holds clientAuth; none without EKU. anyExtendedKeyUsage does not count.
    pub(super) fn for_client_auth(&self) -> Option<bool> {
        self.extended_key_usage.as_ref().map(|usage| usage.0.contains(&rfc5280::ID_KP_CLIENT_AUTH))
    }

    /// The value of qcStatements.
    fn statements(&self) -> Option<&[u8]> {
        let found = self.extensions().find(|extension| extension.extn_id == QC_STATEMENTS);
        found.map(|extension| extension.extn_value.as_bytes())
    }

    fn has(&self, extension: ObjectIdentifier) -> bool {
        self.extensions().any(|present| present.extn_id == extension)
    }

    fn extensions(&self) -> impl Iterator<Item = &Extension> {
        self.certificate().tbs_certificate().extensions().into_iter().flatten()
    }
}

/// Whose policies: critical ones are refused below the anchor, as webpki does, because nobody evaluates them.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Policies {
    OfPath,
    OfAnchor,
}

/// An extension, if it is there.
fn extension<T>(certificate: &Certificate) -> Result<Option<T>, &'static str>
where
    T: for<'a> Decode<'a, Error = der::Error> + AssociatedOid,
{
    let found = certificate.tbs_certificate().get_extension();
    Ok(found.map_err(|_| "an extension cannot be read")?.map(|(_, extension)| extension))
}

/// Whether every UTF8String of the name is one.
fn is_text(name: &Name) -> bool {
    let mut texts = name.iter().map(|attribute| &attribute.value).filter(|value| value.tag() == Tag::Utf8String);
    texts.all(|text| std::str::from_utf8(text.value()).is_ok())
}

/// The kinds of keys that are accepted: RSA, and P-256, P-384, and Ed25519, of which no more is asked.
#[derive(Clone, Copy, Debug)]
enum Key {
    Rsa { bits: usize },
    Other,
}

impl Key {
    fn of(info: &SubjectPublicKeyInfoOwned) -> Option<Self> {
        let curve = || info.algorithm.parameters.as_ref()?.decode_as::<ObjectIdentifier>().ok();
        match info.algorithm.oid {
            rfc5912::RSA_ENCRYPTION => rsa_bits(info.subject_public_key.as_bytes()?).map(|bits| Self::Rsa { bits }),
            rfc5912::ID_EC_PUBLIC_KEY => {
                matches!(curve()?, rfc5912::SECP_256_R_1 | rfc5912::SECP_384_R_1).then_some(Self::Other)
            }
            rfc8410::ID_ED_25519 => Some(Self::Other),
            _ => None,
        }
    }
}

#[derive(der::Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

/// The length of the modulus. None for numbers with which RSA is none: an even one, or an exponent of 1.
pub(super) fn rsa_bits(key: &[u8]) -> Option<usize> {
    let RsaPublicKey { modulus, exponent } = RsaPublicKey::from_der(key).ok()?;
    let odd = |number: &UintRef<'_>| number.as_bytes().last().is_some_and(|last| last & 1 == 1);
    if !odd(&modulus) || !odd(&exponent) || exponent.as_bytes() == [1] {
        return None;
    }
    let leading = modulus.as_bytes().first()?.leading_zeros();
    modulus.as_bytes().len().checked_mul(8)?.checked_sub(leading as usize)
}

/// The hash of RSASSA-PSS parameters, SHA-1 where they leave it out (RFC 4055, section 3.1).
fn pss_hash(algorithm: &AlgorithmIdentifierOwned) -> Option<ObjectIdentifier> {
    if algorithm.oid != rfc5912::ID_RSASSA_PSS {
        return None;
    }
    let parameters = algorithm.parameters.as_ref()?.to_der().ok()?;
    Some(PssParameters::from_der(&parameters).ok()?.hash.map_or(rfc5912::ID_SHA_1, |hash| hash.oid))
}

#[derive(der::Sequence)]
struct PssParameters {
    #[asn1(context_specific = "0", optional = "true", tag_mode = "EXPLICIT")]
    hash: Option<AlgorithmIdentifierOwned>,
    #[asn1(context_specific = "1", optional = "true", tag_mode = "EXPLICIT")]
    mask: Option<AlgorithmIdentifierOwned>,
    #[asn1(context_specific = "2", optional = "true", tag_mode = "EXPLICIT")]
    salt: Option<der::Any>,
    #[asn1(context_specific = "3", optional = "true", tag_mode = "EXPLICIT")]
    trailer: Option<der::Any>,
}

/// Of an RSA key, that a signature by it can be verified: ring knows no shorter ones.
const LEAST_VERIFIED_BITS: usize = 2048;

/// The refusal for the dates of an issuer.
pub(super) const ISSUER_OUT_OF_DATE: Denial = untrusted("an issuer of the path is out of date");

pub(super) const fn untrusted(why: &'static str) -> Denial {
    Denial::CertificateUntrusted { why, issuer: None }
}

/// What is processed, and so may be critical.
const OBEYED: [ObjectIdentifier; 5] =
    [BasicConstraints::OID, KeyUsage::OID, ExtendedKeyUsage::OID, NameConstraints::OID, SubjectAltName::OID];

/// MD2, MD5, and SHA-1 with RSA; SHA-1 with RSA as OIW named it; SHA-1 with DSA and ECDSA.
const WEAK_SIGNATURES: [ObjectIdentifier; 6] = [
    rfc5912::MD_2_WITH_RSA_ENCRYPTION,
    rfc5912::MD_5_WITH_RSA_ENCRYPTION,
    rfc5912::SHA_1_WITH_RSA_ENCRYPTION,
    ObjectIdentifier::new_unwrap("1.3.14.3.2.29"),
    rfc5912::DSA_WITH_SHA_1,
    ObjectIdentifier::new_unwrap("1.2.840.10045.4.1"),
];
