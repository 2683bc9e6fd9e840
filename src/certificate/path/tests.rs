#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints, SerialNumber,
};

use super::*;
use crate::certificate::mint::{Authority, HALF, NOW, RULES, at, authority, client, params, presented};

/// The code of the refusal; none if the path holds.
fn code(presented: &Presented, trust: &Truststore, rules: &PathRules, now: u64) -> Option<&'static str> {
    verify(presented, trust, rules, at(now)).err().map(|denial| denial.code())
}

/// A leaf under a root, each with a change.
#[track_caller]
fn check(root: CertificateParams, leaf: CertificateParams, expected: Option<&'static str>) {
    let root = Authority::root(root);
    let leaf = root.issue(leaf);
    assert_eq!(code(&presented(leaf), &root.trusted(), &RULES, NOW), expected);
}

fn with(mut params: CertificateParams, change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    change(&mut params);
    params
}

fn critical(oid: &[u64]) -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(oid, vec![0x30, 0]);
    extension.set_criticality(true);
    extension
}

#[test]
fn leaf_of_an_anchor_is_believed() {
    check(authority("root"), client("alice"), None);
}

#[test]
fn leaf_that_is_not_for_clients_has_the_wrong_purpose() {
    let wrong = Some("certificate_wrong_purpose");
    let usages = |usages: &[ExtendedKeyUsagePurpose]| with(client("a"), |p| p.extended_key_usages = usages.to_vec());
    check(authority("root"), usages(&[ExtendedKeyUsagePurpose::ServerAuth]), wrong);
    check(authority("root"), usages(&[ExtendedKeyUsagePurpose::Any]), wrong);
    check(authority("root"), usages(&[]), wrong);
    check(authority("root"), usages(&[ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth]), None);
    check(authority("root"), with(client("a"), |p| p.key_usages = vec![KeyUsagePurpose::KeyEncipherment]), wrong);
    check(authority("root"), with(client("a"), |p| p.key_usages = vec![]), None);
    check(authority("root"), with(client("a"), |p| p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)), wrong);
}

#[test]
fn issuer_that_is_not_for_clients_makes_the_purpose_wrong() {
    let serves = |p: &mut CertificateParams| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    check(with(authority("root"), serves), client("a"), Some("certificate_wrong_purpose"));

    let root = Authority::root(authority("root"));
    let issuing = root.subordinate(with(authority("issuing"), serves));
    let presented = Presented { leaf: issuing.issue(client("a")), intermediates: vec![issuing.der.to_vec()] };
    assert_eq!(code(&presented, &root.trusted(), &RULES, NOW), Some("certificate_wrong_purpose"));
}

#[test]
fn absent_purpose_is_accepted_only_where_the_operator_says_so_and_a_wrong_one_never() {
    let root = Authority::root(authority("root"));
    let rules = PathRules { require_client_auth: false, ..RULES };
    let absent = root.issue(with(client("a"), |p| p.extended_key_usages = vec![]));
    let other = root.issue(with(client("a"), |p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]));
    assert_eq!(code(&presented(absent), &root.trusted(), &rules, NOW), None);
    assert_eq!(code(&presented(other), &root.trusted(), &rules, NOW), Some("certificate_wrong_purpose"));
}

#[test]
fn dates_of_the_leaf_answer_for_the_leaf_and_hold_to_the_second() {
    let root = Authority::root(with(authority("root"), |p| {
        p.not_before = time::OffsetDateTime::from_unix_timestamp(0).unwrap();
        p.not_after = time::OffsetDateTime::from_unix_timestamp(4_000_000_000).unwrap();
    }));
    let leaf = presented(root.issue(client("alice")));
    for (now, expected) in [
        (NOW - HALF, None),
        (NOW - HALF - 1, Some("certificate_not_yet_valid")),
        (NOW + HALF, None),
        (NOW + HALF + 1, Some("certificate_expired")),
    ] {
        assert_eq!(code(&leaf, &root.trusted(), &RULES, now), expected, "{now}");
    }
}

#[test]
fn dates_of_an_issuer_make_the_path_untrusted() {
    let root = Authority::root(authority("root"));
    let long =
        |p: &mut CertificateParams| p.not_after = time::OffsetDateTime::from_unix_timestamp(4_000_000_000).unwrap();
    let leaf = presented(root.issue(with(client("alice"), long)));
    assert_eq!(code(&leaf, &root.trusted(), &RULES, NOW + HALF + 1), Some("certificate_untrusted"));

    let root = Authority::root(with(authority("root"), long));
    let issuing = root.subordinate(authority("issuing"));
    let leaf = issuing.issue(with(client("alice"), long));
    let presented = Presented { leaf, intermediates: vec![issuing.der.to_vec()] };
    assert_eq!(code(&presented, &root.trusted(), &RULES, NOW), None);
    assert_eq!(code(&presented, &root.trusted(), &RULES, NOW + HALF + 1), Some("certificate_untrusted"));
}

#[test]
fn chain_that_came_along_is_material_and_not_trust() {
    let (ours, theirs) = (Authority::root(authority("root")), Authority::root(authority("root")));
    let leaf = theirs.issue(client("mallory"));
    let untrusted = Some("certificate_untrusted");
    assert_eq!(code(&presented(leaf.clone()), &ours.trusted(), &RULES, NOW), untrusted);
    let with_root = Presented { leaf, intermediates: vec![theirs.der.to_vec()] };
    assert_eq!(code(&with_root, &ours.trusted(), &RULES, NOW), untrusted);
}

#[test]
fn missing_intermediate_leaves_the_leaf_untrusted_and_an_anchor_may_be_an_intermediate() {
    let root = Authority::root(authority("root"));
    let issuing = root.subordinate(authority("issuing"));
    let leaf = issuing.issue(client("alice"));
    assert_eq!(code(&presented(leaf.clone()), &root.trusted(), &RULES, NOW), Some("certificate_untrusted"));
    assert_eq!(code(&presented(leaf.clone()), &issuing.trusted(), &RULES, NOW), None);
    let complete = Presented { leaf, intermediates: vec![issuing.der.to_vec()] };
    assert_eq!(code(&complete, &root.trusted(), &RULES, NOW), None);
}

#[test]
fn self_issued_leaf_has_no_shortcut_even_beside_the_anchors() {
    let root = Authority::root(authority("root"));
    let itself = client("alice").self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec();
    assert_eq!(code(&presented(itself.clone()), &root.trusted(), &RULES, NOW), Some("certificate_untrusted"));
    let (trust, skipped) = Truststore::new(vec![root.der.clone(), itself.clone().into()], at(NOW)).unwrap();
    assert_eq!(skipped.len(), 1);
    assert_eq!(code(&presented(itself), &trust, &RULES, NOW), Some("certificate_untrusted"));
}

#[test]
fn issuer_that_may_not_sign_certificates_leads_nowhere() {
    let root = Authority::root(authority("root"));
    for params in
        [params("no authority"), with(authority("no keyCertSign"), |p| p.key_usages = vec![KeyUsagePurpose::CrlSign])]
    {
        let issuing = root.subordinate(params);
        let presented = Presented { leaf: issuing.issue(client("alice")), intermediates: vec![issuing.der.to_vec()] };
        assert_eq!(code(&presented, &root.trusted(), &RULES, NOW), Some("certificate_untrusted"));
    }
}

#[test]
fn length_of_the_path_holds_for_intermediate_and_anchor() {
    let short = |p: &mut CertificateParams| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    for (root, first) in [(with(authority("r"), short), authority("i")), (authority("r"), with(authority("i"), short))]
    {
        let root = Authority::root(root);
        let first = root.subordinate(first);
        let second = first.subordinate(authority("second"));
        let presented = Presented {
            leaf: second.issue(client("alice")),
            intermediates: vec![second.der.to_vec(), first.der.to_vec()],
        };
        assert_eq!(code(&presented, &root.trusted(), &RULES, NOW), Some("certificate_untrusted"));
    }
}

#[test]
fn extension_that_must_be_obeyed_and_is_not_known_is_refused_everywhere() {
    let unknown = |p: &mut CertificateParams| p.custom_extensions = vec![critical(&[1, 3, 6, 1, 4, 1, 99999, 1])];
    check(authority("root"), with(client("a"), unknown), Some("certificate_untrusted"));
    check(with(authority("root"), unknown), client("a"), Some("certificate_untrusted"));
}

#[test]
fn policies_are_not_evaluated_so_constraints_on_them_are_refused_critical_or_not() {
    for oid in [[2, 5, 29, 36], [2, 5, 29, 54]] {
        let asks = |p: &mut CertificateParams| {
            p.custom_extensions = vec![CustomExtension::from_oid_content(&oid, vec![0x30, 0])];
        };
        check(authority("root"), with(client("a"), asks), Some("certificate_untrusted"));
        check(with(authority("root"), asks), client("a"), Some("certificate_untrusted"));
    }
}

#[test]
fn name_outside_the_constraints_of_the_anchor_is_refused() {
    let constrained = with(authority("root"), |p| {
        let permitted_subtrees = vec![rcgen::GeneralSubtree::Rfc822Name("bank.example".into())];
        p.name_constraints = Some(rcgen::NameConstraints { permitted_subtrees, excluded_subtrees: vec![] });
    });
    let mailing = |address: &str| {
        with(client("alice"), |p| {
            p.subject_alt_names = vec![rcgen::SanType::Rfc822Name(address.try_into().unwrap())];
        })
    };
    check(constrained.clone(), mailing("alice@bank.example"), None);
    check(constrained, mailing("alice@elsewhere.example"), Some("certificate_untrusted"));
}

#[test]
fn any_changed_byte_of_a_certificate_takes_its_path_away() {
    let root = Authority::root(authority("root"));
    let leaf = root.issue(client("alice"));
    let trust = root.trusted();
    assert_eq!(code(&presented(leaf.clone()), &trust, &RULES, NOW), None);
    for place in 0..leaf.len() {
        let mut changed = leaf.clone();
        changed[place] ^= 1;
        assert!(code(&presented(changed), &trust, &RULES, NOW).is_some(), "byte {place}");
    }
}

#[test]
fn renewed_anchor_of_the_same_key_takes_over_from_the_old_one() {
    let key = KeyPair::generate().unwrap();
    let old = authority("root").self_signed(&key).unwrap().der().clone();
    let renewed = with(authority("root"), |p| {
        p.not_after = time::OffsetDateTime::from_unix_timestamp(4_000_000_000).unwrap();
        p.serial_number = Some(2_u64.into());
    });
    let renewed_der = renewed.self_signed(&key).unwrap().der().clone();
    let issuer = rcgen::Issuer::new(renewed, key);
    let leaf =
        with(client("alice"), |p| p.not_after = time::OffsetDateTime::from_unix_timestamp(4_000_000_000).unwrap());
    let leaf = leaf.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap().der().to_vec();
    let (trust, _) = Truststore::new(vec![old, renewed_der], at(NOW)).unwrap();
    let path = verify(&presented(leaf), &trust, &RULES, at(NOW + HALF + 1)).unwrap();
    assert_eq!(path.valid.1, at(4_000_000_000));
}

#[test]
fn name_under_an_excluded_one_is_refused_however_it_is_written() {
    let name = |value: DnValue| {
        let mut name = DistinguishedName::new();
        name.push(DnType::OrganizationName, value);
        name
    };
    let utf8 = |text: &str| DnValue::Utf8String(text.to_owned());
    let judge_named = |excluded: DnValue, subject: DnValue| {
        let mut root = authority("root");
        let excluded_subtrees = vec![GeneralSubtree::DirectoryName(name(excluded))];
        root.name_constraints = Some(NameConstraints { permitted_subtrees: vec![], excluded_subtrees });
        let root = Authority::root(root);
        let mut leaf = client("tpp");
        leaf.distinguished_name = name(subject);
        let verdict = verify(&presented(root.issue(leaf)), &root.trusted(), &RULES, at(NOW));
        verdict.map_or_else(|denial| denial.code(), |_| "ok")
    };
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
        assert_eq!(judge_named(utf8("Evil Corp"), written.clone()), "certificate_untrusted", "{written:?}");
    }
    assert_eq!(judge_named(utf8("Evil Corp"), utf8("Good Corp")), "ok");
    assert_eq!(judge_named(utf8("Böse"), utf8("BÖSE")), "certificate_untrusted");
}

#[test]
fn stranger_is_untrusted_before_the_leaf_is_out_of_date() {
    let (root, stranger) = (Authority::root(authority("root")), Authority::root(authority("root")));
    // The authority lives for a day before and a day after; hours count from now.
    let leaf = |from: i64, until: i64| {
        with(client("tpp"), |p| {
            let now = p.not_before + time::Duration::days(1);
            p.not_before = now + time::Duration::hours(from);
            p.not_after = now + time::Duration::hours(until);
        })
    };
    for (from, until, expected) in [
        (-9, -1, "certificate_expired"),
        (1, 9, "certificate_not_yet_valid"),
        // Its root was renewed after the leaf had ended.
        (-90, -80, "certificate_expired"),
        (1, -1, "certificate_untrusted"),
    ] {
        let judge =
            |issuer: &Authority| code(&presented(issuer.issue(leaf(from, until))), &root.trusted(), &RULES, NOW);
        assert_eq!(judge(&root), Some(expected), "{from} {until}");
        assert_eq!(judge(&stranger), Some("certificate_untrusted"), "{from} {until}");
    }
}

#[test]
fn extension_that_is_not_processed_may_not_be_there_twice_either() {
    let twice = |p: &mut CertificateParams| {
        p.custom_extensions = vec![CustomExtension::from_oid_content(&[1, 3, 6, 1, 99], vec![5, 0]); 2];
    };
    check(authority("root"), with(client("tpp"), twice), Some("certificate_malformed"));
}

#[test]
fn serial_number_is_not_negative() {
    let root = Authority::root(authority("root"));
    let mut leaf = root.issue(with(client("tpp"), |p| p.serial_number = Some(SerialNumber::from_slice(&[0x7f; 16]))));
    assert_eq!(Examined::parse(&leaf).unwrap().hold_subject(), Ok(()));
    // The signature breaks, so that the certificate is looked at without a path.
    let place = leaf.windows(16).position(|window| window == [0x7f; 16]).unwrap();
    leaf[place] = 0x80;
    let denial = Examined::parse(&leaf).unwrap().hold_subject().unwrap_err();
    assert_eq!(denial.code(), "certificate_malformed");
    // Positive, although its first bit is set: DER puts a zero in front.
    check(
        authority("root"),
        with(client("tpp"), |p| p.serial_number = Some(SerialNumber::from_slice(&[0xff; 16]))),
        None,
    );
}
