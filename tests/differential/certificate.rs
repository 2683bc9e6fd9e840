//! A certificate field by field, so that each can be wrong while the signature holds.

use sha2::{Digest, Sha256};

use crate::{
    keys::{Key, Keys},
    support::der::{oid, sequence, tlv},
};

/// What a certificate will say.
#[derive(Clone)]
pub(crate) struct Template {
    /// None leaves the version out, which is 1.
    pub(crate) version: Option<u8>,
    pub(crate) serial: Vec<u8>,
    /// None: the subject of the one above.
    pub(crate) issuer: Option<Vec<u8>>,
    pub(crate) subject: Vec<u8>,
    pub(crate) not_before: Vec<u8>,
    pub(crate) not_after: Vec<u8>,
    pub(crate) key: Key,
    /// None: the key of the one above.
    pub(crate) signer: Option<Key>,
    pub(crate) sha1: bool,
    /// What stands outside the signed part in place of the algorithm.
    pub(crate) outer_algorithm: Option<Vec<u8>>,
    /// issuerUniqueID or subjectUniqueID, with its tag.
    pub(crate) unique_id: Vec<u8>,
    pub(crate) authority_key: Identifier,
    pub(crate) subject_key: Identifier,
    pub(crate) extensions: Vec<Extension>,
    /// Changes the part to be signed, before it is signed.
    pub(crate) before: Option<Edit>,
    /// Changes the whole, after it was signed.
    pub(crate) after: Option<Edit>,
}

/// authorityKeyIdentifier and subjectKeyIdentifier.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Identifier {
    Right,
    Wrong,
    Absent,
}

#[derive(Clone)]
pub(crate) struct Extension {
    pub(crate) id: Vec<u8>,
    pub(crate) critical: bool,
    pub(crate) value: Vec<u8>,
}

/// A change of octets; the number chooses where.
#[derive(Clone, Copy)]
pub(crate) enum Edit {
    Flip(u64),
    Octet(u64),
    Insert(u64),
    Drop(u64),
    Cut(u64),
    Append,
    /// The length of the whole in one octet more than it needs.
    LongLength,
    Indefinite,
}

impl Template {
    /// `above`: subject and key of the issuer, where there is one.
    pub(crate) fn encode(&self, keys: &Keys, above: Option<&Self>) -> Vec<u8> {
        let signer = self.signer.unwrap_or(above.unwrap_or(self).key);
        let algorithm = Keys::algorithm(signer, self.sha1);
        let issuer = self.issuer.as_ref().unwrap_or(&above.unwrap_or(self).subject);
        let version = self.version.map(|version| tlv(0xa0, &[&tlv(2, &[&[version]])])).unwrap_or_default();
        let mut signed = sequence(&[
            &version,
            &tlv(2, &[&self.serial]),
            &algorithm,
            issuer,
            &sequence(&[&self.not_before, &self.not_after]),
            &self.subject,
            &keys.info(self.key),
            &self.unique_id,
            &self.encode_extensions(keys, above.unwrap_or(self).key),
        ]);
        if let Some(edit) = self.before {
            let reach = signed.len();
            edit.apply(&mut signed, reach);
        }
        let signature = tlv(3, &[&[0], &keys.sign(signer, self.sha1, &signed)]);
        let mut whole = sequence(&[&signed, self.outer_algorithm.as_ref().unwrap_or(&algorithm), &signature]);
        if let Some(edit) = self.after {
            // Signatures are not all of one length, and where something changes follows from the seed alone.
            edit.apply(&mut whole, signed.len() + SHORTEST_SIGNATURE);
        }
        whole
    }

    fn encode_extensions(&self, keys: &Keys, above: Key) -> Vec<u8> {
        let identifier = |which: Identifier, key: Key| match which {
            Identifier::Absent => None,
            Identifier::Right => Some(Sha256::digest(keys.info(key))[..20].to_vec()),
            Identifier::Wrong => Some(vec![7; 20]),
        };
        let mut encoded: Vec<_> = self.extensions.iter().map(Extension::encode).collect();
        if let Some(own) = identifier(self.subject_key, self.key) {
            encoded.push(Extension::new(&[0x55, 0x1d, 14], false, tlv(4, &[&own])).encode());
        }
        if let Some(other) = identifier(self.authority_key, above) {
            encoded.push(Extension::new(&[0x55, 0x1d, 35], false, sequence(&[&tlv(0x80, &[&other])])).encode());
        }
        if encoded.is_empty() { Vec::new() } else { tlv(0xa3, &[&sequence(&[&encoded.concat()])]) }
    }

    /// The extension `id-ce` with this number, if it is there.
    pub(crate) fn extension(&mut self, number: u8) -> Option<&mut Extension> {
        self.extensions.iter_mut().find(|extension| extension.id == [0x55, 0x1d, number])
    }

    pub(crate) fn without(&mut self, number: u8) {
        self.extensions.retain(|extension| extension.id != [0x55, 0x1d, number]);
    }

    /// Puts the extension `id-ce` with this number in the place of what is there.
    pub(crate) fn with(&mut self, number: u8, critical: bool, value: Vec<u8>) {
        self.without(number);
        self.extensions.push(Extension::new(&[0x55, 0x1d, number], critical, value));
    }
}

impl Extension {
    pub(crate) fn new(id: &[u8], critical: bool, value: Vec<u8>) -> Self {
        Self { id: id.to_vec(), critical, value }
    }

    fn encode(&self) -> Vec<u8> {
        let critical: &[u8] = if self.critical { &[1, 1, 0xff] } else { &[] };
        sequence(&[&oid(&self.id), critical, &tlv(4, &[&self.value])])
    }
}

impl Edit {
    fn apply(self, octets: &mut Vec<u8>, reach: usize) {
        let place = |number: u64| usize::try_from(number >> 16).unwrap() % reach;
        match self {
            Self::Flip(number) => octets[place(number)] ^= 1 << (number & 7),
            Self::Octet(number) => octets[place(number)] = number.to_le_bytes()[0],
            Self::Insert(number) => octets.insert(place(number), number.to_le_bytes()[0]),
            Self::Drop(number) => drop(octets.remove(place(number))),
            Self::Cut(number) => octets.truncate(place(number)),
            Self::Append => octets.push(0),
            Self::LongLength => {
                // Certificates here are from 256 to 65,535 octets long: 30 82 and two octets.
                octets[1] = 0x83;
                octets.insert(2, 0);
            }
            Self::Indefinite => {
                octets.splice(1..4, [0x80]);
                octets.extend([0, 0]);
            }
        }
    }
}

/// As DER, in octets.
const SHORTEST_SIGNATURE: usize = 60;

/// A name of these attributes; `kind` is the string type of each value.
pub(crate) fn name(attributes: &[(u8, u8, &str)]) -> Vec<u8> {
    let attributes: Vec<_> = attributes
        .iter()
        .map(|(attribute, kind, value)| {
            tlv(0x31, &[&sequence(&[&oid(&[0x55, 4, *attribute]), &tlv(*kind, &[value.as_bytes()])])])
        })
        .collect();
    sequence(&[&attributes.concat()])
}

/// UTCTime or GeneralizedTime, as RFC 5280, section 4.1.2.5 has it.
pub(crate) fn time(seconds: u64) -> Vec<u8> {
    let date = time::OffsetDateTime::from_unix_timestamp(seconds.try_into().unwrap()).unwrap();
    let year = date.year();
    let rest = format!(
        "{:02}{:02}{:02}{:02}{:02}Z",
        u8::from(date.month()),
        date.day(),
        date.hour(),
        date.minute(),
        date.second()
    );
    match year {
        1950..2050 => tlv(0x17, &[format!("{:02}{rest}", year % 100).as_bytes()]),
        _ => tlv(0x18, &[format!("{year:04}{rest}").as_bytes()]),
    }
}
