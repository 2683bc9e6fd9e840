#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use super::*;

#[track_caller]
fn check(target: &str, hosts: &[&str], expected: bool) {
    let mut headers = HeaderMap::new();
    for host in hosts {
        headers.append(HOST, HeaderValue::from_bytes(host.as_bytes()).unwrap());
    }
    assert_eq!(names_this_machine(&target.parse().unwrap(), &headers), expected, "{target} {hosts:?}");
}

#[test]
fn this_machine_is_named_by_localhost_and_loopback_addresses() {
    for host in ["localhost", "localhost:9902", "LOCALHOST:1", "127.0.0.1:9902", "127.8.9.1", "[::1]", "[::1]:9902"] {
        check("/", &[host], true);
        check("http://localhost:9902/", &[host], true);
    }
}

#[test]
fn every_other_name_may_have_been_made_to_lead_here() {
    let elsewhere = ["", "rebound.example", "rebound.example:9902", "localhost.rebound.example", "10.0.0.1", "0.0.0.0"];
    let malformed = ["localhost:x", "a@localhost", "localhost ", "localhost:9902:9902", "[::1", "\u{fc}"];
    for host in elsewhere.into_iter().chain(malformed) {
        check("/", &[host], false);
    }
    check("http://rebound.example/", &["localhost"], false);
    check("/", &[], false);
    check("/", &["localhost", "localhost"], false);
}

#[test]
fn policy_lets_nothing_in_but_the_style_of_the_page() {
    let policy = POLICY.to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
}
