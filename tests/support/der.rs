//! DER, put together and taken apart octet by octet, so that no decoder is held against itself.

use rcgen::{CrlDistributionPoint, CustomExtension};

/// Tag, length, and the parts one after the other.
pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let octets: Vec<u8> = content.len().to_be_bytes().into_iter().skip_while(|octet| *octet == 0).collect();
    let length = match content.len() {
        0 => vec![0],
        1..=127 => octets,
        _ => [&[0x80 | u8::try_from(octets.len()).unwrap()][..], &octets].concat(),
    };
    [&[tag][..], &length, &content].concat()
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, parts)
}

pub(crate) fn oid(content: &[u8]) -> Vec<u8> {
    tlv(0x06, &[content])
}

/// The elements inside the first element of `der`, each with its own tag and length.
pub(crate) fn children(der: &[u8]) -> Vec<&[u8]> {
    let (content, _) = split(der);
    let mut rest = &der[content..end(der)];
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (element, others) = rest.split_at(end(rest));
        found.push(element);
        rest = others;
    }
    found
}

/// Where the content of the first element begins, and how long it is.
fn split(der: &[u8]) -> (usize, usize) {
    match der[1] {
        short @ 0..=127 => (2, usize::from(short)),
        long => {
            let octets = usize::from(long & 0x7f);
            (2 + octets, der[2..2 + octets].iter().fold(0, |length, octet| length << 8 | usize::from(*octet)))
        }
    }
}

fn end(der: &[u8]) -> usize {
    let (start, length) = split(der);
    start + length
}

/// authorityInfoAccess that names these responders.
pub(crate) fn responders_at(addresses: &[&str]) -> CustomExtension {
    let access: Vec<_> = addresses
        .iter()
        .map(|address| sequence(&[&oid(&[0x2b, 6, 1, 5, 5, 7, 0x30, 1]), &tlv(0x86, &[address.as_bytes()])]))
        .collect();
    let access: Vec<&[u8]> = access.iter().map(Vec::as_slice).collect();
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], sequence(&access))
}

/// A distribution point at this address.
pub(crate) fn list_at(address: &str) -> CrlDistributionPoint {
    CrlDistributionPoint { uris: vec![address.to_owned()] }
}
