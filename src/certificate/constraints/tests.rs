use super::*;

#[track_caller]
fn check(found: Result<bool, &'static str>, expected: Option<bool>) {
    assert_eq!(found.ok(), expected, "{found:?}");
}

#[test]
fn dns_name_is_within_its_own_domain() {
    let permitted = |name, base| dns(name, base, Side::Permitted);
    check(permitted("example.com", "example.com"), Some(true));
    check(permitted("a.b.Example.com", "example.COM"), Some(true));
    check(permitted("notexample.com", "example.com"), Some(false));
    check(permitted("com", "example.com"), Some(false));
    check(permitted("anything.at", ""), Some(true));
    check(permitted("*.example.com", "example.com"), Some(true));
    check(permitted("*.example.com", "a.example.com"), Some(false));
    check(permitted("a.example.com", ".example.com"), None);
    check(permitted("a.example.com", "*.example.com"), None);
    check(permitted("a b.example.com", "example.com"), None);
    for (last, expected) in [("a", Some(true)), ("ab", None)] {
        let longest = "a.".repeat(126) + last;
        check(dns(&longest, last, Side::Permitted), expected);
    }
    check(dns("*.example.com", "a.example.com", Side::Excluded), Some(true));
    check(dns("*.example.org", "a.example.com", Side::Excluded), Some(false));
}

#[test]
fn mail_address_is_within_mailbox_host_or_domain() {
    check(mail("a@example.com", "a@Example.com"), Some(true));
    check(mail("A@example.com", "a@example.com"), Some(false));
    check(mail("a@example.com", "example.com"), Some(true));
    check(mail("a@b.example.com", "example.com"), Some(false));
    check(mail("a@b.example.com", ".example.com"), Some(true));
    check(mail("a@example.com", ".example.com"), Some(false));
    check(mail("a@*.example.com", "*.example.com"), Some(true));
    check(mail("a@b.example.com", "*.example.com"), Some(false));
    for none in ["a", "@example.com", "a@", "a@b@c", "a@.example.com"] {
        check(mail(none, "example.com"), None);
    }
    check(mail("a@example.com", "."), None);
}

#[test]
fn uri_is_held_by_its_host_alone() {
    check(uri("https://a.example.com/x?y", ".example.com"), Some(true));
    check(uri("https://user@a.example.com:443", ".example.com"), Some(true));
    check(uri("https://example.com", "example.com"), Some(true));
    check(uri("https://a.example.com", "example.com"), Some(false));
    check(uri("https://evil.org/.example.com", ".example.com"), Some(false));
    check(uri("urn:uuid:x", ".example.com"), None);
    check(uri("https://192.0.2.1/", ".example.com"), None);
    check(uri("https://[::1]/", ".example.com"), None);
    check(uri("https:///x", ".example.com"), None);
}

#[test]
fn ip_address_is_within_a_network() {
    check(ip(&[192, 0, 2, 7], &[192, 0, 2, 0, 255, 255, 255, 0]), Some(true));
    check(ip(&[192, 0, 3, 7], &[192, 0, 2, 0, 255, 255, 255, 0]), Some(false));
    check(ip(&[0; 16], &[192, 0, 2, 0, 255, 255, 255, 0]), Some(false));
    check(ip(&[192, 0, 2, 7], &[0; 32]), Some(false));
    check(ip(&[0; 16], &[0; 8]), Some(false));
    check(ip(&[192, 0, 2, 7], &[192, 0, 2, 0, 255, 0, 255, 0]), None);
    check(ip(&[192, 0, 2], &[192, 0, 2, 0, 255, 255, 255, 0]), None);
    check(ip(&[192, 0, 2, 7], &[192, 0, 2, 0]), None);
}

#[test]
fn directory_name_begins_with_its_constraint() {
    let name = |text: &str| text.parse::<Name>().unwrap_or_default();
    let directory = |name: &Name, base: &Name| {
        let permitted = directory(name, base, Side::Permitted);
        assert_eq!(directory(name, base, Side::Excluded), permitted);
        permitted
    };
    assert!(directory(&name("CN=a,O=b,C=de"), &name("O=b,C=de")));
    assert!(directory(&name("O=b,C=de"), &name("O=b,C=de")));
    assert!(!directory(&name("C=de"), &name("O=b,C=de")));
    assert!(!directory(&name("CN=a,O=c,C=de"), &name("O=b,C=de")));
    assert!(!directory(&name("O=b,CN=a,C=de"), &name("O=b,C=de")));
}

#[test]
fn name_that_may_be_equal_is_excluded_and_not_permitted() {
    let name = |text: &str| text.parse::<Name>().unwrap_or_default();
    let base = name("O=Evil Corp,C=DE");
    for written in ["O=EVIL  corp,C=DE", "O=Evil Corp,C=de", "CN=a,O=evil corp,C=DE", "O=Ev\\C3\\ADl,C=DE"] {
        assert!(directory(&name(written), &base, Side::Excluded), "{written}");
        assert!(!directory(&name(written), &base, Side::Permitted), "{written}");
    }
    for written in ["O=Evil,C=DE", "CN=Evil Corp,C=DE", "O=Evil Corp", "O=Evil Corp+OU=a,C=DE"] {
        assert!(!directory(&name(written), &base, Side::Excluded), "{written}");
    }
}

#[test]
fn host_with_a_dot_too_many_cannot_be_compared() {
    assert!(mail("a@evil.example.", "evil.example").is_err());
    assert!(mail("a@evil.example", "evil.example.").is_err());
    assert!(uri("https://evil.example./", "evil.example").is_err());
    assert!(uri("https://evil.example/", ".evil.example.").is_err());
}
