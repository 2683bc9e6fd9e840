//! Name constraints (RFC 5280, section 4.2.1.10): which names an issuer may certify.
//!
//! rustls-webpki refuses directory names, mail addresses, and URIs under any constraint of their kind, and every
//! self-issued intermediate under any. Here they are compared as the RFC says; what cannot be compared is refused.

use std::{cell::Cell, net::IpAddr};

use const_oid::{ObjectIdentifier, db::rfc2985};
use x509_cert::{
    attr::AttributeTypeAndValue,
    ext::pkix::{NameConstraints, SubjectAltName, constraints::name::GeneralSubtree, name::GeneralName},
    name::{Name, RdnSequence, RelativeDistinguishedName},
};

use super::{examined::Examined, name};

/// Holds every name in the path to the constraints of every issuer above it.
///
/// `path` is in the order from the leaf to the anchor. A self-issued intermediate is not held to constraints (section
/// 6.1.3, b and c); the leaf always is. `budget`: of all paths of one leaf together.
///
/// # Errors
/// What is wrong, for the operator.
pub(super) fn hold(path: &[&Examined], budget: &Budget) -> Result<(), &'static str> {
    for (place, issuer) in path.iter().enumerate() {
        let Some(constraints) = &issuer.name_constraints else { continue };
        if place == 0 {
            return Err("the certificate itself has name constraints");
        }
        let subtrees = Subtrees::of(constraints)?;
        for (below, certificate) in path.iter().take(place).enumerate() {
            if below == 0 || !certificate.is_self_issued() {
                budget.spend(issuer, &subtrees, certificate)?;
                subtrees.hold(certificate)?;
            }
        }
    }
    Ok(())
}

/// How much may still be compared, in bytes: each name is held to each subtree of its kind, and a client sends names of any
/// number and length.
pub(super) struct Budget(Cell<usize>);

impl Budget {
    pub(super) fn new() -> Self {
        Self(Cell::new(MAX_COMPARED))
    }

    /// What holding `certificate` to the `subtrees` of `issuer` takes at most.
    fn spend(&self, issuer: &Examined, subtrees: &Subtrees<'_>, certificate: &Examined) -> Result<(), &'static str> {
        let length = |certificate: &Examined| certificate.decoded.der().len();
        let names = certificate.alternative_names.as_ref().map_or(0, |names| names.0.len()).saturating_add(2);
        let names_by_subtrees = length(certificate).saturating_mul(subtrees.permitted.len() + subtrees.excluded.len());
        let subtrees_by_names = length(issuer).saturating_mul(names);
        let left = self.0.get().checked_sub(names_by_subtrees.saturating_add(subtrees_by_names));
        self.0.set(left.unwrap_or_default());
        left.map(drop).ok_or("name constraints take too much to compare")
    }
}

/// One issuer's constraints.
struct Subtrees<'a> {
    permitted: Vec<&'a GeneralName>,
    excluded: Vec<&'a GeneralName>,
}

impl<'a> Subtrees<'a> {
    fn of(constraints: &'a NameConstraints) -> Result<Self, &'static str> {
        let both = [&constraints.permitted_subtrees, &constraints.excluded_subtrees];
        if both.iter().all(|side| side.as_ref().is_none_or(Vec::is_empty)) {
            return Err("empty name constraints");
        }
        let base = |subtree: &'a GeneralSubtree| match (subtree.minimum, subtree.maximum) {
            (0, None) => Ok(&subtree.base),
            _ => Err("a name constraint with a distance"),
        };
        let [permitted, excluded] = both.map(|side| side.iter().flatten().map(base).collect::<Result<_, _>>());
        Ok(Self { permitted: permitted?, excluded: excluded? })
    }

    /// The subject, every alternative name, and the mail addresses in the subject.
    fn hold(&self, certificate: &Examined) -> Result<(), &'static str> {
        let subject = certificate.certificate().tbs_certificate().subject();
        if !subject.is_empty() {
            self.admit(&GeneralName::DirectoryName(subject.clone()))?;
        }
        let names = certificate.alternative_names.as_ref().map(|SubjectAltName(names)| names.as_slice());
        for name in names.unwrap_or_default() {
            self.admit(name)?;
        }
        // RFC 5280 asks for these only beside no alternative mail address, RFC 9598, section 6, in any case.
        for address in name::values(subject, rfc2985::PKCS_9_AT_EMAIL_ADDRESS) {
            self.admit_address(&address.ok_or(UNREADABLE)?)?;
        }
        Ok(())
    }

    fn constrain_mail(&self) -> bool {
        self.permitted.iter().chain(&self.excluded).any(|base| matches!(base, GeneralName::Rfc822Name(_)))
    }

    fn admit_address(&self, address: &str) -> Result<(), &'static str> {
        let address = der::asn1::Ia5String::new(address).map_err(|_| UNREADABLE)?;
        self.admit(&GeneralName::Rfc822Name(address))
    }

    /// Inside one permitted subtree of its kind, if there is any, and outside every excluded one.
    fn admit(&self, name: &GeneralName) -> Result<(), &'static str> {
        if is_smtp_utf8_mailbox(name) && self.constrain_mail() {
            return Err("a mail address in UTF-8 that cannot be held to its constraint");
        }
        let same_kind = |base: &&&GeneralName| std::mem::discriminant(**base) == std::mem::discriminant(name);
        let mut permitted = self.permitted.iter().filter(same_kind).peekable();
        if permitted.peek().is_some() && !any(permitted.map(|base| within(name, base, Side::Permitted)))? {
            return Err(OUTSIDE);
        }
        let excluded = self.excluded.iter().filter(same_kind).map(|base| within(name, base, Side::Excluded));
        if any(excluded)? { Err(OUTSIDE) } else { Ok(()) }
    }
}

/// Constraints on mail addresses are for these too (RFC 9598, section 6).
fn is_smtp_utf8_mailbox(name: &GeneralName) -> bool {
    matches!(name, GeneralName::OtherName(other) if other.type_id == SMTP_UTF8_MAILBOX)
}

/// Looks at all of them: one that cannot be compared refuses, wherever it stands.
fn any(mut found: impl Iterator<Item = Result<bool, &'static str>>) -> Result<bool, &'static str> {
    found.try_fold(false, |before, this| Ok(before | this?))
}

/// Which way a doubt is decided: a name that may lie inside is excluded, and is not permitted.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Side {
    Permitted,
    Excluded,
}

fn within(name: &GeneralName, base: &GeneralName, side: Side) -> Result<bool, &'static str> {
    match (name, base) {
        (GeneralName::DnsName(name), GeneralName::DnsName(base)) => dns(name.as_str(), base.as_str(), side),
        (GeneralName::Rfc822Name(name), GeneralName::Rfc822Name(base)) => mail(name.as_str(), base.as_str()),
        (GeneralName::UniformResourceIdentifier(name), GeneralName::UniformResourceIdentifier(base)) => {
            uri(name.as_str(), base.as_str())
        }
        (GeneralName::DirectoryName(name), GeneralName::DirectoryName(base)) => Ok(directory(name, base, side)),
        (GeneralName::IpAddress(name), GeneralName::IpAddress(base)) => ip(name.as_bytes(), base.as_bytes()),
        _ => Err("a name of a kind that cannot be held to its constraint"),
    }
}

/// The name itself or anything to its left, label by label.
fn dns(name: &str, base: &str, side: Side) -> Result<bool, &'static str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if base.is_empty() {
        return Ok(true);
    }
    if !is_host(base) {
        return Err("a DNS constraint that is no DNS name");
    }
    let Some(wildcard) = name.strip_prefix("*.") else {
        return if is_host(name) { Ok(below(name, base)) } else { Err("a DNS name that is none") };
    };
    if !is_host(wildcard) {
        return Err("a DNS name that is none");
    }
    // `*.example.com` stands for every name one label down, some of which may be excluded.
    Ok(below(wildcard, base) || (side == Side::Excluded && below(base, wildcard)))
}

fn below(name: &str, base: &str) -> bool {
    let Some((left, right)) = name.len().checked_sub(base.len()).and_then(|at| name.split_at_checked(at)) else {
        return false;
    };
    right.eq_ignore_ascii_case(base) && (left.is_empty() || left.ends_with('.'))
}

/// A mailbox, all mailboxes of a host, or with a leading dot those of every host in a domain.
fn mail(name: &str, base: &str) -> Result<bool, &'static str> {
    let (local, host) = mailbox(name).ok_or("a mail address that is none")?;
    if base.contains('@') {
        let (base_local, base_host) = mailbox(base).ok_or("a mail constraint that is none")?;
        return Ok(local == base_local && host.eq_ignore_ascii_case(base_host));
    }
    host_within(host, base)
}

fn mailbox(address: &str) -> Option<(&str, &str)> {
    let (local, host) = address.rsplit_once('@')?;
    (!local.is_empty() && !local.contains('@') && is_whole(host)).then_some((local, host))
}

/// The host of the URI's authority. A URI without one, or with an address in its place, cannot be held.
fn uri(name: &str, base: &str) -> Result<bool, &'static str> {
    let authority = name.split_once("://").map(|(_, rest)| rest).ok_or("a URI without an authority")?;
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    if !is_host(host) || host.parse::<IpAddr>().is_ok() {
        return Err("a URI without a host name");
    }
    host_within(host, base)
}

/// A host exactly, or with a leading dot any host below.
fn host_within(host: &str, base: &str) -> Result<bool, &'static str> {
    match base.strip_prefix('.') {
        _ if base.is_empty() => Ok(true),
        // A dot too many would put every name outside of what is excluded.
        domain if !is_whole(domain.unwrap_or(base)) => Err("a constraint that is no host"),
        Some(domain) => Ok(below(host, domain) && host.len() > domain.len()),
        None => Ok(host.eq_ignore_ascii_case(base)),
    }
}

/// The constraint's RDNs are the first of the name's: byte for byte to be permitted, and to be excluded also wherever the
/// comparison of section 7.1 could find them equal.
fn directory(name: &Name, base: &Name, side: Side) -> bool {
    let (name, base): (&RdnSequence, &RdnSequence) = (name.as_ref(), base.as_ref());
    let mut pairs = base.iter().zip(name.iter());
    base.len() <= name.len()
        && pairs.all(|(base, name)| base == name || (side == Side::Excluded && may_be_equal(base, name)))
}

/// Of more attributes than anybody writes into one RDN it is not looked at which belongs to which.
fn may_be_equal(one: &RelativeDistinguishedName, other: &RelativeDistinguishedName) -> bool {
    let same = |one: &AttributeTypeAndValue, other: &AttributeTypeAndValue| {
        one.oid == other.oid && name::plain(one).zip(name::plain(other)).is_none_or(|(one, other)| one == other)
    };
    one.len() == other.len()
        && (one.len() > MAX_ATTRIBUTES || one.iter().all(|one| other.iter().any(|other| same(one, other))))
}

/// An address, and a mask behind it, whose ones come first.
fn ip(name: &[u8], base: &[u8]) -> Result<bool, &'static str> {
    if !matches!(name.len(), 4 | 16) {
        return Err("an IP address that is none");
    }
    if !matches!(base.len(), 8 | 32) {
        return Err("an IP constraint that is none");
    }
    let (address, mask) = base.split_at_checked(base.len() / 2).ok_or("an IP constraint that is none")?;
    let bits = mask.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    if !bits.is_sorted_by(|before, after| before >= after) {
        return Err("an IP constraint with a mask that is none");
    }
    let masked = name.iter().zip(address).zip(mask);
    Ok(name.len() == address.len() && masked.into_iter().all(|((name, address), mask)| name & mask == address & mask))
}

/// No empty label: none at an end, either.
fn is_whole(host: &str) -> bool {
    host.split('.').all(|label| !label.is_empty())
}

/// Letters, digits, hyphens, and underscores, in labels.
fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.len() <= 253 && name.split('.').all(label)
}

/// More than any certificate that is meant to work needs; a few milliseconds. In bytes.
const MAX_COMPARED: usize = 2 << 20;
/// In one RDN.
const MAX_ATTRIBUTES: usize = 4;
/// `id-on-SmtpUTF8Mailbox` (RFC 9598, section 3).
const SMTP_UTF8_MAILBOX: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.8.9");
const OUTSIDE: &str = "a name is outside an issuer's name constraints";
const UNREADABLE: &str = "a mail address in a subject cannot be read";

#[cfg(test)]
mod tests;
