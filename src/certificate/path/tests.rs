#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose as Purpose,
    GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose as Usage, NameConstraints, OtherNameValue, PKCS_ECDSA_P384_SHA384,
    PKCS_ED25519, SanType, SerialNumber,
};

use super::*;
use crate::certificate::mint::{
    Authority, Rsa, examined, in_years, named, now, plain, presented, self_signed_client, tagged, trusting, with, year,
};

const RULES: PathRules = PathRules { minimum_rsa_bits: 2048, max_intermediates: 5, require_client_auth: true };

fn judge(leaf: &[u8], sent: &[&[u8]], anchors: &[&[u8]], rules: &PathRules, at: UnixTime) -> &'static str {
    match presented(leaf, sent).and_then(|presented| verify(&presented, &trusting(anchors), rules, at)) {
        Ok(_) => "ok",
        Err(denial) => denial.code(),
    }
}

#[track_caller]
fn check(leaf: &[u8], sent: &[&[u8]], anchors: &[&[u8]], expected: &str) {
    assert_eq!(judge(leaf, sent, anchors, &RULES, now()), expected);
}

/// A leaf changed as told, under a root that is trusted.
#[track_caller]
fn check_leaf(change: impl FnOnce(&mut CertificateParams), expected: &str) {
    let root = Authority::root("Root", plain);
    check(&root.client(change), &[], &[&root.der], expected);
}

/// An intermediate changed as told, between a root that is trusted and a leaf; then the same as the anchor itself.
#[track_caller]
fn check_issuer(change: impl Fn(&mut CertificateParams), as_intermediate: &str, as_anchor: &str) {
    let root = Authority::root("Root", plain);
    let issuer = root.intermediate("Issuer", change);
    let leaf = issuer.client(plain);
    check(&leaf, &[&issuer.der], &[&root.der], as_intermediate);
    check(&leaf, &[], &[&issuer.der], as_anchor);
}

#[test]
fn certificate_with_a_path_to_an_anchor_is_accepted() {
    let root = Authority::root("Root", plain);
    let upper = root.intermediate("Upper", plain);
    let lower = upper.intermediate("Lower", plain);
    let (unrelated, leaf) = (root.intermediate("Unrelated", plain), lower.client(plain));

    check(&root.client(plain), &[], &[&root.der], "ok");
    check(&leaf, &[&lower.der, &upper.der], &[&root.der], "ok");
    check(&leaf, &[&unrelated.der, &upper.der, &lower.der, &root.der], &[&root.der], "ok");
    check(&leaf, &[&lower.der], &[&upper.der], "ok");
    check(&leaf, &[], &[&lower.der], "ok");
}

#[test]
fn certificate_without_a_path_to_an_anchor_is_untrusted() {
    let (root, stranger) = (Authority::root("Root", plain), Authority::root("Root", plain));
    let issuer = root.intermediate("Issuer", plain);
    let theirs = stranger.intermediate("Issuer", plain);

    check(&issuer.client(plain), &[], &[&root.der], "certificate_untrusted");
    check(&stranger.client(plain), &[], &[&root.der], "certificate_untrusted");
    check(&stranger.client(plain), &[&stranger.der], &[&root.der], "certificate_untrusted");
    check(&theirs.client(plain), &[&theirs.der, &stranger.der], &[&root.der], "certificate_untrusted");
    check(&theirs.client(plain), &[&issuer.der], &[&root.der], "certificate_untrusted");

    let sent = presented(&theirs.client(plain), &[&theirs.der]).unwrap();
    let denial = verify(&sent, &trusting(&[&issuer.der]), &RULES, now()).unwrap_err();
    assert_eq!(denial.detail().unwrap(), "a signature is wrong: issued by CN=Root");
}

#[test]
fn certificate_that_its_owner_signed_is_untrusted() {
    let root = Authority::root("Root", plain);
    let alone = self_signed_client(plain);
    let namesake = self_signed_client(|params| params.distinguished_name = named("Root"));

    check(&alone, &[], &[&root.der], "certificate_untrusted");
    check(&alone, &[&alone], &[&root.der], "certificate_untrusted");
    check(&namesake, &[], &[&root.der], "certificate_untrusted");
}

#[test]
fn changed_certificate_is_untrusted() {
    let root = Authority::root("Root", plain);
    let mut leaf = root.client(plain);
    let name = leaf.windows(11).position(|window| window == b"tpp.example").unwrap();
    *leaf.get_mut(name).unwrap() = b'T';
    check(&leaf, &[], &[&root.der], "certificate_untrusted");
}

#[test]
fn leaf_out_of_date_is_refused_for_its_dates_unless_a_stranger_issued_it() {
    let (root, stranger) = (Authority::root("Root", plain), Authority::root("Root", plain));
    let (past, future) = (root.client(in_years(2022, 2025)), root.client(in_years(2027, 2028)));
    check(&past, &[], &[&root.der], "certificate_expired");
    check(&future, &[], &[&root.der], "certificate_not_yet_valid");
    check(&stranger.client(in_years(2022, 2025)), &[], &[&root.der], "certificate_untrusted");
    check(&stranger.client(in_years(2027, 2028)), &[], &[&root.der], "certificate_untrusted");
    check_leaf(in_years(2027, 2025), "certificate_not_yet_valid");
    check_leaf(in_years(2025, 2026), "ok");
    check_leaf(in_years(2026, 2027), "ok");

    let renewed = Authority::root("Root", in_years(2026, 2040));
    check(&renewed.client(in_years(2022, 2025)), &[], &[&renewed.der], "certificate_expired");
}

#[test]
fn issuer_out_of_date_makes_the_leaf_untrusted() {
    check_issuer(in_years_again(2027, 2040), "certificate_untrusted", "certificate_untrusted");

    let root = Authority::root("Root", in_years(2020, 2027));
    let issuer = root.intermediate("Issuer", in_years(2020, 2026));
    let leaf = issuer.client(in_years(2020, 2040));
    for (at, expected) in
        [(year(2026), "ok"), (year(2027), "certificate_untrusted"), (year(2028), "certificate_untrusted")]
    {
        assert_eq!(judge(&leaf, &[&issuer.der], &[&root.der], &RULES, at), expected);
        assert_eq!(judge(&leaf, &[], &[&issuer.der], &RULES, at), expected);
    }
}

#[test]
fn issuer_that_may_not_issue_makes_the_leaf_untrusted() {
    let root = Authority::root("Root", plain);
    for change in [
        (|params: &mut CertificateParams| params.is_ca = IsCa::ExplicitNoCa) as fn(&mut CertificateParams),
        |params| params.is_ca = IsCa::NoCa,
        |params| params.key_usages = vec![Usage::DigitalSignature, Usage::CrlSign],
    ] {
        let issuer = root.intermediate("Issuer", change);
        check(&issuer.client(plain), &[&issuer.der], &[&root.der], "certificate_untrusted");
    }
    check_issuer(|params| params.key_usages = vec![], "ok", "ok");
}

#[test]
fn path_is_as_long_as_every_issuer_allows() {
    let short = |params: &mut CertificateParams| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let root = Authority::root("Root", plain);
    let upper = root.intermediate("Upper", short);
    let lower = upper.intermediate("Lower", plain);
    let leaf = lower.client(plain);

    check(&upper.client(plain), &[&upper.der], &[&root.der], "ok");
    check(&upper.client(plain), &[], &[&upper.der], "ok");
    check(&leaf, &[&lower.der, &upper.der], &[&root.der], "certificate_untrusted");
    check(&leaf, &[&lower.der], &[&upper.der], "certificate_untrusted");

    let one = PathRules { max_intermediates: 1, ..RULES };
    let upper = root.intermediate("Upper", plain);
    let lower = upper.intermediate("Lower", plain);
    let leaf = lower.client(plain);
    assert_eq!(judge(&leaf, &[&lower.der, &upper.der], &[&root.der], &one, now()), "certificate_untrusted");
    assert_eq!(judge(&leaf, &[&lower.der], &[&upper.der], &one, now()), "ok");
}

#[test]
fn certificate_for_anything_but_client_authentication_has_the_wrong_purpose() {
    let wrong = "certificate_wrong_purpose";
    check_leaf(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained), wrong);
    check_leaf(|params| params.is_ca = IsCa::ExplicitNoCa, "ok");
    check_leaf(|params| params.key_usages = vec![Usage::KeyEncipherment], wrong);
    check_leaf(|params| params.key_usages = vec![Usage::DigitalSignature, Usage::KeyCertSign], wrong);
    check_leaf(|params| params.key_usages = vec![], "ok");
    check_leaf(|params| params.extended_key_usages = vec![Purpose::ServerAuth], wrong);
    check_leaf(|params| params.extended_key_usages = vec![Purpose::Any], wrong);
    check_leaf(|params| params.extended_key_usages = vec![], wrong);
    check_leaf(|params| params.extended_key_usages = vec![Purpose::ServerAuth, Purpose::ClientAuth], "ok");
}

#[test]
fn absent_purpose_is_accepted_only_where_the_rules_say_so() {
    let root = Authority::root("Root", plain);
    let lenient = PathRules { require_client_auth: false, ..RULES };
    for (purposes, expected) in [
        (vec![], "ok"),
        (vec![Purpose::ServerAuth], "certificate_wrong_purpose"),
        (vec![Purpose::Any], "certificate_wrong_purpose"),
    ] {
        let leaf = root.client(|params| params.extended_key_usages = purposes);
        assert_eq!(judge(&leaf, &[], &[&root.der], &lenient, now()), expected);
    }
}

#[test]
fn issuer_for_other_purposes_has_the_wrong_purpose() {
    let wrong = "certificate_wrong_purpose";
    check_issuer(|params| params.extended_key_usages = vec![Purpose::ServerAuth], wrong, wrong);
    check_issuer(|params| params.extended_key_usages = vec![Purpose::Any], wrong, wrong);
    check_issuer(|params| params.extended_key_usages = vec![Purpose::ServerAuth, Purpose::ClientAuth], "ok", "ok");
}

#[test]
fn name_outside_the_constraints_of_an_issuer_is_untrusted() {
    let permitted = |name: &str, times: usize| {
        let permitted_subtrees = vec![GeneralSubtree::DnsName(name.to_owned()); times];
        let constraints = NameConstraints { permitted_subtrees, excluded_subtrees: vec![] };
        move |params: &mut CertificateParams| params.name_constraints = Some(constraints.clone())
    };
    check_issuer(permitted("example", 1), "ok", "ok");
    check_issuer(permitted("example", 3_500), "ok", "ok");
    check_issuer(permitted("bank.example", 1), "certificate_untrusted", "certificate_untrusted");

    let empty = tagged(0x30, &tagged(0xa0, &[]));
    check_issuer(with_again(&NAME_CONSTRAINTS, true, &empty), "certificate_untrusted", "certificate_untrusted");
    check_leaf(with(&NAME_CONSTRAINTS, true, &empty), "certificate_malformed");
}

#[test]
fn name_under_an_excluded_one_is_refused_however_it_is_written() {
    let name = |value: &DnValue| {
        let mut name = DistinguishedName::new();
        name.push(DnType::OrganizationName, value.clone());
        name
    };
    let utf8 = |text: &str| DnValue::Utf8String(text.to_owned());
    let check_named = |excluded: &DnValue, subject: &DnValue, expected: &str| {
        let excluded_subtrees = vec![GeneralSubtree::DirectoryName(name(excluded))];
        let constraints = NameConstraints { permitted_subtrees: vec![], excluded_subtrees };
        let root = Authority::root("Root", |params| params.name_constraints = Some(constraints));
        let leaf = root.client(|params| params.distinguished_name = name(subject));
        assert_eq!(judge(&leaf, &[], &[&root.der], &RULES, now()), expected, "{subject:?}");
    };
    let evil = utf8("Evil Corp");
    for written in [
        utf8("Evil Corp"),
        utf8("EVIL CORP"),
        utf8("  evil   corp "),
        DnValue::PrintableString("Evil Corp".try_into().unwrap()),
        DnValue::BmpString("Evil Corp".try_into().unwrap()),
        // Compatibility forms and marks that preparation would fold are not folded here, so they are a doubt.
        utf8("Ｅｖｉｌ Corp"),
        utf8("Evil\u{ad} Corp"),
        utf8("Evil\u{1} Corp"),
    ] {
        check_named(&evil, &written, "certificate_untrusted");
    }
    check_named(&evil, &utf8("Good Corp"), "ok");
    check_named(&utf8("Böse"), &utf8("BÖSE"), "certificate_untrusted");
}

#[test]
fn mail_address_is_held_to_constraints_wherever_it_stands() {
    let mailbox =
        |text: &str| SanType::OtherName((vec![1, 3, 6, 1, 5, 5, 7, 8, 9], OtherNameValue::Utf8String(text.to_owned())));
    let address = |text: &str| SanType::Rfc822Name(text.try_into().unwrap());
    let check_named = |subject: &str, names: &[SanType], expected: &str| {
        let permitted_subtrees = vec![GeneralSubtree::Rfc822Name("good.example".to_owned())];
        let constraints = NameConstraints { permitted_subtrees, excluded_subtrees: vec![] };
        let root = Authority::root("Root", |params| params.name_constraints = Some(constraints));
        let leaf = root.client(|params| {
            let mail = DnType::CustomDnType(vec![1, 2, 840, 113_549, 1, 9, 1]);
            params.distinguished_name.push(mail, DnValue::Ia5String(subject.try_into().unwrap()));
            params.subject_alt_names = names.to_vec();
        });
        assert_eq!(judge(&leaf, &[], &[&root.der], &RULES, now()), expected, "{subject} {names:?}");
    };
    check_named("a@good.example", &[address("b@good.example")], "ok");
    check_named("a@evil.example", &[], "certificate_untrusted");
    check_named("a@evil.example", &[address("b@good.example")], "certificate_untrusted");
    check_named("a@good.example", &[mailbox("ü@good.example")], "certificate_untrusted");
}

#[test]
fn critical_extension_that_is_not_known_is_untrusted() {
    let null = [5, 0];
    check_leaf(with(&UNKNOWN, true, &null), "certificate_untrusted");
    check_leaf(with(&UNKNOWN, false, &null), "ok");
    check_issuer(with_again(&UNKNOWN, true, &null), "certificate_untrusted", "certificate_untrusted");
    check_issuer(with_again(&UNKNOWN, false, &null), "ok", "ok");
    // As documented: webpki knows no policies, the anchor is read by certbound itself.
    let policies = tagged(0x30, &tagged(0x30, &[6, 2, 42, 3]));
    check_issuer(with_again(&[2, 5, 29, 32], true, &policies), "certificate_untrusted", "ok");
    check_leaf(with(&[2, 5, 29, 32], false, &policies), "ok");
}

#[test]
fn path_that_constrains_policies_is_untrusted() {
    let none_left = tagged(0x30, &[0x80, 1, 0]);
    for (oid, content) in [([2, 5, 29, 36], none_left.as_slice()), ([2, 5, 29, 54], &[2, 1, 0])] {
        for critical in [true, false] {
            check_leaf(with(&oid, critical, content), "certificate_untrusted");
            check_issuer(with_again(&oid, critical, content), "certificate_untrusted", "certificate_untrusted");
        }
    }
}

#[test]
fn extension_that_is_there_twice_is_malformed() {
    let twice = |params: &mut CertificateParams| {
        with(&UNKNOWN, false, &[5, 0])(params);
        with(&UNKNOWN, false, &[5, 0])(params);
    };
    let root = Authority::root("Root", plain);
    let issuer = root.intermediate("Issuer", twice);
    check_leaf(twice, "certificate_malformed");
    check_leaf(with(&[2, 5, 29, 15], true, &[3, 2, 7, 0x80]), "certificate_malformed");
    check(&issuer.client(plain), &[&issuer.der], &[&root.der], "certificate_malformed");
}

#[test]
fn certificate_outside_the_profile_is_malformed() {
    let malformed = "certificate_malformed";
    // rcgen marks subjectAltName critical when it stands in for the subject.
    check_leaf(|params| params.distinguished_name = DistinguishedName::new(), "ok");
    check_leaf(
        |params| {
            params.distinguished_name = DistinguishedName::new();
            params.subject_alt_names = vec![];
        },
        malformed,
    );
    check_leaf(with(&AUTHORITY_INFO_ACCESS, false, &tagged(0x30, &[])), malformed);
    check_leaf(with(&AUTHORITY_INFO_ACCESS, false, &[5, 0]), malformed);
    for identifier in [35, 14] {
        check_leaf(with(&[2, 5, 29, identifier], false, &[5, 0]), malformed);
    }
    // Positive, although its first bit is set: DER puts a zero in front.
    check_leaf(|params| params.serial_number = Some(SerialNumber::from_slice(&[0xff; 16])), "ok");
}

#[test]
fn name_that_is_no_text_is_malformed() {
    let leaf = Authority::root("Root", plain)
        .client(|params| params.distinguished_name.push(DnType::OrganizationName, "Zebra"));
    assert!(examined(&leaf).is_ok());

    let place = leaf.windows(5).position(|window| window == b"Zebra").unwrap();
    let mut no_text = leaf.clone();
    *no_text.get_mut(place).unwrap() = 0xff;
    assert_eq!(examined(&no_text).unwrap_err(), "a name has a UTF8String that is not UTF-8");
}

#[test]
fn negative_serial_number_is_malformed() {
    let serial = SerialNumber::from_slice(&[0x7f; 16]);
    let mut leaf = Authority::root("Root", plain).client(|params| params.serial_number = Some(serial));
    assert_eq!(examined(&leaf).unwrap().hold_profile(), Ok(()));

    // The signature breaks, so that the certificate is looked at without a path.
    let place = leaf.windows(16).position(|window| window == [0x7f; 16]).unwrap();
    *leaf.get_mut(place).unwrap() = 0x80;
    let denial = examined(&leaf).unwrap().hold_profile().unwrap_err();
    assert_eq!(denial.code(), "certificate_malformed");
}

#[test]
fn anything_but_one_certificate_in_der_is_malformed() {
    let root = Authority::root("Root", plain);
    let leaf = root.client(plain);
    let trailing = [leaf.as_slice(), &[0]].concat();
    let cut = leaf.split_last().unwrap().1;
    // A length in more octets than it needs is BER.
    let long = [&[0x30, 0x83, 0], leaf.get(2..).unwrap()].concat();
    // The algorithm stands in the certificate twice; the last octet of its identifier tells the hashes apart.
    let place = leaf.windows(ECDSA_SHA256.len()).rposition(|window| window == ECDSA_SHA256).unwrap();
    let mut two_algorithms = leaf.clone();
    *two_algorithms.get_mut(place + ECDSA_SHA256.len() - 1).unwrap() += 1;

    for broken in [&[], cut, &trailing, &long, &two_algorithms, b"-----BEGIN CERTIFICATE-----"] {
        check(broken, &[], &[&root.der], "certificate_malformed");
        check(&leaf, &[broken], &[&root.der], "certificate_malformed");
    }
}

#[test]
fn key_is_of_a_kind_and_size_that_is_accepted() {
    let root = Authority::root("Root", plain);
    let check_rsa = |bits, exponent, minimum_rsa_bits, expected| {
        let leaf = root.client_with(&Rsa::of_bits(bits, exponent), plain);
        let rules = PathRules { minimum_rsa_bits, ..RULES };
        assert_eq!(judge(&leaf, &[], &[&root.der], &rules, now()), expected, "{bits} {exponent}");
    };
    check_rsa(2048, 3, 2048, "ok");
    check_rsa(1024, 3, 2048, "certificate_weak");
    check_rsa(2047, 3, 2048, "certificate_weak");
    check_rsa(2052, 3, 2048, "certificate_weak");
    check_rsa(2048, 3, 3072, "certificate_weak");
    check_rsa(2048, 1, 2048, "certificate_untrusted");
    check_rsa(2048, 4, 2048, "certificate_untrusted");

    for algorithm in [&PKCS_ECDSA_P384_SHA384, &PKCS_ED25519] {
        let leaf = root.client_with(&KeyPair::generate_for(algorithm).unwrap(), plain);
        check(&leaf, &[], &[&root.der], "ok");
    }
}

/// Trust, then dates, then purpose, then strength.
#[test]
fn first_of_several_faults_answers() {
    let (root, stranger) = (Authority::root("Root", plain), Authority::root("Stranger", plain));
    let (short, fine) = (|| Rsa::of_bits(1024, 3), || Rsa::of_bits(2048, 3));
    let expired = |params: &mut CertificateParams| in_years(2022, 2025)(params);
    let early = |params: &mut CertificateParams| in_years(2027, 2028)(params);
    let server = |params: &mut CertificateParams| params.extended_key_usages = vec![Purpose::ServerAuth];
    let authority = |params: &mut CertificateParams| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let critical = |params: &mut CertificateParams| with(&UNKNOWN, true, &[5, 0])(params);
    let all: [&dyn Fn(&mut CertificateParams); 5] = [&critical, &expired, &server, &authority, &early];
    let check = |key: &Rsa, changes: &[usize], expected: &str| {
        let change =
            |params: &mut CertificateParams| changes.iter().for_each(|change| all.get(*change).unwrap()(params));
        check(&root.client_with(key, change), &[], &[&root.der], expected);
        check(&stranger.client_with(key, change), &[], &[&root.der], "certificate_untrusted");
        check(&stranger.client_with(key, change), &[&stranger.der], &[&root.der], "certificate_untrusted");
    };
    check(&short(), &[0, 1, 2], "certificate_untrusted");
    check(&short(), &[1, 2, 3], "certificate_expired");
    check(&short(), &[2, 4], "certificate_not_yet_valid");
    check(&fine(), &[1, 2], "certificate_expired");
    check(&fine(), &[1, 3], "certificate_expired");
    check(&short(), &[1], "certificate_expired");
    check(&short(), &[2], "certificate_wrong_purpose");
    check(&short(), &[3], "certificate_wrong_purpose");
    check(&short(), &[], "certificate_weak");

    let judge = |leaf: &[u8], sent: &[&[u8]]| judge(leaf, sent, &[&root.der], &RULES, now());
    assert_eq!(judge(&self_signed_client(authority), &[]), "certificate_untrusted");
    let for_servers = root.intermediate("For servers", server);
    for (leaf, expected) in [
        (for_servers.client(expired), "certificate_expired"),
        (for_servers.client_with(&short(), plain), "certificate_wrong_purpose"),
        (for_servers.client(critical), "certificate_untrusted"),
    ] {
        assert_eq!(judge(&leaf, &[&for_servers.der]), expected);
    }
    let past = root.intermediate("Past", in_years(2020, 2025));
    assert_eq!(judge(&past.client(server), &[&past.der]), "certificate_untrusted");
    assert_eq!(judge(&past.client_with(&short(), plain), &[&past.der]), "certificate_untrusted");
}

#[test]
fn path_may_be_as_long_as_the_rules_say() {
    let root = Authority::root("Root", plain);
    let mut issuers = vec![root.intermediate("1", plain)];
    for number in 2..=10 {
        let next = issuers.last().unwrap().intermediate(&number.to_string(), plain);
        issuers.push(next);
    }
    let leaf = issuers.last().unwrap().client(plain);
    let sent: Vec<&[u8]> = issuers.iter().map(|issuer| issuer.der.as_slice()).collect();
    for (max_intermediates, expected) in [(9, "certificate_untrusted"), (10, "ok")] {
        let rules = PathRules { max_intermediates, ..RULES };
        assert_eq!(judge(&leaf, &sent, &[&root.der], &rules, now()), expected);
    }
}

#[test]
fn path_that_fails_does_not_hide_one_that_holds() {
    let root = Authority::root("Root", plain);
    let issuer = root.intermediate("Issuer", plain);
    let leaf = issuer.client(plain);
    let crippled = |change: fn(&mut CertificateParams)| issuer.certified_again(&root, change);
    for broken in [
        crippled(|params| params.key_usages = vec![Usage::CrlSign]),
        crippled(|params| in_years(2020, 2025)(params)),
        crippled(|params| with(&[2, 5, 29, 54], false, &[2, 1, 0])(params)),
        crippled(|params| params.extended_key_usages = vec![Purpose::ServerAuth]),
    ] {
        check(&leaf, &[&broken, &issuer.der], &[&root.der], "ok");
        check(&leaf, &[&issuer.der, &broken], &[&root.der], "ok");
        assert_ne!(judge(&leaf, &[&broken], &[&root.der], &RULES, now()), "ok");
    }

    // The same name and key as two anchors, of which one can anchor nothing.
    let barred = crippled(|params| with(&[2, 5, 29, 54], false, &[2, 1, 0])(params));
    check(&leaf, &[], &[&barred, &issuer.der], "ok");
    check(&leaf, &[], &[&issuer.der, &barred], "ok");
    check(&leaf, &[], &[&barred], "certificate_untrusted");
}

#[test]
fn path_is_valid_while_all_of_it_is() {
    let root = Authority::root("Root", in_years(2021, 2030));
    let issuer = root.intermediate("Issuer", in_years(2026, 2031));
    let leaf = issuer.client(in_years(2020, 2035));
    let path = verify(&presented(&leaf, &[&issuer.der]).unwrap(), &trusting(&[&root.der]), &RULES, now()).unwrap();
    assert_eq!(path.valid, Validity { from: year(2026), until: year(2030) });
    assert_eq!(path.intermediates.iter().map(Decoded::der).collect::<Vec<_>>(), [issuer.der]);
}

fn in_years_again(from: i32, until: i32) -> impl Fn(&mut CertificateParams) {
    move |params| in_years(from, until)(params)
}

fn with_again(oid: &[u64], critical: bool, content: &[u8]) -> impl Fn(&mut CertificateParams) {
    move |params| with(oid, critical, content)(params)
}

const NAME_CONSTRAINTS: [u64; 4] = [2, 5, 29, 30];
const AUTHORITY_INFO_ACCESS: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 1, 1];
const UNKNOWN: [u64; 5] = [1, 3, 6, 1, 99];
const ECDSA_SHA256: [u8; 10] = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
