//! Distinguished names as text (RFC 4514), in printable ASCII only: nothing in a certificate can end a line of a log or
//! of a header.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
};

use const_oid::{
    ObjectIdentifier,
    db::{rfc2985, rfc4519},
};
use der::{Decode, Encode, Tag, Tagged};
use x509_cert::{
    attr::AttributeTypeAndValue,
    name::{Name, RdnSequence, RelativeDistinguishedName},
};

/// The name, last RDN first. Attribute types outside RFC 4514's table are dotted, their values `#` and hex of the DER.
pub(super) fn text(name: &Name) -> String {
    written(name, &[&SHORT_NAMES])
}

/// The same for people: the types that QTSPs and directories use have names, too.
pub(super) fn spelled(name: &Name) -> String {
    written(name, &[&SHORT_NAMES, &OTHER_NAMES])
}

fn written(name: &Name, names: &[&[(ObjectIdentifier, &str)]]) -> String {
    let mut text = String::new();
    let rdns: Vec<_> = name.iter_rdn().collect();
    for (place, rdn) in rdns.into_iter().rev().enumerate() {
        text.push_str(if place == 0 { "" } else { "," });
        for (place, attribute) in rdn.iter().enumerate() {
            text.push_str(if place == 0 { "" } else { "+" });
            write(attribute, names, &mut text);
        }
    }
    text
}

/// The first value of an attribute type, as text without escapes; none if absent or not a string.
pub(super) fn value(name: &Name, kind: ObjectIdentifier) -> Option<Cow<'_, str>> {
    name.iter().find(|attribute| attribute.oid == kind).and_then(string)
}

/// The value of an attribute type that is there once; none if absent, repeated, or not a string.
pub(super) fn only(name: &Name, kind: ObjectIdentifier) -> Option<Cow<'_, str>> {
    let mut values = values(name, kind);
    values.next().flatten().filter(|_| values.next().is_none())
}

/// Every value of an attribute type; none in place of one that is not a string.
pub(super) fn values(name: &Name, kind: ObjectIdentifier) -> impl Iterator<Item = Option<Cow<'_, str>>> {
    name.iter().filter(move |attribute| attribute.oid == kind).map(string)
}

fn write(attribute: &AttributeTypeAndValue, names: &[&[(ObjectIdentifier, &str)]], text: &mut String) {
    let known = names.iter().copied().flatten().find(|(kind, _)| *kind == attribute.oid);
    // Writing to a string cannot fail.
    let _ = match known.zip(string(attribute)) {
        Some(((_, short), value)) => {
            text.push_str(short);
            text.push('=');
            write_escaped(&value, text)
        }
        None => write!(text, "{}=#{}", attribute.oid, hex::encode(attribute.value.to_der().unwrap_or_default())),
    };
}

/// RFC 4514, section 2.4; bytes outside printable ASCII as pairs of hex digits, which the section allows for any.
fn write_escaped(value: &str, text: &mut String) -> fmt::Result {
    let last = value.len().saturating_sub(1);
    for (place, byte) in value.bytes().enumerate() {
        match byte {
            // In digits, because white space at the end of a header's value is none of the value.
            b' ' if place == last => text.push_str("\\20"),
            b' ' | b'#' if place == 0 => text.extend(['\\', char::from(byte)]),
            b'"' | b'+' | b',' | b';' | b'<' | b'>' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => write!(text, "\\{byte:02X}")?,
        }
    }
    Ok(())
}

/// The characters of a string type. TeletexString is read as Latin-1, as everybody does.
pub(super) fn string(attribute: &AttributeTypeAndValue) -> Option<Cow<'_, str>> {
    let bytes = attribute.value.value();
    match attribute.value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::NumericString => {
            std::str::from_utf8(bytes).ok().map(Cow::Borrowed)
        }
        Tag::TeletexString => Some(bytes.iter().copied().map(char::from).collect()),
        Tag::BmpString => {
            let units =
                bytes.chunks_exact(2).map(|pair| pair.iter().fold(0, |unit, byte| unit << 8 | u16::from(*byte)));
            bytes
                .len()
                .is_multiple_of(2)
                .then(|| char::decode_utf16(units).collect::<Result<_, _>>().ok())?
                .map(Cow::Owned)
        }
        _ => None,
    }
}

/// A name as names are compared (RFC 5280, section 7.1): whatever string types, case, and needless spaces it is written with.
/// What is no printable ASCII has to be the same byte for byte.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ComparedName(Vec<Vec<Vec<u8>>>);

impl ComparedName {
    /// Of a name in DER; what cannot be read is like nothing but itself.
    pub(super) fn of(der: &[u8]) -> Self {
        let Ok(name) = RdnSequence::from_der(der) else { return Self(vec![vec![der.to_vec()]]) };
        let sorted = |part: &RelativeDistinguishedName| {
            let mut attributes: Vec<_> = part.iter().map(compared).collect();
            attributes.sort_unstable();
            attributes
        };
        Self(name.iter().map(sorted).collect())
    }
}

/// No OID is as long as the first octet of DER says.
fn compared(attribute: &AttributeTypeAndValue) -> Vec<u8> {
    let oid = attribute.oid.as_bytes();
    match plain(attribute) {
        Some(text) => [&[oid.len() as u8], oid, text.as_bytes()].concat(),
        None => attribute.to_der().unwrap_or_default(),
    }
}

/// The value without case and needless spaces, whatever string type it has. None for anything but printable ASCII:
/// preparation (RFC 4518) could make it equal to what looks different here.
pub(super) fn plain(attribute: &AttributeTypeAndValue) -> Option<String> {
    let text = string(attribute)?;
    let printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    printable.then(|| text.split_ascii_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase())
}

/// `organizationIdentifier` (X.520; ETSI EN 319 412-1, section 5.1.4).
pub(super) const ORGANIZATION_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.97");

/// RFC 4514, section 3.
const SHORT_NAMES: [(ObjectIdentifier, &str); 9] = [
    (rfc4519::CN, "CN"),
    (rfc4519::L, "L"),
    (rfc4519::ST, "ST"),
    (rfc4519::O, "O"),
    (rfc4519::OU, "OU"),
    (rfc4519::C, "C"),
    (rfc4519::STREET, "STREET"),
    (rfc4519::DC, "DC"),
    (rfc4519::UID, "UID"),
];

/// As they are called where they are defined, and as OpenSSL prints them.
const OTHER_NAMES: [(ObjectIdentifier, &str); 9] = [
    (ORGANIZATION_IDENTIFIER, "organizationIdentifier"),
    (rfc2985::PKCS_9_AT_EMAIL_ADDRESS, "emailAddress"),
    (rfc4519::SN, "SN"),
    (rfc4519::SERIAL_NUMBER, "serialNumber"),
    (rfc4519::BUSINESS_CATEGORY, "businessCategory"),
    (rfc4519::POSTAL_CODE, "postalCode"),
    (ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.60.2.1.1"), "jurisdictionL"),
    (ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.60.2.1.2"), "jurisdictionST"),
    (ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.60.2.1.3"), "jurisdictionC"),
];

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use std::str::FromStr;

    use super::*;

    #[track_caller]
    fn check(value: &str, expected: &str) {
        let mut text = String::new();
        write_escaped(value, &mut text).unwrap();
        assert_eq!(text, expected);
    }

    #[test]
    fn value_is_escaped_so_that_it_stays_one_value() {
        check("Alice", "Alice");
        check("ACME, Inc \"X\";=", "ACME\\, Inc \\\"X\\\"\\;=");
        check(" a b ", "\\ a b\\20");
        check(" ", "\\20");
        check("#1", "\\#1");
        check("a#b", "a#b");
        check("a\r\nX: b", "a\\0D\\0AX: b");
        check("Müller", "M\\C3\\BCller");
        check("\u{7f}", "\\7F");
    }

    #[test]
    fn name_is_written_last_rdn_first_and_reads_back() {
        // x509-cert reads RFC 4514 text, so it wrote the last RDN first, too.
        let name = Name::from_str("CN=tpp-1,OU=x+O=TPP One,C=DE").unwrap();
        assert_eq!(Name::from_str(&text(&name)).unwrap(), name);
        assert!(text(&name).starts_with("CN=tpp-1,"), "{}", text(&name));
    }

    #[test]
    fn names_are_compared_by_types_and_values_in_their_order() {
        let compared = |name: &str| ComparedName::of(&Name::from_str(name).unwrap().to_der().unwrap());
        let name = compared("CN=Issuing CA,OU=b+OU=A,C=DE");
        for same in ["CN=issuing  ca,OU=b+OU=A,C=de", "CN=Issuing CA,OU=B+OU=a,C=DE"] {
            assert_eq!(compared(same), name, "{same}");
        }
        for other in [
            "OU=Issuing CA,OU=b+OU=A,C=DE",
            "CN=Issuing CA,OU=b+O=A,C=DE",
            "CN=Issuing CA,C=DE,OU=b+OU=A",
            "CN=Issuing CA,OU=b,OU=A,C=DE",
            "CN=Issuing CB,OU=b+OU=A,C=DE",
            "CN=Issuing CA,OU=b+OU=A",
        ] {
            assert_ne!(compared(other), name, "{other}");
        }
    }

    #[test]
    fn type_outside_the_table_is_dotted_with_its_der() {
        let name = Name::from_str("2.5.4.97=#0c0141").unwrap();
        assert_eq!(text(&name), "2.5.4.97=#0c0141");
        assert_eq!(spelled(&name), "organizationIdentifier=A");
        assert_eq!(value(&name, ORGANIZATION_IDENTIFIER).as_deref(), Some("A"));
    }
}
