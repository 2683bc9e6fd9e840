//! CRLs (RFC 5280, section 5): complete ones, of the certificate's own issuer. Indirect and delta CRLs are refused by name.

mod scope;

use std::{fmt, ops::Range, sync::Arc};

use const_oid::db::rfc5280;
use der::{
    Decode, ErrorKind, Header, Reader, SliceReader, Tag, TagNumber, Tagged,
    asn1::{AnyRef, BitString, IntRef},
};
use rustls_pki_types::{
    UnixTime,
    pem::{PemObject, SectionKind},
};
use spki::AlgorithmIdentifierOwned;
use x509_cert::{
    ext::{Extension, Extensions, pkix::crl::dp::IssuingDistributionPoint},
    name::Name,
    time::Time,
};

use self::scope::Scope;
use super::{Answer, CLOCK_SKEW, Issued, NoAnswer, Status, unix};
use crate::certificate::{
    name::{self, ComparedName},
    signature,
};

/// A well-formed CRL whose signature nobody has looked at. Cheap to clone; equal when all bytes are.
#[derive(Clone)]
pub struct UnverifiedCrl(Arc<List>);

/// A CRL that its issuer signed.
///
/// Only [`UnverifiedCrl::verify`] makes one. Cheap to clone.
#[derive(Clone)]
pub struct Crl {
    list: Arc<List>,
    /// The key that made the signature (SubjectPublicKeyInfo, DER): another authority may bear the same name.
    key: Vec<u8>,
}

/// What a CRL says. Costs its own size and eight bytes an entry.
struct List {
    der: Vec<u8>,
    signed: Range<usize>,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
    issuer: Vec<u8>,
    /// Some authorities write their name in another string type here than in their certificate.
    compared: ComparedName,
    this_update: UnixTime,
    next_update: UnixTime,
    scope: Scope,
    /// Where each entry's serial number stands in `der`, in the order of the numbers.
    entries: Vec<Serial>,
    /// Whether an entry is there to be removed from a CRL, as only those of a delta are (section 5.3.1).
    removes: bool,
}

/// The CRLs in a file: one in DER, or one or more in PEM, beside which the file may hold other things. What is read is not
/// copied: a CRL may have 64 MiB.
///
/// # Errors
/// None at all, or one that [`UnverifiedCrl::parse`] refuses; one that clears nobody.
pub fn read(file: Vec<u8>) -> Result<Vec<UnverifiedCrl>, NoAnswer> {
    let lists = if file.first() == Some(&SEQUENCE) {
        vec![UnverifiedCrl::parse(file)?]
    } else {
        <(SectionKind, Vec<u8>)>::pem_slice_iter(&file)
            .filter(|section| section.as_ref().map_or(true, |(kind, _)| *kind == SectionKind::Crl))
            .map(|section| UnverifiedCrl::parse(section.map_err(|_| "the PEM cannot be read")?.1))
            .collect::<Result<_, _>>()?
    };
    match &*lists {
        [] => Err("the file holds no CRL"),
        lists if lists.iter().any(|list| list.0.removes) => Err(REMOVES),
        _ => Ok(lists),
    }
}

/// Content octets of an entry's serial number, and how much of the entry follows them.
#[derive(Clone, Copy)]
struct Serial {
    start: u32,
    length: u8,
    rest: u16,
}

impl fmt::Debug for UnverifiedCrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnverifiedCrl({} entries)", self.0.entries.len())
    }
}

impl PartialEq for UnverifiedCrl {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for UnverifiedCrl {}

impl UnverifiedCrl {
    /// Reads a CRL in DER whole, so that nothing in it is met by surprise later.
    ///
    /// # Errors
    /// Not a CRL; no nextUpdate; a delta, an indirect CRL, or one for some reasons or attribute certificates only;
    /// a critical extension that is not known.
    pub fn parse(der: Vec<u8>) -> Result<Self, NoAnswer> {
        if der.len() > MAX_BYTES {
            return Err("the CRL is too large");
        }
        let (outer, range) = outer(&der).map_err(|why| match why.kind() {
            _ if der.starts_with(b"-----BEGIN ") => "the CRL is in PEM, and has to be in DER",
            ErrorKind::TrailingData { .. } => "something stands behind the CRL",
            _ => "not a CRL in DER",
        })?;
        let tbs = der.get(range.clone()).unwrap_or_default();
        let inner = inner(tbs, range.start)?;
        if inner.algorithm != outer.algorithm {
            return Err("the CRL names two signature algorithms");
        }
        let Inner { issuer, this_update, next_update, scope, entries: Entries { mut serials, removes }, .. } = inner;
        serials.sort_unstable_by(|a, b| a.of(&der).cmp(b.of(&der)));
        serials.shrink_to_fit();
        let Outer { algorithm, signature } = outer;
        let signed = range;
        let entries = serials;
        Ok(Self(Arc::new(List {
            der,
            signed,
            algorithm,
            signature,
            compared: ComparedName::of(&issuer),
            issuer,
            this_update,
            next_update,
            scope,
            entries,
            removes,
        })))
    }

    /// The issuer's name: whose key to verify with.
    pub fn issuer(&self) -> &ComparedName {
        &self.0.compared
    }

    /// The issuer's name as text (RFC 4514); empty where it cannot be read, and so is nobody's.
    pub fn issuer_text(&self) -> String {
        self.0.issuer_text()
    }

    /// When the next one is due. Nobody has vouched for it yet.
    pub fn next_update(&self) -> UnixTime {
        self.0.next_update
    }

    /// Verifies the signature with the key of the certificate's issuer. What that holds for is name and key, whoever asked:
    /// whether the issuer's certificate lets it sign CRLs is for [`Crl::answer`], because clients choose which one they send.
    ///
    /// # Errors
    /// Another issuer, or a wrong signature.
    pub fn verify(&self, about: &Issued) -> Result<Crl, NoAnswer> {
        let list = &self.0;
        if list.compared != *about.issuer_compared() {
            return Err("the CRL is of another issuer");
        }
        let signed = list.der.get(list.signed.clone()).unwrap_or_default();
        signature::verify(about.issuer_key(), &list.algorithm, signed, &list.signature)?;
        Ok(Crl { list: Arc::clone(list), key: about.issuer_key().to_vec() })
    }
}

impl Crl {
    /// The issuer's name as text (RFC 4514).
    pub fn issuer_text(&self) -> String {
        self.list.issuer_text()
    }

    /// When it was made.
    pub fn this_update(&self) -> UnixTime {
        self.list.this_update
    }

    /// What this CRL says of a certificate of the same issuer now.
    ///
    /// # Errors
    /// What [`Self::concerns`] refuses; a CRL that is past its nextUpdate.
    pub fn answer(&self, about: &Issued, now: UnixTime) -> Result<Answer, NoAnswer> {
        let list = &*self.list;
        self.concerns(about, now)?;
        if list.next_update < now {
            return Err("the CRL is past its nextUpdate");
        }
        let status = list.status(&about.serial)?;
        Ok(Answer { status, this_update: list.this_update, until: list.next_update })
    }

    /// Whether the certificate would be on it, revoked by the time when it was made: a list that has ended tells nothing
    /// else, but that it is newer than others.
    ///
    /// # Errors
    /// Another issuer or another key of it, or one that may not sign CRLs; a certificate outside the CRL's scope; a CRL that
    /// is not valid yet.
    pub fn concerns(&self, about: &Issued, now: UnixTime) -> Result<(), NoAnswer> {
        if self.key != about.issuer_key() || self.list.compared != *about.issuer_compared() {
            return Err("the CRL is of another issuer");
        }
        if !about.issuer.signs_crls {
            return Err("the issuer's key may not sign CRLs");
        }
        self.list.scope.hold(about)?;
        self.begun(now)
    }

    /// Holds it to the time when it was made.
    ///
    /// # Errors
    /// It is not valid yet.
    pub fn begun(&self, now: UnixTime) -> Result<(), NoAnswer> {
        let begins = self.list.this_update.as_secs();
        if begins > now.as_secs().saturating_add(CLOCK_SKEW) { Err("the CRL is not valid yet") } else { Ok(()) }
    }

    /// When the next one is due.
    pub fn next_update(&self) -> UnixTime {
        self.list.next_update
    }

    /// Whether no certificate is on it.
    pub fn is_empty(&self) -> bool {
        self.list.entries.is_empty()
    }

    /// Memory that it takes, in bytes.
    pub fn weight(&self) -> usize {
        let entries = self.list.entries.capacity().saturating_mul(size_of::<Serial>());
        self.list.der.capacity().saturating_add(entries)
    }
}

impl List {
    fn issuer_text(&self) -> String {
        Name::from_der(&self.issuer).map(|issuer| name::text(&issuer)).unwrap_or_default()
    }

    /// A list that removes entries may be a delta that does not say so: it revokes, and clears nobody.
    fn status(&self, serial: &[u8]) -> Result<Status, NoAnswer> {
        let first = self.entries.partition_point(|entry| entry.of(&self.der) < serial);
        let listed = self.entries.iter().skip(first).take_while(|entry| entry.of(&self.der) == serial);
        for entry in listed {
            let end = entry.end().saturating_add(usize::from(entry.rest));
            let (since, reason) = read_rest(self.der.get(entry.end()..end).unwrap_or_default())?;
            if reason != Some(REMOVE_FROM_CRL) {
                return Ok(Status::Revoked { since, reason });
            }
        }
        if self.removes { Err(REMOVES) } else { Ok(Status::Good) }
    }
}

impl Serial {
    fn of(self, der: &[u8]) -> &[u8] {
        der.get(self.start as usize..self.end()).unwrap_or_default()
    }

    fn end(self) -> usize {
        (self.start as usize).saturating_add(usize::from(self.length))
    }
}

struct Outer {
    algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
}

/// The three parts of a CertificateList, and where the signed one stands.
fn outer(der: &[u8]) -> der::Result<(Outer, Range<usize>)> {
    let mut reader = SliceReader::new(der)?;
    let parts = reader.sequence(|parts| {
        let start = usize::try_from(parts.position())?;
        let length = parts.tlv_bytes()?.len();
        let outer = Outer { algorithm: AlgorithmIdentifierOwned::decode(parts)?, signature: BitString::decode(parts)? };
        Ok::<_, der::Error>((outer, start..start.saturating_add(length)))
    })?;
    reader.finish()?;
    Ok(parts)
}

struct Inner {
    algorithm: AlgorithmIdentifierOwned,
    issuer: Vec<u8>,
    this_update: UnixTime,
    next_update: UnixTime,
    scope: Scope,
    entries: Entries,
}

#[derive(Default)]
struct Entries {
    serials: Vec<Serial>,
    removes: bool,
}

/// The signed part, which starts at `offset` of the whole.
fn inner(tbs: &[u8], offset: usize) -> Result<Inner, NoAnswer> {
    let unreadable = |_| "the CRL cannot be read";
    let mut reader = SliceReader::new(tbs).map_err(unreadable)?;
    let header = Header::decode(&mut reader).map_err(unreadable)?;
    header.tag().assert_eq(Tag::Sequence).map_err(unreadable)?;
    let version = optional::<IntRef<'_>>(&mut reader, Tag::Integer).map_err(unreadable)?;
    if version.is_some_and(|version| version.as_bytes() != [V2]) {
        return Err("the CRL is of an unknown version");
    }
    let algorithm = AlgorithmIdentifierOwned::decode(&mut reader).map_err(unreadable)?;
    let issuer = reader.tlv_bytes().map_err(unreadable)?;
    if issuer.len() > MAX_DECODED {
        return Err("the CRL's issuer has too long a name");
    }
    let issuer = issuer.to_vec();
    let this_update = moment(&Time::decode(&mut reader).map_err(unreadable)?);
    let next_update = match reader.is_finished() {
        true => None,
        false => match Tag::peek(&reader).map_err(unreadable)? {
            Tag::UtcTime | Tag::GeneralizedTime => Some(Time::decode(&mut reader).map_err(unreadable)?),
            _ => None,
        },
    };
    let next_update = moment(&next_update.ok_or("the CRL has no nextUpdate")?);
    let entries = match optional::<AnyRef<'_>>(&mut reader, Tag::Sequence).map_err(unreadable)? {
        Some(listed) => {
            let end = usize::try_from(reader.position()).map_err(|_| "the CRL is too large")?;
            entries(listed.value(), offset.saturating_add(end).saturating_sub(listed.value().len()))?
        }
        None => Entries::default(),
    };
    let scope = if reader.is_finished() { Scope::default() } else { extensions(&mut reader)? };
    reader.finish().map_err(unreadable)?;
    Ok(Inner { algorithm, issuer, this_update, next_update, scope, entries })
}

/// The next element, if it has this tag.
fn optional<'a, T: Decode<'a, Error = der::Error>>(reader: &mut SliceReader<'a>, tag: Tag) -> der::Result<Option<T>> {
    if reader.is_finished() || Tag::peek(reader)? != tag { Ok(None) } else { T::decode(reader).map(Some) }
}

/// `crlExtensions`, which are tagged `[0]`.
fn extensions(reader: &mut SliceReader<'_>) -> Result<Scope, NoAnswer> {
    let unreadable = |_| "the CRL's extensions cannot be read";
    let tagged = AnyRef::decode(reader).map_err(unreadable)?;
    if tagged.tag() != (Tag::ContextSpecific { constructed: true, number: TagNumber(0) }) {
        return Err("the CRL's extensions cannot be read");
    }
    if tagged.value().len() > MAX_DECODED {
        return Err("the CRL's extensions are too long");
    }
    let listed = Extensions::from_der(tagged.value()).map_err(unreadable)?;
    let mut scope = None;
    for Extension { extn_id, critical, extn_value } in &listed {
        match *extn_id {
            rfc5280::ID_CE_DELTA_CRL_INDICATOR => return Err("a delta CRL"),
            rfc5280::ID_CE_ISSUING_DISTRIBUTION_POINT => {
                let point = IssuingDistributionPoint::from_der(extn_value.as_bytes()).map_err(unreadable)?;
                if scope.replace(Scope::of(&point)?).is_some() {
                    return Err("the CRL has two issuing distribution points");
                }
            }
            rfc5280::ID_CE_CRL_NUMBER | rfc5280::ID_CE_AUTHORITY_KEY_IDENTIFIER => {}
            _ if *critical => return Err("the CRL has a critical extension that is not known"),
            _ => {}
        }
    }
    Ok(scope.unwrap_or_default())
}

/// Reads every entry of `listed`, which starts at `offset` of the whole.
fn entries(listed: &[u8], offset: usize) -> Result<Entries, NoAnswer> {
    let unreadable = |_| "an entry of the CRL cannot be read";
    let mut reader = SliceReader::new(listed).map_err(unreadable)?;
    let mut serials = Vec::with_capacity(listed.len() / USUAL_ENTRY);
    let mut removes = false;
    while !reader.is_finished() {
        let header = Header::decode(&mut reader).map_err(unreadable)?;
        header.tag().assert_eq(Tag::Sequence).map_err(unreadable)?;
        let end = reader.position() + header.length();
        let end = end.and_then(usize::try_from).map_err(unreadable)?;
        let serial = reader.tlv_bytes().map_err(unreadable)?;
        // A number with needless octets would be looked for in vain: the decoder refuses it.
        IntRef::from_der(serial).map_err(unreadable)?;
        let serial = AnyRef::from_der(serial).map_err(unreadable)?.value().len();
        let after = usize::try_from(reader.position()).map_err(unreadable)?;
        let rest = listed.get(after..end).ok_or("an entry of the CRL cannot be read")?;
        let rest_length = rest.len().try_into().map_err(|_| "an entry of the CRL is too long")?;
        let (_, reason) = read_rest(rest)?;
        removes |= reason == Some(REMOVE_FROM_CRL);
        let start = offset.saturating_add(after).saturating_sub(serial);
        serials.push(Serial {
            start: start.try_into().map_err(|_| "the CRL is too large")?,
            length: serial.try_into().map_err(|_| "a serial number in the CRL is too long")?,
            rest: rest_length,
        });
        reader.read_slice(der::Length::try_from(end - after).map_err(unreadable)?).map_err(unreadable)?;
    }
    Ok(Entries { serials, removes })
}

/// Date and reason of an entry, from what follows its serial number to the entry's end. Revoked for a reason that cannot be
/// read is revoked all the same.
fn read_rest(rest: &[u8]) -> Result<(UnixTime, Option<u8>), NoAnswer> {
    let unreadable = |_| "an entry of the CRL cannot be read";
    let mut reader = SliceReader::new(rest).map_err(unreadable)?;
    let since = moment(&Time::decode(&mut reader).map_err(unreadable)?);
    let mut reason = None;
    if !reader.is_finished() {
        for Extension { extn_id, critical, extn_value } in &Extensions::decode(&mut reader).map_err(unreadable)? {
            match *extn_id {
                rfc5280::ID_CE_CRL_REASONS => reason = reason_code(extn_value.as_bytes()),
                rfc5280::ID_CE_CERTIFICATE_ISSUER => return Err("an entry of another issuer: an indirect CRL"),
                _ if *critical => return Err("an entry has a critical extension that is not known"),
                _ => {}
            }
        }
    }
    reader.finish().map_err(unreadable)?;
    Ok((since, reason))
}

/// `ENUMERATED` of one octet.
fn reason_code(value: &[u8]) -> Option<u8> {
    match value {
        [0x0a, 1, reason] => Some(*reason),
        _ => None,
    }
}

fn moment(time: &Time) -> UnixTime {
    unix(time.to_unix_duration())
}

/// A larger CRL is not read, in bytes.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Issuer's name, extensions, and the rest of an entry, in bytes: decoded they take many times their size, before anybody's
/// signature is looked at.
const MAX_DECODED: usize = 64 * 1024;
/// What DER begins with, and PEM does not.
const SEQUENCE: u8 = 0x30;
/// Bytes of a short entry, to guess how many there are.
const USUAL_ENTRY: usize = 36;
const V2: u8 = 1;
const REMOVE_FROM_CRL: u8 = 8;
const REMOVES: NoAnswer = "removeFromCRL in a CRL that is no delta";

#[cfg(test)]
mod tests;
