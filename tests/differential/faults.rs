//! What can be wrong with one certificate of a chain.

use crate::{
    certificate::{Edit, Extension, Identifier, Template, name, time},
    chain::{ANY_PURPOSE, CLIENT_AUTH, Chain, NOW, Place, SERVER_AUTH, TRUE, bits, names},
    keys::Key,
    random::Random,
    support::der::{oid, sequence, tlv},
};

/// One way to be wrong, or only unusual.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) at: &'static [Place],
    pub(crate) make: fn(&mut Template, &mut Random),
}

impl Fault {
    /// Whether all can say something of it. What cryptography refuses under every policy, and what nobody knows before,
    /// goes alone: beside another fault only OpenSSL would be left to agree.
    pub(crate) fn is_judged_by_all(&self) -> bool {
        let alone = [
            "Ed25519",
            "directory name",
            "serial number negative",
            "GeneralizedTime",
            "written out",
            "certificatePolicies, critical",
            "not UTF-8",
            ", then signed",
            "a bit flipped",
            "an octet",
        ];
        !alone.iter().any(|part| self.name.contains(part))
    }
}

/// Puts one of [`FAULTS`] somewhere into the chain; its name, with the place.
pub(crate) fn put(chain: &mut Chain, fault: &Fault, random: &mut Random) -> String {
    let places: Vec<_> = (0..=chain.leaf()).filter(|place| fault.at.contains(&chain.place(*place))).collect();
    // A chain without an intermediate gets none of an intermediate's faults.
    let Some(place) = (!places.is_empty()).then(|| random.one(&places)) else { return "none".to_owned() };
    (fault.make)(&mut chain.certificates[place], random);
    if chain.certificates[place].sha1 {
        let above = place.saturating_sub(1);
        chain.certificates[above].key = Key::Rsa2048;
    }
    format!("{}: {}", chain.place(place).word(), fault.name)
}

impl Place {
    fn word(self) -> &'static str {
        match self {
            Self::Anchor => "anchor",
            Self::Intermediate => "intermediate",
            Self::Leaf => "leaf",
        }
    }
}

const ANYWHERE: &[Place] = &[Place::Anchor, Place::Intermediate, Place::Leaf];
const BELOW: &[Place] = &[Place::Intermediate, Place::Leaf];
const ISSUERS: &[Place] = &[Place::Anchor, Place::Intermediate];
const LEAF: &[Place] = &[Place::Leaf];

const fn fault(name: &'static str, at: &'static [Place], make: fn(&mut Template, &mut Random)) -> Fault {
    Fault { name, at, make }
}

#[rustfmt::skip]
pub(crate) const FAULTS: &[Fault] = &[
    fault("expired", ANYWHERE, |own, _| own.not_after = time(NOW - 1)),
    fault("in its last second", ANYWHERE, |own, _| own.not_after = time(NOW)),
    fault("in its first second", ANYWHERE, |own, _| own.not_before = time(NOW)),
    fault("not yet valid", ANYWHERE, |own, _| own.not_before = time(NOW + 1)),
    fault("dates swapped", ANYWHERE, |own, _| std::mem::swap(&mut own.not_before, &mut own.not_after)),
    fault("GeneralizedTime before 2050", ANYWHERE, |own, _| own.not_after = tlv(0x18, &[b"20301231235959Z"])),
    fault("GeneralizedTime for ever", ANYWHERE, |own, _| own.not_after = tlv(0x18, &[b"99991231235959Z"])),
    fault("GeneralizedTime with a fraction", ANYWHERE, |own, _| own.not_after = tlv(0x18, &[b"20501231235959.5Z"])),
    fault("UTCTime without seconds", ANYWHERE, |own, _| own.not_after = tlv(0x17, &[b"3012312359Z"])),
    fault("UTCTime with an offset", ANYWHERE, |own, _| own.not_after = tlv(0x17, &[b"301231235959+0100"])),
    fault("thirtieth of February", ANYWHERE, |own, _| own.not_after = tlv(0x17, &[b"300230235959Z"])),
    fault("version 1", ANYWHERE, |own, _| own.version = None),
    fault("version 1 written out", ANYWHERE, |own, _| own.version = Some(0)),
    fault("version 2", ANYWHERE, |own, _| own.version = Some(1)),
    fault("version 4", ANYWHERE, |own, _| own.version = Some(3)),
    fault("serial number 0", ANYWHERE, |own, _| own.serial = vec![0]),
    fault("serial number negative", ANYWHERE, |own, _| own.serial = vec![0x80, 1]),
    fault("serial number with a zero in front", ANYWHERE, |own, _| own.serial = vec![0, 1]),
    fault("serial number of 20 octets", ANYWHERE, |own, _| own.serial = vec![0x7f; 20]),
    fault("serial number of 21 octets", ANYWHERE, |own, _| own.serial = vec![0x7f; 21]),
    fault("serial number without octets", ANYWHERE, |own, _| own.serial.clear()),
    fault("issuerUniqueID", ANYWHERE, |own, _| own.unique_id = tlv(0x81, &[&[0, 1]])),
    fault("subjectUniqueID", ANYWHERE, |own, _| own.unique_id = tlv(0x82, &[&[0, 1]])),
    fault("SHA-1", BELOW, |own, _| own.sha1 = true),
    fault("RSA of 1024 bits", ANYWHERE, |own, _| own.key = Key::Rsa1024),
    fault("Ed25519", ANYWHERE, |own, _| own.key = Key::Ed25519),
    fault("signed by a stranger", BELOW, |own, _| own.signer = Some(Key::P256(7))),
    fault("outer algorithm is another", BELOW, |own, _| own.outer_algorithm = Some(sequence(&[&oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4])]))),
    fault("issuer is another name", BELOW, |own, _| own.issuer = Some(name(&[(3, 0x0c, "Somebody")]))),
    fault("issuer is empty", BELOW, |own, _| own.issuer = Some(name(&[]))),
    fault("issuer in another string type", BELOW, |own, _| respell(own, 0x0c, 0x13)),
    fault("issuer in another case", BELOW, |own, _| respell(own, b'B', b'b')),
    fault("subject is empty", LEAF, |own, _| own.subject = name(&[])),
    fault("subject is empty, critical subjectAltName", LEAF, |own, _| { own.subject = name(&[]); critical(own, 17); }),
    fault("subject is not UTF-8", LEAF, |own, _| own.subject = sequence(&[&tlv(0x31, &[&sequence(&[&oid(&[0x55, 4, 3]), &tlv(0x0c, &[&[0xff]])])])])),
    fault("subject with a zero octet", LEAF, |own, _| own.subject = name(&[(3, 0x0c, "a\0b")])),
    fault("country in UTF8String", LEAF, |own, _| own.subject = name(&[(6, 0x0c, "DE")])),
    fault("no authorityKeyIdentifier", BELOW, |own, _| own.authority_key = Identifier::Absent),
    fault("wrong authorityKeyIdentifier", BELOW, |own, _| own.authority_key = Identifier::Wrong),
    fault("no subjectKeyIdentifier", ANYWHERE, |own, _| own.subject_key = Identifier::Absent),
    fault("wrong subjectKeyIdentifier", ANYWHERE, |own, _| own.subject_key = Identifier::Wrong),
    fault("no extensions", ANYWHERE, |own, _| { own.extensions.clear(); own.subject_key = Identifier::Absent; own.authority_key = Identifier::Absent; }),
    fault("unknown critical extension", ANYWHERE, |own, _| own.extensions.push(Extension::new(&[0x2b, 6, 1, 4, 1, 0x81, 0x80, 1], true, vec![5, 0]))),
    fault("unknown extension", ANYWHERE, |own, _| own.extensions.push(Extension::new(&[0x2b, 6, 1, 4, 1, 0x81, 0x80, 1], false, vec![5, 0]))),
    fault("an extension twice", ANYWHERE, |own, _| { let first = own.extensions.first().cloned(); own.extensions.extend(first); }),
    fault("an unknown extension twice", ANYWHERE, |own, _| own.extensions.extend(vec![Extension::new(&[0x2b, 6, 1, 4, 1, 0x81, 0x80, 1], false, vec![5, 0]); 2])),
    fault("an extension without octets", ANYWHERE, |own, random| any(own, random, Vec::clear)),
    fault("an extension with an octet too many", ANYWHERE, |own, random| any(own, random, |value| value.push(0))),
    fault("policyConstraints", ANYWHERE, |own, _| own.with(36, true, sequence(&[&tlv(0x80, &[&[0]])]))),
    fault("policyConstraints, not critical", ANYWHERE, |own, _| own.with(36, false, sequence(&[&tlv(0x80, &[&[0]])]))),
    fault("inhibitAnyPolicy", ANYWHERE, |own, _| own.with(54, true, tlv(2, &[&[0]]))),
    fault("certificatePolicies", ANYWHERE, |own, _| own.with(32, false, sequence(&[&sequence(&[&oid(&[0x2a, 3, 4])])]))),
    fault("certificatePolicies, critical", ANYWHERE, |own, _| own.with(32, true, sequence(&[&sequence(&[&oid(&[0x2a, 3, 4])])]))),
    fault("qcStatements", LEAF, |own, _| own.extensions.push(Extension::new(&[0x2b, 6, 1, 5, 5, 7, 1, 3], false, sequence(&[&sequence(&[&oid(&[4, 0, 0x8e, 0x46, 1, 1])])])))),
    fault("qcStatements, critical", LEAF, |own, _| own.extensions.push(Extension::new(&[0x2b, 6, 1, 5, 5, 7, 1, 3], true, sequence(&[&sequence(&[&oid(&[4, 0, 0x8e, 0x46, 1, 1])])])))),
    fault("authorityInfoAccess is empty", LEAF, |own, _| own.extensions.push(Extension::new(&[0x2b, 6, 1, 5, 5, 7, 1, 1], false, sequence(&[])))),
    fault("no subjectAltName", LEAF, |own, _| own.without(17)),
    fault("subjectAltName critical", LEAF, |own, _| critical(own, 17)),
    fault("subjectAltName is empty", LEAF, |own, _| own.with(17, false, sequence(&[]))),
    fault("subjectAltName with a zero octet", LEAF, |own, _| own.with(17, false, names(&[(0x82, b"a.tpp.example\0.x")]))),
    fault("subjectAltName is a wildcard", LEAF, |own, _| own.with(17, false, names(&[(0x82, b"*.tpp.example")]))),
    fault("purposes: server alone", ANYWHERE, |own, _| purposes(own, &[SERVER_AUTH])),
    fault("purposes: client alone", ANYWHERE, |own, _| purposes(own, &[CLIENT_AUTH])),
    fault("purposes: server and client", ANYWHERE, |own, _| purposes(own, &[SERVER_AUTH, CLIENT_AUTH])),
    fault("purposes: any", ANYWHERE, |own, _| purposes(own, &[ANY_PURPOSE])),
    fault("purposes: unknown", ANYWHERE, |own, _| purposes(own, &[&[0x2a, 3, 4]])),
    fault("purposes: an empty list", ANYWHERE, |own, _| purposes(own, &[])),
    fault("purposes: client, critical", ANYWHERE, |own, _| { purposes(own, &[CLIENT_AUTH]); critical(own, 37); }),
    fault("no purposes", LEAF, |own, _| own.without(37)),
    fault("no keyUsage", ANYWHERE, |own, _| own.without(15)),
    fault("keyUsage not critical", ANYWHERE, |own, _| mark(own, 15, false)),
    fault("keyUsage of a leaf", ISSUERS, |own, _| own.with(15, true, bits(&[0]))),
    fault("keyUsage for CRLs alone", ISSUERS, |own, _| own.with(15, true, bits(&[6]))),
    fault("keyUsage of an authority", LEAF, |own, _| own.with(15, true, bits(&[0, 5]))),
    fault("keyUsage without digitalSignature", LEAF, |own, _| own.with(15, true, bits(&[2]))),
    fault("keyUsage without a bit", ANYWHERE, |own, _| own.with(15, true, tlv(3, &[&[0]]))),
    fault("keyUsage with bits too many", ANYWHERE, |own, _| own.with(15, true, tlv(3, &[&[0, 0x80]]))),
    fault("basicConstraints not critical", ISSUERS, |own, _| mark(own, 19, false)),
    fault("no basicConstraints", ISSUERS, |own, _| own.without(19)),
    fault("cA left out", ISSUERS, |own, _| own.with(19, true, sequence(&[]))),
    fault("cA false, written out", ANYWHERE, |own, _| own.with(19, true, sequence(&[&[1, 1, 0]]))),
    fault("cA as 1", ISSUERS, |own, _| own.with(19, true, sequence(&[&[1, 1, 1]]))),
    fault("basicConstraints of a leaf", LEAF, |own, _| own.with(19, true, sequence(&[]))),
    fault("cA", LEAF, |own, _| own.with(19, true, sequence(&[TRUE]))),
    fault("cA and keyCertSign", LEAF, |own, _| { own.with(19, true, sequence(&[TRUE])); own.with(15, true, bits(&[0, 5])); }),
    fault("pathLen 0", ISSUERS, |own, _| own.with(19, true, sequence(&[TRUE, &[2, 1, 0]]))),
    fault("pathLen 1", ISSUERS, |own, _| own.with(19, true, sequence(&[TRUE, &[2, 1, 1]]))),
    fault("pathLen negative", ISSUERS, |own, _| own.with(19, true, sequence(&[TRUE, &[2, 1, 0xff]]))),
    fault("pathLen 256", ISSUERS, |own, _| own.with(19, true, sequence(&[TRUE, &[2, 2, 1, 0]]))),
    fault("pathLen without cA", ANYWHERE, |own, _| own.with(19, true, sequence(&[&[2, 1, 0]]))),
    fault("constraints: DNS permitted", ISSUERS, |own, _| constrain(own, 0xa0, 0x82, b"tpp.example")),
    fault("constraints: other DNS permitted", ISSUERS, |own, _| constrain(own, 0xa0, 0x82, b"other.example")),
    fault("constraints: DNS excluded", ISSUERS, |own, _| constrain(own, 0xa1, 0x82, b"tpp.example")),
    fault("constraints: DNS excluded in another case", ISSUERS, |own, _| constrain(own, 0xa1, 0x82, b"TPP.example")),
    fault("constraints: other DNS excluded", ISSUERS, |own, _| constrain(own, 0xa1, 0x82, b"other.example")),
    fault("constraints: DNS with a dot in front", ISSUERS, |own, _| constrain(own, 0xa0, 0x82, b".tpp.example")),
    fault("constraints: mail permitted", ISSUERS, |own, _| constrain(own, 0xa0, 0x81, b"tpp.example")),
    fault("constraints: other mail permitted", ISSUERS, |own, _| constrain(own, 0xa0, 0x81, b"other.example")),
    fault("constraints: mail excluded", ISSUERS, |own, _| constrain(own, 0xa1, 0x81, b"tpp.example")),
    fault("constraints: mail under a domain excluded", ISSUERS, |own, _| constrain(own, 0xa1, 0x81, b".example")),
    fault("constraints: directory name permitted", ISSUERS, |own, _| constrain(own, 0xa0, 0xa4, &name(&[(6, 0x13, "DE")]))),
    fault("constraints: other directory name permitted", ISSUERS, |own, _| constrain(own, 0xa0, 0xa4, &name(&[(6, 0x13, "FR")]))),
    fault("constraints: directory name excluded", ISSUERS, |own, _| constrain(own, 0xa1, 0xa4, &name(&[(6, 0x13, "DE")]))),
    fault("constraints: directory name excluded in another case", ISSUERS, |own, _| constrain(own, 0xa1, 0xa4, &name(&[(6, 0x13, "de")]))),
    fault("constraints: other directory name excluded", ISSUERS, |own, _| constrain(own, 0xa1, 0xa4, &name(&[(6, 0x13, "FR")]))),
    fault("constraints: address permitted", ISSUERS, |own, _| constrain(own, 0xa0, 0x87, &[10, 0, 0, 0, 255, 0, 0, 0])),
    fault("constraints: URI permitted", ISSUERS, |own, _| constrain(own, 0xa0, 0x86, b"other.example")),
    fault("constraints: registered identifier permitted", ISSUERS, |own, _| constrain(own, 0xa0, 0x88, &[0x2a, 3])),
    fault("constraints: not critical", ISSUERS, |own, _| { constrain(own, 0xa0, 0x82, b"other.example"); mark(own, 30, false); }),
    fault("constraints: empty", ISSUERS, |own, _| own.with(30, true, sequence(&[]))),
    fault("constraints: with a minimum", ISSUERS, |own, _| own.with(30, true, sequence(&[&tlv(0xa0, &[&sequence(&[&tlv(0x82, &[b"tpp.example"]), &tlv(0x80, &[&[1]])])])]))),
    fault("constraints", LEAF, |own, _| constrain(own, 0xa0, 0x82, b"tpp.example")),
    fault("trailing octet", ANYWHERE, |own, _| own.after = Some(Edit::Append)),
    fault("length longer than it need be", ANYWHERE, |own, _| own.after = Some(Edit::LongLength)),
    fault("indefinite length", ANYWHERE, |own, _| own.after = Some(Edit::Indefinite)),
    fault("cut off", ANYWHERE, |own, random| own.after = Some(Edit::Cut(random.number()))),
    fault("a bit flipped", ANYWHERE, |own, random| own.after = Some(Edit::Flip(random.number()))),
    fault("an octet inserted", ANYWHERE, |own, random| own.after = Some(Edit::Insert(random.number()))),
    fault("an octet missing", ANYWHERE, |own, random| own.after = Some(Edit::Drop(random.number()))),
    fault("a bit flipped, then signed", ANYWHERE, |own, random| own.before = Some(Edit::Flip(random.number()))),
    fault("an octet changed, then signed", ANYWHERE, |own, random| own.before = Some(Edit::Octet(random.number()))),
];

fn critical(own: &mut Template, number: u8) {
    mark(own, number, true);
}

/// Where a second fault has taken the extension away, nothing is left to mark.
fn mark(own: &mut Template, number: u8, critical: bool) {
    if let Some(extension) = own.extension(number) {
        extension.critical = critical;
    }
}

fn any(own: &mut Template, random: &mut Random, change: fn(&mut Vec<u8>)) {
    let place = random.below(own.extensions.len().max(1));
    if let Some(extension) = own.extensions.get_mut(place) {
        change(&mut extension.value);
    }
}

fn purposes(own: &mut Template, list: &[&[u8]]) {
    own.with(37, false, sequence(&[&list.iter().map(|purpose| oid(purpose)).collect::<Vec<_>>().concat()]));
}

/// nameConstraints with one subtree. A directory name is tagged explicitly, the others implicitly; both are one more layer.
fn constrain(own: &mut Template, list: u8, kind: u8, base: &[u8]) {
    own.with(30, true, sequence(&[&tlv(list, &[&sequence(&[&tlv(kind, &[base])])])]));
}

/// The issuer as it is written by the subject above, with one octet for another.
fn respell(own: &mut Template, from: u8, to: u8) {
    // Places count from the root, and the serial number begins with the own place plus one.
    let above = format!("Place {}", own.serial.first().map_or(0, |first| first.saturating_sub(2)));
    let mut issuer = name(&[(6, 0x13, "DE"), (10, 0x0c, "Bank"), (3, 0x0c, &above)]);
    issuer.iter_mut().filter(|octet| **octet == from).for_each(|octet| *octet = to);
    own.issuer = Some(issuer);
}
