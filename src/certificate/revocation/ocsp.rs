//! OCSP (RFC 6960): one question about one certificate, and whether an answer holds.

use const_oid::{
    ObjectIdentifier,
    db::{
        rfc5280::ID_KP_CLIENT_AUTH,
        rfc5912::{ID_SHA_1, ID_SHA_256},
        rfc6960::{ID_PKIX_OCSP_BASIC, ID_PKIX_OCSP_NONCE},
    },
};
use der::{
    Any, Choice, Decode, Encode, Enumerated, Sequence, Tag, Tagged,
    asn1::{AnyRef, BitString, GeneralizedTime, Int, Null, OctetString},
};
use ring::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use webpki::{EndEntityCert, KeyUsage};
use x509_cert::{
    Certificate,
    ext::{Extension, pkix},
};

use super::{Answer, CLOCK_SKEW, Issued, NoAnswer, Status, at, unix};
use crate::certificate::signature;

/// The hash in a CertID. It names a certificate and proves nothing, so SHA-1 serves where responders know no other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CertIdHash {
    /// Known to every responder.
    Sha1,
    /// Known to some.
    Sha256,
}

/// What an OCSP answer came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Response {
    /// The responder knows.
    Known(Answer),
    /// The responder knows nothing of the certificate: for the next method to decide.
    Unknown,
    /// The responder reports this error, which nobody signs: it may take the question in another form.
    Refused(&'static str),
}

/// The DER of an OCSPRequest, to be sent by POST. Some responders refuse any nonce, or one of this length.
///
/// # Errors
/// An issuer's key that cannot be read.
pub fn request(about: &Issued, hash: CertIdHash, nonce: Option<&[u8; 32]>) -> Result<Vec<u8>, NoAnswer> {
    let extension = |nonce: &[u8; 32]| {
        let extn_value = OctetString::new(OctetString::new(nonce.as_slice())?.to_der()?)?;
        Ok::<_, der::Error>(vec![Extension { extn_id: ID_PKIX_OCSP_NONCE, critical: false, extn_value }])
    };
    let written = || {
        let request = Request { cert_id: CertId::of(about, hash)? };
        let tbs = TbsRequest { requests: vec![request], extensions: nonce.map(extension).transpose()? };
        OcspRequest { tbs }.to_der()
    };
    written().map_err(|_| "the issuer's key cannot be read")
}

/// Verifies an answer to [`request`], over the bytes received.
///
/// Signed by the issuer, or by a delegate whose certificate the issuer signed for OCSP signing and that is in date; for
/// this certificate, named by either hash; current; with our nonce, if with any, and with none where none was sent.
/// Whether the delegate itself is revoked is not asked (RFC 6960, section 4.2.2.2.1 leaves that to the client).
///
/// # Errors
/// Everything else is no answer.
pub fn verify(response: &[u8], about: &Issued, nonce: Option<&[u8; 32]>, now: UnixTime) -> Result<Response, NoAnswer> {
    if response.len() > MAX_BYTES {
        return Err("the answer is too large");
    }
    let outer = OcspResponse::from_der(response).map_err(|_| "the answer is not an OCSP response")?;
    if let Some(error) = outer.status.error() {
        return Ok(Response::Refused(error));
    }
    let bytes =
        outer.bytes.filter(|bytes| bytes.kind == ID_PKIX_OCSP_BASIC).ok_or("the answer is not a basic response")?;
    let basic = BasicResponse::from_der(bytes.response.as_bytes()).map_err(|_| "the basic response cannot be read")?;
    // The decoder takes DER only, so the same bytes come out that went in.
    let signed = basic.data.to_der().map_err(|_| "the basic response cannot be read")?;
    let data = ResponseData::from_der(&signed).map_err(|_| "the response data cannot be read")?;
    hold_signer(&basic, &data, &signed, about, now)?;
    hold_nonce(data.extensions.as_deref(), nonce)?;
    hold_extensions(data.extensions.as_deref(), &[ID_PKIX_OCSP_NONCE])?;
    if seconds(&data.produced_at) > now.as_secs().saturating_add(CLOCK_SKEW) {
        return Err("the answer is from the future");
    }
    let ours = data.responses.iter().filter(|single| single.cert_id.names(about));
    ours.map(|single| single.answer(now)).reduce(worse).unwrap_or(Err("the answer is about another certificate"))
}

/// Of two statements about one certificate, as responders make them that name it by either hash: revoked by one is revoked,
/// and it is good only where both hold and say so.
fn worse(one: Result<Response, NoAnswer>, other: Result<Response, NoAnswer>) -> Result<Response, NoAnswer> {
    let is_revoked = |said: &Result<_, _>| match said {
        Ok(Response::Known(answer)) => answer.status != Status::Good,
        _ => false,
    };
    match (one, other) {
        (Ok(Response::Known(one)), Ok(Response::Known(other))) => {
            let until = one.until.min(other.until);
            // Only what is newer brings a revoked certificate back, so the latest of its revocations counts.
            let revoking = [other, one].into_iter().filter(|said| said.status != Status::Good);
            Ok(Response::Known(match revoking.max_by_key(|said| said.this_update) {
                Some(revoking) => Answer { until, ..revoking },
                None => Answer { this_update: one.this_update.min(other.this_update), until, ..one },
            }))
        }
        (one, _) if is_revoked(&one) => one,
        (_, other) if is_revoked(&other) => other,
        (Err(why), _) | (_, Err(why)) => Err(why),
        _ => Ok(Response::Unknown),
    }
}

impl SingleResponse {
    fn answer(&self, now: UnixTime) -> Result<Response, NoAnswer> {
        hold_extensions(self.extensions.as_deref(), &[])?;
        let this_update = seconds(&self.this_update);
        if this_update > now.as_secs().saturating_add(CLOCK_SKEW) {
            return Err("the answer is not valid yet");
        }
        let (until, stale) = match &self.next_update {
            Some(next) => (seconds(next), "the answer is stale"),
            // Newer information is always available then (section 2.4): a recorded answer must not serve for long.
            None => (
                this_update.saturating_add(WITHOUT_NEXT_UPDATE),
                "the answer has no nextUpdate, and is over an hour old",
            ),
        };
        if until < now.as_secs() || until < this_update {
            return Err(stale);
        }
        let status = match &self.status {
            CertStatus::Unknown(_) => return Ok(Response::Unknown),
            CertStatus::Good(_) => Status::Good,
            CertStatus::Revoked(revoked) => Status::Revoked {
                since: unix(revoked.time.to_unix_duration()),
                reason: revoked.reason.as_ref().and_then(reason_code),
            },
        };
        Ok(Response::Known(Answer { status, this_update: at(this_update), until: at(until) }))
    }
}

/// An `ENUMERATED` of one octet. Revoked for a reason that cannot be read is revoked all the same.
fn reason_code(reason: &Any) -> Option<u8> {
    match reason.value() {
        [code] if reason.tag() == Tag::Enumerated => Some(*code),
        _ => None,
    }
}

/// The signer is who the answer says, and may sign it.
fn hold_signer(
    basic: &BasicResponse<'_>,
    data: &ResponseData<'_>,
    signed: &[u8],
    about: &Issued,
    now: UnixTime,
) -> Result<(), NoAnswer> {
    let mut why = "the signer is neither the issuer nor a delegate that came along";
    if data.responder.is(about.issuer_name(), about.issuer_key()) {
        match signature::verify(about.issuer_key(), &basic.algorithm, signed, &basic.signature) {
            Ok(()) => return Ok(()),
            // A delegate may bear the issuer's name.
            Err(wrong) => why = wrong,
        }
    }
    for delegate in basic.certificates.iter().flatten().take(MAX_CERTIFICATES) {
        // Several may bear the name that the answer gives: an old certificate of the delegate and its successor.
        match hold_delegate(delegate, data, about, now) {
            Ok(Some(key)) => match signature::verify(&key, &basic.algorithm, signed, &basic.signature) {
                Ok(()) => return Ok(()),
                Err(wrong) => why = wrong,
            },
            Ok(None) => {}
            Err(wrong) => why = wrong,
        }
    }
    Err(why)
}

/// The key of a delegate's certificate, if it is the one that the answer names: none if not, or if it is the issuer's own.
///
/// # Errors
/// It is named, but may not answer for the issuer.
fn hold_delegate(
    delegate: &AnyRef<'_>,
    data: &ResponseData<'_>,
    about: &Issued,
    now: UnixTime,
) -> Result<Option<Vec<u8>>, NoAnswer> {
    let der = delegate.to_der().map_err(|_| "the delegate's certificate cannot be read")?;
    let parsed = Certificate::from_der(&der).map_err(|_| "the delegate's certificate cannot be read")?;
    let tbs = parsed.tbs_certificate();
    let name = tbs.subject().to_der().map_err(|_| "the delegate's name cannot be read")?;
    let key = tbs.subject_public_key_info().to_der().map_err(|_| "the delegate's key cannot be read")?;
    if !data.responder.is(&name, &key) || key == about.issuer_key() {
        return Ok(None);
    }
    hold_delegation(&der, &parsed, about, now)?;
    Ok(Some(key))
}

/// The delegate's certificate: by the issuer's own key, in date, with EKU OCSPSigning (section 4.2.2.2), and without clientAuth:
/// a client whose authority took both from its request would vouch for itself.
fn hold_delegation(der: &[u8], parsed: &Certificate, about: &Issued, now: UnixTime) -> Result<(), NoAnswer> {
    let content = |der: &[u8]| AnyRef::from_der(der).map(|any| any.value().to_vec());
    let (Ok(subject), Ok(key)) = (content(about.issuer_name()), content(about.issuer_key())) else {
        return Err("the issuer cannot be read");
    };
    let issuer = TrustAnchor {
        subject: subject.as_slice().into(),
        subject_public_key_info: key.as_slice().into(),
        name_constraints: None,
    };
    let der = CertificateDer::from(der);
    let entity = EndEntityCert::try_from(&der).map_err(|_| "the delegate's certificate cannot be read")?;
    entity
        .verify_for_usage(signature::ALGORITHMS, &[issuer], &[], now, KeyUsage::required(OCSP_SIGNING), None, None)
        .map_err(|why| if why == webpki::Error::CaUsedAsEndEntity { AN_AUTHORITY } else { NOT_MADE })?;
    match parsed.tbs_certificate().get_extension::<pkix::ExtendedKeyUsage>() {
        Ok(Some((_, purposes))) if purposes.0.contains(&ID_KP_CLIENT_AUTH) => return Err("the delegate is a client"),
        Ok(_) => {}
        Err(_) => return Err("the delegate's extendedKeyUsage cannot be read"),
    }
    match parsed.tbs_certificate().get_extension::<pkix::KeyUsage>() {
        // Section 4.2.1.12 of RFC 5280 has either bit.
        Ok(Some((_, usage))) if !usage.digital_signature() && !usage.non_repudiation() => {
            Err("the delegate's key may not sign")
        }
        Ok(_) => Ok(()),
        Err(_) => Err("the delegate's keyUsage cannot be read"),
    }
}

const AN_AUTHORITY: NoAnswer = "the delegate's certificate is an authority's";
const NOT_MADE: NoAnswer = "the delegate was not made one by the issuer, or is out of date";

/// Our nonce, if there is one.
fn hold_nonce(extensions: Option<&[Extension]>, sent: Option<&[u8; 32]>) -> Result<(), NoAnswer> {
    for extension in extensions.unwrap_or_default().iter().filter(|extension| extension.extn_id == ID_PKIX_OCSP_NONCE) {
        let echoed = OctetString::from_der(extension.extn_value.as_bytes());
        if !echoed.is_ok_and(|echoed| sent.is_some_and(|sent| echoed.as_bytes() == sent)) {
            return Err("the nonce is another one: a replay");
        }
    }
    Ok(())
}

/// No critical extension but those that are known.
fn hold_extensions(extensions: Option<&[Extension]>, known: &[ObjectIdentifier]) -> Result<(), NoAnswer> {
    let mut critical = extensions.unwrap_or_default().iter().filter(|extension| extension.critical);
    match critical.all(|extension| known.contains(&extension.extn_id)) {
        true => Ok(()),
        false => Err("the answer has a critical extension that is not known"),
    }
}

impl CertId {
    fn of(about: &Issued, hash: CertIdHash) -> der::Result<Self> {
        let (oid, algorithm) = match hash {
            CertIdHash::Sha1 => (ID_SHA_1, &SHA1_FOR_LEGACY_USE_ONLY),
            CertIdHash::Sha256 => (ID_SHA_256, &SHA256),
        };
        let digest = |bytes: &[u8]| OctetString::new(digest::digest(algorithm, bytes).as_ref());
        Ok(Self {
            algorithm: AlgorithmIdentifierOwned { oid, parameters: Some(Any::null()) },
            issuer_name_hash: digest(about.issuer_name())?,
            issuer_key_hash: digest(&key_bits(about.issuer_key())?)?,
            serial: Int::new(&about.serial)?,
        })
    }

    /// Whether this names the certificate, by either hash.
    fn names(&self, about: &Issued) -> bool {
        // First what costs nothing: an answer may speak of hundreds of certificates.
        if self.serial.as_bytes() != about.serial {
            return false;
        }
        let hash = match self.algorithm.oid {
            ID_SHA_1 => CertIdHash::Sha1,
            ID_SHA_256 => CertIdHash::Sha256,
            _ => return false,
        };
        Self::of(about, hash).is_ok_and(|ours| {
            ours.issuer_name_hash == self.issuer_name_hash
                && ours.issuer_key_hash == self.issuer_key_hash
                && ours.serial == self.serial
        })
    }
}

impl ResponderId<'_> {
    /// Whether this is who has the name (DER) and the key (SubjectPublicKeyInfo, DER).
    fn is(&self, name: &[u8], key: &[u8]) -> bool {
        match self {
            Self::ByName(named) => named.to_der().is_ok_and(|named| named == name),
            Self::ByKey(hash) => key_bits(key)
                .is_ok_and(|bits| digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, &bits).as_ref() == hash.as_bytes()),
        }
    }
}

/// The key itself, as it is hashed: the BIT STRING's bytes without tag, length, and count of unused bits.
fn key_bits(key_info: &[u8]) -> der::Result<Vec<u8>> {
    Ok(SubjectPublicKeyInfoOwned::from_der(key_info)?.subject_public_key.raw_bytes().to_vec())
}

fn seconds(time: &GeneralizedTime) -> u64 {
    time.to_unix_duration().as_secs()
}

#[derive(Sequence)]
struct OcspRequest {
    tbs: TbsRequest,
}

#[derive(Sequence)]
struct TbsRequest {
    requests: Vec<Request>,
    #[asn1(context_specific = "2", optional = "true", tag_mode = "EXPLICIT")]
    extensions: Option<Vec<Extension>>,
}

#[derive(Sequence)]
struct Request {
    cert_id: CertId,
}

#[derive(Sequence)]
struct OcspResponse {
    status: ResponseStatus,
    #[asn1(context_specific = "0", optional = "true", tag_mode = "EXPLICIT")]
    bytes: Option<ResponseBytes>,
}

#[derive(Clone, Copy, Enumerated, Eq, PartialEq)]
#[asn1(type = "ENUMERATED")]
#[repr(u8)]
enum ResponseStatus {
    Successful = 0,
    MalformedRequest = 1,
    InternalError = 2,
    TryLater = 3,
    SigRequired = 5,
    Unauthorized = 6,
}

impl ResponseStatus {
    /// As RFC 6960 names it; none where there is an answer.
    fn error(self) -> Option<&'static str> {
        Some(match self {
            Self::Successful => return None,
            Self::MalformedRequest => "malformedRequest",
            Self::InternalError => INTERNAL_ERROR,
            Self::TryLater => TRY_LATER,
            Self::SigRequired => "sigRequired",
            Self::Unauthorized => "unauthorized",
        })
    }
}

#[derive(Sequence)]
struct ResponseBytes {
    kind: ObjectIdentifier,
    response: OctetString,
}

#[derive(Sequence)]
struct BasicResponse<'a> {
    data: AnyRef<'a>,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
    #[asn1(context_specific = "0", optional = "true", tag_mode = "EXPLICIT")]
    certificates: Option<Vec<AnyRef<'a>>>,
}

#[derive(Sequence)]
struct ResponseData<'a> {
    #[asn1(context_specific = "0", default = "Default::default", tag_mode = "EXPLICIT")]
    version: Version,
    responder: ResponderId<'a>,
    produced_at: GeneralizedTime,
    responses: Vec<SingleResponse>,
    #[asn1(context_specific = "1", optional = "true", tag_mode = "EXPLICIT")]
    extensions: Option<Vec<Extension>>,
}

#[derive(Clone, Copy, Debug, Default, Enumerated, Eq, Ord, PartialEq, PartialOrd)]
#[asn1(type = "INTEGER")]
#[repr(u8)]
enum Version {
    #[default]
    V1 = 0,
}

#[derive(Choice)]
enum ResponderId<'a> {
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", constructed = "true")]
    ByName(AnyRef<'a>),
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", constructed = "true")]
    ByKey(OctetString),
}

#[derive(Sequence)]
struct SingleResponse {
    cert_id: CertId,
    status: CertStatus,
    this_update: GeneralizedTime,
    #[asn1(context_specific = "0", optional = "true", tag_mode = "EXPLICIT")]
    next_update: Option<GeneralizedTime>,
    #[asn1(context_specific = "1", optional = "true", tag_mode = "EXPLICIT")]
    extensions: Option<Vec<Extension>>,
}

#[derive(Sequence)]
struct CertId {
    algorithm: AlgorithmIdentifierOwned,
    issuer_name_hash: OctetString,
    issuer_key_hash: OctetString,
    serial: Int,
}

#[derive(Choice)]
enum CertStatus {
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    Good(Null),
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true")]
    Revoked(RevokedInfo),
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT")]
    Unknown(Null),
}

#[derive(Sequence)]
struct RevokedInfo {
    time: GeneralizedTime,
    #[asn1(context_specific = "0", optional = "true", tag_mode = "EXPLICIT")]
    reason: Option<Any>,
}

/// A larger answer is not read, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// What a responder reports that is in trouble.
pub const INTERNAL_ERROR: &str = "internalError";
/// What a responder reports that has too much to do, whatever it was asked.
pub const TRY_LATER: &str = "tryLater";
/// Certificates in an answer that are looked at.
const MAX_CERTIFICATES: usize = 4;
/// How long an answer without nextUpdate is believed, in seconds after its thisUpdate.
const WITHOUT_NEXT_UPDATE: u64 = 3600;

/// The content of the OID `id-kp-OCSPSigning`.
const OCSP_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 9];

#[cfg(test)]
mod tests;
