#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

use proptest::prelude::*;
use rcgen::{
    CertificateRevocationListParams, CrlDistributionPoint, CrlIssuingDistributionPoint, CrlScope, KeyIdMethod,
    KeyUsagePurpose, RevocationReason, RevokedCertParams, SerialNumber,
};

use super::*;
use crate::certificate::revocation::minted::{Authority, ECDSA_SHA256, extension, now, signed, time, tlv};

const HOUR: i64 = 3600;
const POINT: &str = "http://crl.bank.example/1.crl";

/// A CRL, to be spoiled before it is signed.
struct Listed {
    version: Vec<u8>,
    algorithm: Vec<u8>,
    issuer: Vec<u8>,
    this_update: Vec<u8>,
    next_update: Vec<u8>,
    /// Whole entries.
    entries: Vec<Vec<u8>>,
    extensions: Vec<Vec<u8>>,
}

impl Listed {
    fn of(about: &Issued) -> Self {
        Self {
            version: vec![2, 1, 1],
            algorithm: ECDSA_SHA256.to_vec(),
            issuer: about.issuer_name().to_vec(),
            this_update: time(-60),
            next_update: time(HOUR),
            entries: vec![],
            extensions: vec![extension(&[0x55, 29, 20], false, &[2, 1, 1])],
        }
    }

    fn tbs(&self) -> Vec<u8> {
        let entries = match &*self.entries {
            [] => vec![],
            entries => tlv(0x30, &[&entries.concat()]),
        };
        let extensions = match &*self.extensions {
            [] => vec![],
            extensions => tlv(0xa0, &[&tlv(0x30, &[&extensions.concat()])]),
        };
        tlv(
            0x30,
            &[
                &self.version,
                &self.algorithm,
                &self.issuer,
                &self.this_update,
                &self.next_update,
                &entries,
                &extensions,
            ],
        )
    }

    fn sign(&self, authority: &Authority) -> Vec<u8> {
        tlv(0x30, &[&signed(authority.key(), &self.tbs())])
    }
}

/// An entry; `serial` is the content of the INTEGER.
fn entry(serial: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
    let extensions = if extensions.is_empty() { vec![] } else { tlv(0x30, &[&extensions.concat()]) };
    tlv(0x30, &[&tlv(0x02, &[serial]), &time(-HOUR), &extensions])
}

fn reason(code: u8) -> Vec<u8> {
    extension(&[0x55, 29, 21], false, &[0x0a, 1, code])
}

fn point(parts: &[&[u8]]) -> Vec<u8> {
    extension(&[0x55, 29, 28], true, &tlv(0x30, parts))
}

/// `distributionPoint` with one full name.
fn full_name(address: &str) -> Vec<u8> {
    tlv(0xa0, &[&tlv(0xa0, &[&tlv(0x86, &[address.as_bytes()])])])
}

fn ask(der: Vec<u8>, about: &Issued) -> Result<Answer, NoAnswer> {
    UnverifiedCrl::parse(der)?.verify(about)?.answer(about, now(0))
}

fn answer(status: Status) -> Result<Answer, NoAnswer> {
    Ok(Answer { status, this_update: now(-60), until: now(HOUR) })
}

fn revoked(reason: Option<u8>) -> Result<Answer, NoAnswer> {
    answer(Status::Revoked { since: now(-HOUR), reason })
}

/// Spoils an empty CRL, and says what must come of it for a certificate with the serial number 0x8001.
fn check(what: &str, spoil: impl FnOnce(&mut Listed), expected: Result<Answer, NoAnswer>) {
    let authority = Authority::named("Bank CA");
    let about = authority.client(&[0x80, 1], &[POINT]);
    let mut listed = Listed::of(&about);
    spoil(&mut listed);
    assert_eq!(ask(listed.sign(&authority), &about), expected, "{what}");
}

#[test]
fn certificate_is_revoked_when_it_is_on_the_list() {
    check("an empty list", |_| {}, answer(Status::Good));
    check("an empty sequence", |list| list.entries = vec![vec![]], answer(Status::Good));
    check("on it", |list| list.entries = vec![entry(&[0, 0x80, 1], &[])], revoked(None));
    for code in [0, 1, 2, 3, 4, 5, 6, 9, 10] {
        check("with a reason", |list| list.entries = vec![entry(&[0, 0x80, 1], &[reason(code)])], revoked(Some(code)));
    }
    let others = |list: &mut Listed| {
        let serials: [&[u8]; 6] = [&[0x80, 1], &[1], &[0, 0x80], &[0, 0x80, 1, 0], &[0, 0x80, 2], &[0x7f, 0x80, 1]];
        list.entries = serials.iter().map(|serial| entry(serial, &[])).collect();
    };
    check("others that look alike", others, answer(Status::Good));
    let among = |list: &mut Listed| {
        others(list);
        list.entries.push(entry(&[0, 0x80, 1], &[reason(1)]));
        list.entries.extend((1..=0x7f).map(|serial| entry(&[serial], &[])));
    };
    check("among others, in no order", among, revoked(Some(1)));
    let unreadable = extension(&[0x55, 29, 21], false, &[2, 1, 1]);
    let alone = [entry(&[0, 0x80, 1], std::slice::from_ref(&unreadable))];
    check("for a reason that cannot be read", |list| list.entries = alone.to_vec(), revoked(None));
    let beside = [entry(&[5], &[unreadable]), entry(&[0, 0x80, 1], &[reason(1)])];
    check("beside a reason that cannot be read", |list| list.entries = beside.to_vec(), revoked(Some(1)));
    check("a list of version 1", |list| (list.version, list.extensions) = (vec![], vec![]), answer(Status::Good));
}

#[test]
fn list_of_an_rcgen_authority_is_read() {
    let authority = Authority::with("Bank CA", &[KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign]);
    let (about, other) = (authority.client(&[0x80, 1], &[POINT]), authority.client(&[5], &[POINT]));
    let stamp = |offset| time::OffsetDateTime::from_unix_timestamp(now(offset).as_secs().cast_signed()).unwrap();
    let params = CertificateRevocationListParams {
        this_update: stamp(-60),
        next_update: stamp(HOUR),
        crl_number: SerialNumber::from(7_u64),
        issuing_distribution_point: Some(CrlIssuingDistributionPoint {
            distribution_point: CrlDistributionPoint { uris: vec!["ldap://other".into(), POINT.into()] },
            scope: Some(CrlScope::UserCertsOnly),
        }),
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from_slice(&[0x80, 1]),
            revocation_time: stamp(-HOUR),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: Some(stamp(-2 * HOUR)),
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let der = params.signed_by(&authority.own).unwrap().der().to_vec();
    assert_eq!(ask(der.clone(), &about), revoked(Some(1)));
    assert_eq!(ask(der, &other), answer(Status::Good));
}

#[test]
fn list_counts_from_this_update_to_next_update() {
    let at = |this, next| {
        move |list: &mut Listed| {
            list.this_update = time(this);
            list.next_update = time(next);
        }
    };
    let good = |this, next| Ok(Answer { status: Status::Good, this_update: now(this), until: now(next) });
    check("to the second", at(-60, 0), good(-60, 0));
    check("stale", at(-60, -1), Err("the CRL is past its nextUpdate"));
    check("the issuer's clock is ahead of ours", at(300, HOUR), good(300, HOUR));
    check("future", at(301, HOUR), Err("the CRL is not valid yet"));
    check("without nextUpdate", |list| list.next_update = vec![], Err("the CRL has no nextUpdate"));
    check(
        "without nextUpdate, with entries",
        |list| (list.next_update, list.entries) = (vec![], vec![entry(&[5], &[])]),
        Err("the CRL has no nextUpdate"),
    );
}

#[test]
fn list_that_is_not_complete_is_refused_by_name() {
    let with = |added: Vec<u8>| move |list: &mut Listed| list.extensions.push(added);
    let entry_with = |added: Vec<u8>| move |list: &mut Listed| list.entries = vec![entry(&[5], &[added])];
    check("a delta", with(extension(&[0x55, 29, 27], true, &[2, 1, 1])), Err("a delta CRL"));
    check("a delta that hides it", with(extension(&[0x55, 29, 27], false, &[2, 1, 1])), Err("a delta CRL"));
    check("indirect", with(point(&[&[0x84, 1, 0xff]])), Err("an indirect CRL"));
    let other = tlv(0x30, &[&tlv(0xa4, &[&tlv(0x30, &[])])]);
    check(
        "indirect by its entries",
        entry_with(extension(&[0x55, 29, 29], true, &other)),
        Err("an entry of another issuer: an indirect CRL"),
    );
    check("some reasons", with(point(&[&[0x83, 2, 5, 0x60]])), Err("a CRL for some reasons only"));
    check("attributes", with(point(&[&[0x85, 1, 0xff]])), Err("a CRL of attribute certificates"));
    let relative = tlv(0xa0, &[&tlv(0xa1, &[])]);
    let named = "a CRL whose distribution point is named relative to its issuer";
    check("a relative name", with(point(&[&relative])), Err(named));
    let private = extension(&[0x2a, 3, 4], true, &[5, 0]);
    let unknown = "the CRL has a critical extension that is not known";
    check("a critical extension", with(private.clone()), Err(unknown));
    let unknown = "an entry has a critical extension that is not known";
    check("a critical extension of another's entry", entry_with(private), Err(unknown));
    check("an unknown extension", with(extension(&[0x2a, 3, 4], false, &[5, 0])), answer(Status::Good));
    let twice = |list: &mut Listed| list.extensions.extend([point(&[&[0x81, 1, 0xff]]), point(&[])]);
    check("two scopes", twice, Err("the CRL has two issuing distribution points"));
}

#[test]
fn list_that_removes_entries_revokes_and_clears_nobody() {
    let removes = "removeFromCRL in a CRL that is no delta";
    let (ours, other) = (|code| entry(&[0, 0x80, 1], &[reason(code)]), entry(&[5], &[reason(8)]));
    let with = |entries: &[&[u8]]| {
        let entries = entries.iter().map(|entry| entry.to_vec()).collect();
        move |list: &mut Listed| list.entries = entries
    };
    check("another is removed", with(&[&other]), Err(removes));
    check("ours is removed", with(&[&ours(8)]), Err(removes));
    check("ours is revoked, and another removed", with(&[&other, &ours(1)]), revoked(Some(1)));
    check("ours is revoked and removed", with(&[&ours(8), &ours(1)]), revoked(Some(1)));
    check("ours is removed and revoked", with(&[&ours(6), &ours(8)]), revoked(Some(6)));

    let authority = Authority::named("Bank CA");
    let mut listed = Listed::of(&authority.client(&[5], &[]));
    listed.entries = vec![other];
    assert_eq!(read(listed.sign(&authority)).err(), Some(removes), "a file that is of no use is a fault");
}

#[test]
fn list_speaks_only_of_its_distribution_point() {
    let named = |address: &str| {
        let point = point(&[&full_name(address)]);
        move |list: &mut Listed| list.extensions.push(point)
    };
    let other = Err("the CRL is of another distribution point");
    check("ours", named(POINT), answer(Status::Good));
    check("another", named("http://crl.bank.example/2.crl"), other);
    check("ours and more", named("http://crl.bank.example/1.crl2"), other);
    let directory = tlv(0xa0, &[&tlv(0xa0, &[&tlv(0xa4, &[&tlv(0x30, &[])])])]);
    let unnamed = Err("a CRL whose distribution point has no address");
    check("a directory name", |list| list.extensions.push(point(&[&directory])), unnamed);
}

#[test]
fn list_of_the_other_kind_of_certificate_says_nothing() {
    let authority = Authority::named("Bank CA");
    let user = authority.client(&[5], &[]);
    let intermediate = Issued { is_authority: true, ..user.clone() };
    let other = Err("the CRL is for the other kind of certificate");
    for (flag, about, expected) in [
        (0x81, &user, answer(Status::Good)),
        (0x81, &intermediate, other),
        (0x82, &user, other),
        (0x82, &intermediate, answer(Status::Good)),
    ] {
        let mut listed = Listed::of(about);
        listed.extensions.push(point(&[&[flag, 1, 0xff]]));
        assert_eq!(ask(listed.sign(&authority), about), expected, "{flag:x}");
    }
}

#[test]
fn file_holds_one_list_in_der_or_several_in_pem() {
    let authority = Authority::named("Bank CA");
    let der = authority.list(&[&[5]], HOUR);
    let pem = |label, der: &[u8]| der::pem::encode_string(label, der::pem::LineEnding::LF, der).unwrap().into_bytes();
    let check =
        |file: &[u8], expected: Option<usize>| assert_eq!(read(file.to_vec()).ok().map(|lists| lists.len()), expected);
    check(&der, Some(1));
    check(&pem("X509 CRL", &der), Some(1));
    let text = b"Certificate Revocation List (CRL):\n".to_vec();
    check(&[text.clone(), pem("X509 CRL", &der), pem("X509 CRL", &der)].concat(), Some(2));
    check(&[pem("CERTIFICATE", authority.own.der()), pem("X509 CRL", &der)].concat(), Some(1));
    check(&pem("CERTIFICATE", authority.own.der()), None);
    check(&[pem("X509 CRL", &der), pem("X509 CRL", b"?")].concat(), None);
    check(&text, None);
    check(authority.own.der(), None);
    check(&[], None);
}

#[test]
fn list_that_writes_its_issuers_name_otherwise_is_the_issuers() {
    let authority = Authority::named("Bank CA");
    let about = authority.client(&[0x80, 1], &[POINT]);
    let ask = |issuer: Vec<u8>, signer: &Authority| {
        let listed = Listed { issuer, entries: vec![entry(&[0, 0x80, 1], &[])], ..Listed::of(&about) };
        let list = UnverifiedCrl::parse(listed.sign(signer))?;
        assert_eq!(
            (list.issuer() == about.issuer_compared()),
            list.verify(&about).err() != Some("the CRL is of another issuer")
        );
        list.verify(&about)?.answer(&about, now(0))
    };
    let other = Err("the CRL is of another issuer");
    for (tag, text, expected) in [
        (0x0c, "Bank CA", revoked(None)),
        (0x13, "Bank CA", revoked(None)),
        (0x13, "bank  ca ", revoked(None)),
        (0x14, "Bank CA", revoked(None)),
        (0x13, "Bank CB", other),
        (0x13, "Bank", other),
        (0x04, "Bank CA", other),
        (0x0c, "B\u{e4}nk CA", other),
    ] {
        assert_eq!(ask(common_name(tag, text), &authority), expected, "{tag:x} {text}");
    }
    let more = tlv(0x30, &[&common_name(0x13, "Bank CA")[2..], &common_name(0x13, "Bank CA")[2..]]);
    assert_eq!(ask(more, &authority), other, "a name that is longer");
    let wrong = Err("the signature is wrong, or made with an algorithm that is not accepted");
    assert_eq!(ask(common_name(0x13, "Bank CA"), &Authority::named("Bank CA")), wrong, "the key decides");
}

/// A name, DER.
fn common_name(tag: u8, text: &str) -> Vec<u8> {
    let attribute = tlv(0x30, &[&tlv(0x06, &[&[0x55, 4, 3]]), &tlv(tag, &[text.as_bytes()])]);
    tlv(0x30, &[&tlv(0x31, &[&attribute])])
}

#[test]
fn list_that_the_issuer_did_not_sign_is_refused() {
    let (authority, other) = (Authority::named("Bank CA"), Authority::named("Other CA"));
    let namesake = Authority::named("Bank CA");
    let about = authority.client(&[5], &[]);
    let listed = Listed::of(&about);
    let wrong = Err("the signature is wrong, or made with an algorithm that is not accepted");
    assert_eq!(ask(listed.sign(&namesake), &about), wrong);
    let theirs = other.client(&[5], &[]);
    assert_eq!(ask(Listed::of(&theirs).sign(&other), &about), Err("the CRL is of another issuer"));

    let crl = UnverifiedCrl::parse(listed.sign(&authority)).unwrap().verify(&about).unwrap();
    let of_namesake = namesake.client(&[5], &[]);
    assert_eq!(crl.answer(&of_namesake, now(0)), Err("the CRL is of another issuer"), "the name is the same");
    assert_eq!(crl.answer(&theirs, now(0)), Err("the CRL is of another issuer"));
    let renamed = Issued::read(&authority.client_der(&[5], &[], &[]), &authority.anew("Bank CA 2", &[])).unwrap();
    assert_eq!(ask(listed.sign(&authority), &renamed), Err("the CRL is of another issuer"), "the key is the same");
    assert_eq!(crl.answer(&renamed, now(0)), Err("the CRL is of another issuer"), "here too");

    let cannot = Err("the issuer's key may not sign CRLs");
    let unfit = authority.anew("Bank CA", &[KeyUsagePurpose::KeyCertSign]);
    let shown_with_it = Issued::read(&authority.client_der(&[5], &[], &[]), &unfit).unwrap();
    assert_eq!(ask(listed.sign(&authority), &shown_with_it), cannot);
    assert_eq!(crl.answer(&shown_with_it, now(0)), cannot, "whoever it was verified for");

    check(
        "two algorithms",
        |list| list.algorithm = tlv(0x30, &[&tlv(0x06, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3]])]),
        Err("the CRL names two signature algorithms"),
    );
}

#[test]
fn bytes_that_are_no_list_are_refused() {
    let authority = Authority::named("Bank CA");
    let about = authority.client(&[5], &[]);
    let good = Listed::of(&about).sign(&authority);
    let check = |bytes: &[u8]| assert!(ask(bytes.to_vec(), &about).is_err(), "{bytes:x?}");
    check(&[]);
    check(b"-----BEGIN X509 CRL-----");
    check(&[&*good, &[0]].concat());
    let why = |bytes: Vec<u8>| UnverifiedCrl::parse(bytes).unwrap_err();
    assert_eq!(why([&*good, b"\n"].concat()), "something stands behind the CRL");
    let pem = der::pem::encode_string("X509 CRL", der::pem::LineEnding::LF, &good).unwrap();
    assert_eq!(why(pem.into_bytes()), "the CRL is in PEM, and has to be in DER");
    check(good.split_last().unwrap().1);

    let spoilt = |spoil: &dyn Fn(&mut Listed)| {
        let mut listed = Listed::of(&about);
        spoil(&mut listed);
        assert!(ask(listed.sign(&authority), &about).is_err());
    };
    spoilt(&|list| list.version = vec![2, 1, 2]);
    spoilt(&|list| list.entries = vec![entry(&[0, 5], &[])]);
    spoilt(&|list| list.entries = vec![entry(&[], &[])]);
    spoilt(&|list| list.entries = vec![entry(&[5; 300], &[])]);
    spoilt(&|list| list.entries = vec![tlv(0x30, &[&[2, 1, 5]])]);
    spoilt(&|list| list.entries = vec![[entry(&[5], &[]), vec![0]].concat()]);
    spoilt(&|list| list.extensions.push(point(&[&[0x83]])));
}

#[test]
fn no_single_changed_octet_makes_another_answer() {
    let authority = Authority::named("Bank CA");
    let about = authority.client(&[0x80, 1], &[POINT]);
    let mut listed = Listed::of(&about);
    listed.entries = vec![entry(&[0, 0x80, 1], &[reason(1)]), entry(&[5], &[])];
    listed.extensions.push(point(&[&full_name(POINT), &[0x81, 1, 0xff]]));
    let der = listed.sign(&authority);
    assert_eq!(ask(der.clone(), &about), revoked(Some(1)));
    for place in 0..der.len() {
        for change in [1, 2, 0x20, 0x80, 0xff] {
            let mut changed = der.clone();
            *changed.get_mut(place).unwrap() ^= change;
            let outcome = ask(changed, &about);
            assert!(outcome.is_err() || outcome == revoked(Some(1)), "octet {place} ^ {change}: {outcome:?}");
        }
    }
}

#[test]
fn list_of_a_hundred_thousand_is_small_and_answers_for_each() {
    let crl = long_list(100_000);
    let weight = crl.weight() - crl.list.der.len();
    assert!(weight <= 10 * 100_000, "{weight} bytes beside the list itself");
    assert!(crl.weight() < 10 * 1024 * 1024, "{} bytes", crl.weight());
}

#[test]
#[ignore = "a million entries are slow to write without optimization"]
fn list_of_a_million_answers_for_each() {
    long_list(1_000_000);
}

/// Signs, reads, verifies, and asks a list of this many entries.
fn long_list(count: u32) -> Crl {
    let authority = Authority::named("Bank CA");
    let about = authority.client(&[5], &[]);
    let mut listed = Listed::of(&about);
    let serial = |number: u32| [&[0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &number.to_be_bytes()[..]].concat();
    listed.entries = (0..count).rev().map(|number| entry(&serial(number), &[reason(1)])).collect();
    let der = listed.sign(&authority);
    let begun = std::time::Instant::now();
    let crl = UnverifiedCrl::parse(der).unwrap().verify(&about).unwrap();
    let took = begun.elapsed();
    assert_eq!(crl.list.entries.len(), count as usize);
    assert!(took.as_micros() < 100 * u128::from(count), "{took:?} to read and verify");
    println!("{count} entries: {took:?} to read and verify, {} bytes", crl.weight());
    for number in [0, 1, count / 2, count - 1] {
        let about = Issued { serial: serial(number), ..about.clone() };
        assert_eq!(crl.answer(&about, now(0)), revoked(Some(1)), "{number}");
    }
    let missing = Issued { serial: serial(count), ..about };
    assert_eq!(crl.answer(&missing, now(0)), answer(Status::Good));
    crl
}

proptest! {
    #[test]
    fn arbitrary_octets_are_no_list(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(UnverifiedCrl::parse(bytes).is_err());
    }

    #[test]
    fn arbitrary_contents_never_panic(contents in proptest::collection::vec(any::<u8>(), 0..100)) {
        let tbs = tlv(0x30, &[&[2, 1, 1], ECDSA_SHA256, &tlv(0x30, &[]), &time(0), &time(1), &contents]);
        let der = tlv(0x30, &[&tbs, ECDSA_SHA256, &[3, 2, 0, 0]]);
        drop(UnverifiedCrl::parse(der));
    }
}

/// What is decoded whole takes many times its size, and nobody's signature was looked at yet.
#[test]
fn what_is_decoded_besides_serial_numbers_is_bounded() {
    let long = vec![0; MAX_DECODED];
    check("issuer", |list| list.issuer = tlv(0x30, &[&long]), Err("the CRL's issuer has too long a name"));
    check("extensions", |list| list.extensions = vec![long.clone()], Err("the CRL's extensions are too long"));
    check(
        "entry",
        |list| list.entries = vec![entry(&[5], std::slice::from_ref(&long))],
        Err("an entry of the CRL is too long"),
    );
    let names = |number| point(&[&tlv(0xa0, &[&tlv(0xa0, &[&tlv(0x86, &[POINT.as_bytes()]).repeat(number)])])]);
    let many = "a CRL whose distribution point has too many addresses";
    check("addresses", |list| list.extensions.push(names(65)), Err(many));
}
