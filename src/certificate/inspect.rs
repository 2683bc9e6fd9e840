//! A certificate described for people, and what certbound would make of it. No request is judged here: reading tries one
//! form after another, which serving never does.

use std::{cell::Cell, net::IpAddr};

use const_oid::{
    ObjectIdentifier,
    db::{DB, rfc5912, rfc8410},
};
use rustls_pki_types::UnixTime;
use spki::SubjectPublicKeyInfoOwned;
use x509_cert::ext::pkix::{ExtendedKeyUsage, KeyUsage, SubjectAltName, name::GeneralName};

use crate::{
    certificate::{
        Decoded, PathRules, Profile, client,
        examined::{Examined, Policies, rsa_bits, untrusted},
        forwarded, name, path, profile,
        qualified::{Eidas, Qualification, Requirement},
        revocation::issued,
        signature,
        truststore::{self, Remedy, Unusable},
    },
    denial::Denial,
    thumbprint::Thumbprint,
    validity::Validity,
};

/// A certificate, and nothing that anybody else says of it: neither its issuer nor a responder has been asked.
#[derive(Clone, Debug)]
pub struct Description {
    /// `x5t#S256`.
    pub thumbprint: Thumbprint,
    /// RFC 4514, everything outside printable ASCII as `\xx`.
    pub subject: String,
    /// Written like the subject.
    pub issuer: String,
    /// Subject and issuer with names for attribute types that RFC 4514 leaves dotted.
    pub spelled: (String, String),
    /// Lower-case hex.
    pub serial: String,
    /// Both ends included.
    pub valid: Validity,
    /// The public key.
    pub key: Key,
    /// The signature's algorithm, by name or OID.
    pub signature: String,
    /// The bits that are set; none without keyUsage.
    pub key_usage: Option<Vec<&'static str>>,
    /// Purposes by name or OID; none without extKeyUsage.
    pub extended_key_usage: Option<Vec<String>>,
    /// Whether extKeyUsage holds clientAuth; none without it.
    pub client_auth: Option<bool>,
    /// Subject alternative names, each with its kind in front. Unescaped: the issuer decided what stands in them.
    pub alternative_names: Vec<String>,
    /// As written. Unescaped.
    pub organization_identifier: Option<String>,
    /// What the qcStatements say. Unescaped.
    pub qualification: Qualification,
    /// Other statements than those, by OID.
    pub other_statements: Vec<ObjectIdentifier>,
    /// Addresses of OCSP responders, unescaped; none where they cannot be read.
    pub ocsp: Option<Vec<String>>,
    /// Addresses of complete CRLs, unescaped; none where they cannot be read.
    pub crl: Option<Vec<String>>,
    /// Which of the certificates that were described together signed it, counted from 0; a root is its own.
    pub issued_by: Option<usize>,
    /// The refusals that a client showing it would meet whatever the truststore holds, in the order of the checks.
    pub as_client: Vec<Denial>,
    /// The same for a path that ends in it; none for a certificate that is no authority's.
    pub as_anchor: Option<Vec<Denial>>,
}

/// A public key. Whether certbound accepts its kind is not said here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Key {
    /// `RSA`, `EC`, `Ed25519`, or an OID.
    pub kind: String,
    /// The modulus, or the order of the curve; none where it is not known.
    pub bits: Option<usize>,
}

/// Every certificate in `input`: PEM (other blocks are passed over), DER, or a header value of any profile, the chain
/// headers' included. A copy of the leaf at the head of its chain is dropped.
///
/// # Errors
/// Why it is none of these; more than 1 MiB, or more than 500 certificates.
pub fn read(input: &[u8]) -> Result<Vec<Vec<u8>>, Unusable> {
    if input.len() as u64 > MAX_BYTES {
        return Err(unusable("is larger than 1 MiB"));
    }
    let value = input.trim_ascii();
    let mut found = match (input.first(), value) {
        (_, []) => return Err(unusable("is empty")),
        // No header value begins so: base64 of DER begins with M.
        (Some(&SEQUENCE), _) => profile::der::sequences(input).map_err(|denial| refused(&denial))?,
        _ if value.contains(&b'\n') => {
            let found = truststore::certificates(value, None)?;
            found.into_iter().map(|der| der.to_vec()).collect()
        }
        _ => header_value(value)?,
    };
    if found.first().is_some_and(|leaf| found.get(1) == Some(leaf)) {
        found.remove(0);
    }
    if found.len() > MOST { Err(unusable("holds more than 500 certificates")) } else { Ok(found) }
}

/// Describes each; an error for one that is not in strict DER or that certbound's own parser refuses. Who issued them is left
/// open where finding out takes too many signatures: whoever wrote the file chose names and keys.
pub fn describe(certificates: &[Vec<u8>], rules: &PathRules, now: UnixTime) -> Vec<Result<Description, Denial>> {
    let examined: Vec<_> = certificates.iter().map(|der| examine(der)).collect();
    let left = Cell::new(MOST_SIGNATURES);
    let issued = |issuer: &Examined, below: &Examined| {
        let is_asked = below.names(issuer) && left.get() > 0;
        left.set(left.get().saturating_sub(usize::from(is_asked)));
        is_asked && below.is_issued_by(issuer)
    };
    let described = |(place, (der, this)): (usize, (&Vec<u8>, &Result<Examined, Denial>))| {
        let this = this.as_ref().map_err(Denial::clone)?;
        // A root above all others is found before anyone else of its name.
        let own = std::iter::once((place, this)).filter(|_| this.is_self_issued());
        let others = examined.iter().enumerate().filter_map(|(place, other)| Some((place, other.as_ref().ok()?)));
        let issued_by = own.chain(others).find(|(_, issuer)| issued(issuer, this)).map(|(place, _)| place);
        Ok(Description { issued_by, ..Description::of(der, this, rules, now) })
    };
    certificates.iter().zip(&examined).enumerate().map(described).collect()
}

impl Description {
    fn of(der: &[u8], examined: &Examined, rules: &PathRules, now: UnixTime) -> Self {
        let tbs = examined.certificate().tbs_certificate();
        Self {
            thumbprint: Thumbprint::of(der),
            subject: name::text(tbs.subject()),
            issuer: name::text(tbs.issuer()),
            spelled: (name::spelled(tbs.subject()), name::spelled(tbs.issuer())),
            serial: client::serial(tbs),
            valid: examined.valid,
            key: Key::of(tbs.subject_public_key_info()),
            signature: named(&examined.certificate().signature_algorithm().oid),
            key_usage: examined.key_usage.as_ref().map(key_usage),
            extended_key_usage: examined.extended_key_usage.as_ref().map(purposes),
            client_auth: examined.for_client_auth(),
            alternative_names: examined.alternative_names.as_ref().map(alternative_names).unwrap_or_default(),
            organization_identifier: name::value(tbs.subject(), name::ORGANIZATION_IDENTIFIER).map(Into::into),
            qualification: examined.qualification(),
            other_statements: examined.other_statements(),
            ocsp: issued::responders_of(tbs).ok(),
            crl: issued::distribution_points_of(tbs).ok(),
            issued_by: None,
            as_client: as_client(der, examined, rules, now),
            as_anchor: examined.is_authority().then(|| refusals(examined.hold_as_anchor(rules.minimum_rsa_bits, now))),
        }
    }

    /// The refusal that it would meet where the configuration demands statements of any authority.
    pub fn under(&self, require: Requirement) -> Result<(), Denial> {
        Eidas { require, authorities: Vec::new() }.admit(&self.qualification).map(|_| ())
    }
}

impl Key {
    fn of(info: &SubjectPublicKeyInfoOwned) -> Self {
        let curve = || info.algorithm.parameters.as_ref()?.decode_as::<ObjectIdentifier>().ok();
        let (kind, bits) = match info.algorithm.oid {
            rfc5912::RSA_ENCRYPTION => ("RSA".into(), info.subject_public_key.as_bytes().and_then(rsa_bits)),
            rfc5912::ID_EC_PUBLIC_KEY => ("EC".into(), curve().and_then(curve_bits)),
            rfc8410::ID_ED_25519 => ("Ed25519".into(), Some(256)),
            other => (other.to_string(), None),
        };
        Self { kind, bits }
    }
}

fn curve_bits(curve: ObjectIdentifier) -> Option<usize> {
    match curve {
        rfc5912::SECP_256_R_1 => Some(256),
        rfc5912::SECP_384_R_1 => Some(384),
        rfc5912::SECP_521_R_1 => Some(521),
        _ => None,
    }
}

/// The checks of a path that need the leaf only.
fn as_client(der: &[u8], examined: &Examined, rules: &PathRules, now: UnixTime) -> Vec<Denial> {
    let mut met = refusals([
        path::readable(der),
        examined.hold_profile(),
        examined.hold_critical_extensions(Policies::OfPath),
        examined.hold_kind(),
        hold_algorithm(examined),
        examined.hold_dates(now),
        examined.hold_purpose(rules.require_client_auth),
        examined.hold_strength(rules.minimum_rsa_bits),
        examined.hold_signature(),
    ]);
    // Two of the checks may say the same, each in its words.
    met.dedup_by(|later, earlier| later.code() == earlier.code());
    met
}

fn refusals<const N: usize>(checks: [Result<(), Denial>; N]) -> Vec<Denial> {
    checks.into_iter().filter_map(Result::err).collect()
}

/// Whether the issuer signed it in a way that is accepted; whether the signature is right is not known without the issuer.
fn hold_algorithm(examined: &Examined) -> Result<(), Denial> {
    match signature::is_accepted(examined.certificate().signature_algorithm()) || examined.hold_signature().is_err() {
        true => Ok(()),
        false => Err(untrusted("the signature's algorithm is not accepted")),
    }
}

fn examine(der: &[u8]) -> Result<Examined, Denial> {
    Examined::of(Decoded::strict(der.to_vec())?).map_err(|why| Denial::CertificateMalformed { why })
}

/// The first profile that reads it: those that can read one value read the same certificates in it.
fn header_value(value: &[u8]) -> Result<Vec<Vec<u8>>, Unusable> {
    if forwarded::present(value).is_none() {
        return Err(unusable("is what a load balancer writes where the client showed no certificate"));
    }
    let fitting = Profile::ALL.into_iter().find_map(|profile| profile.read(value).ok());
    match fitting {
        Some(found) => Ok(found),
        None => likely(value).read(value).map_err(|denial| refused(&denial)),
    }
}

/// Whose complaint about a value that no profile reads says most.
fn likely(value: &[u8]) -> Profile {
    match value.first() {
        Some(b'-') => Profile::Wso2,
        Some(b':') => Profile::Rfc9440,
        _ if value.contains(&b'"') || value.contains(&b';') => Profile::Envoy,
        _ if value.contains(&b'%') => Profile::Nginx,
        _ => Profile::Haproxy,
    }
}

fn key_usage(usage: &KeyUsage) -> Vec<&'static str> {
    let bits = [
        ("digitalSignature", usage.digital_signature()),
        ("nonRepudiation", usage.non_repudiation()),
        ("keyEncipherment", usage.key_encipherment()),
        ("dataEncipherment", usage.data_encipherment()),
        ("keyAgreement", usage.key_agreement()),
        ("keyCertSign", usage.key_cert_sign()),
        ("cRLSign", usage.crl_sign()),
        ("encipherOnly", usage.encipher_only()),
        ("decipherOnly", usage.decipher_only()),
    ];
    bits.into_iter().filter(|(_, set)| *set).map(|(name, _)| name).collect()
}

fn purposes(usage: &ExtendedKeyUsage) -> Vec<String> {
    let name = |oid| {
        let name = named(oid);
        name.strip_prefix("id-kp-").map(str::to_owned).unwrap_or(name)
    };
    usage.0.iter().map(name).collect()
}

fn alternative_names(names: &SubjectAltName) -> Vec<String> {
    names.0.iter().map(alternative_name).collect()
}

fn alternative_name(name: &GeneralName) -> String {
    match name {
        GeneralName::DnsName(name) => format!("DNS:{name}"),
        GeneralName::Rfc822Name(address) => format!("email:{address}"),
        GeneralName::UniformResourceIdentifier(address) => format!("URI:{address}"),
        GeneralName::DirectoryName(name) => format!("DN:{}", name::text(name)),
        GeneralName::RegisteredId(oid) => format!("OID:{oid}"),
        GeneralName::IpAddress(octets) => match ip(octets.as_bytes()) {
            Some(address) => format!("IP:{address}"),
            None => "IP of another length".into(),
        },
        GeneralName::OtherName(other) => format!("other:{}", other.type_id),
        GeneralName::EdiPartyName(_) => "EDI party name".into(),
    }
}

fn ip(octets: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok()
}

/// The name of the standard, or the OID.
fn named(oid: &ObjectIdentifier) -> String {
    DB.by_oid(oid).map_or_else(|| oid.to_string(), str::to_owned)
}

fn refused(denial: &Denial) -> Unusable {
    let why = denial.detail().unwrap_or(denial.row().title.into());
    unusable(&format!("is neither PEM, nor DER, nor a header value of any profile: {why}"))
}

fn unusable(what: &str) -> Unusable {
    Unusable { what: what.to_owned(), remedy: Remedy::Another }
}

/// Size of what is read, at most.
const MAX_BYTES: u64 = 1024 * 1024;
/// Each is compared with every other.
const MOST: usize = 500;
/// Two for each, so that all issuers are found where no two bear one name. A second, with the largest keys.
const MOST_SIGNATURES: usize = 1_000;
const SEQUENCE: u8 = 0x30;

#[cfg(test)]
mod tests;
