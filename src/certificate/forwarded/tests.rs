#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use std::net::IpAddr;

use http::{HeaderMap, HeaderName};
use rustls_pki_types::UnixTime;

use super::*;
use crate::{
    certificate::{
        mint::presented,
        profile::tests::{another, reference},
    },
    headers::{IdentityHeaders, ReadNames},
    peer::TrustedPeers,
};

const CERTIFICATE: &str = "client-cert";
const CHAIN: &str = "client-cert-chain";

fn saying(certificate: &[&str], chain: &[&str]) -> Asserted {
    let [leaf_name, chain_name] = [CERTIFICATE, CHAIN].map(HeaderName::from_static);
    let mut sent = HeaderMap::new();
    for value in certificate {
        sent.append(leaf_name.clone(), HeaderValue::from_str(value).unwrap());
    }
    for value in chain {
        sent.append(chain_name.clone(), HeaderValue::from_str(value).unwrap());
    }
    let read = ReadNames { certificate: Some(leaf_name), chain: Some(chain_name), secret: None };
    Asserted::take(&IdentityHeaders::new(read, []), &mut sent)
}

fn admitted() -> Result<TrustedPeer, &'static str> {
    let peers = TrustedPeers {
        networks: Some(vec!["127.0.0.0/8".parse().unwrap()]),
        balancers: None,
        secret: None,
        refuse_strangers: false,
    };
    let connection = Connection::from(Some(IpAddr::from([127, 0, 0, 1])));
    peers.admit(&connection, &Asserted::default(), UnixTime::since_unix_epoch(std::time::Duration::ZERO)).unwrap()
}

/// What is read of the headers: the leaf and the chain's values, or the code of the refusal.
fn read(profile: Profile, leaf: &[&str], chain: &[&str]) -> Result<(String, Vec<String>), &'static str> {
    let (asserted, connection) = (saying(leaf, chain), Connection::from(None));
    let source = Source::Header { profile, max_bytes: 16 };
    match ForwardedCert::read(admitted(), &asserted, &connection, &source) {
        Ok(ForwardedCert::Header { leaf, chain, .. }) => {
            let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
            Ok((text(leaf), chain.into_iter().map(text).collect()))
        }
        Ok(ForwardedCert::Connection(_)) => Err("a connection"),
        Err(denial) => Err(denial.code()),
    }
}

#[test]
fn exactly_one_value_of_the_certificate_header_is_read() {
    let check = |sent: &[&str], expected: Result<&str, &'static str>| {
        let found = read(Profile::Rfc9440, sent, &[]).map(|(leaf, _)| leaf);
        assert_eq!(found, expected.map(String::from), "{sent:?}");
    };
    check(&[":AAAA:"], Ok(":AAAA:"));
    check(&[" :AAAA:\t"], Ok(":AAAA:"));
    check(&[], Err("certificate_missing"));
    check(&[":AAAA:", ":AAAA:"], Err("certificate_repeated"));
    check(&[":AAAA:", ""], Err("certificate_repeated"));
    check(&["(null)", ":AAAA:"], Err("certificate_repeated"));
    check(&["-", "-"], Err("certificate_repeated"));
    check(&["1234567890123456"], Ok("1234567890123456"));
    check(&["12345678901234567"], Err("header_too_large"));
}

#[test]
fn values_that_mean_no_certificate_are_missing_in_every_profile() {
    let absent = ["", " ", "-", "(null)", "null", "NONE", "::", "{http.request}", "{}", ":{http.req}:"];
    for profile in Profile::ALL {
        for value in absent {
            assert_eq!(read(profile, &[value], &[]), Err("certificate_missing"), "{profile:?} {value:?}");
        }
    }
    for value in ["none", "NULL", "--", ":", "{", "{}x", "x{}"] {
        assert!(read(Profile::Nginx, &[value], &[]).is_ok(), "{value:?} is for the decoder to refuse");
    }
}

#[test]
fn chain_header_may_repeat_only_where_it_is_a_list() {
    let check = |profile, chain: &[&str], expected: Result<&[&str], &'static str>| {
        let found = read(profile, &["x"], chain).map(|(_, chain)| chain);
        let expected = expected.map(|values| values.iter().map(|value| String::from(*value)).collect::<Vec<_>>());
        assert_eq!(found, expected, "{profile:?} {chain:?}");
    };
    check(Profile::Rfc9440, &[], Ok(&[]));
    check(Profile::Rfc9440, &["a", "::", "b"], Ok(&["a", "b"]));
    check(Profile::Haproxy, &["a"], Ok(&["a"]));
    check(Profile::Haproxy, &["(null)"], Ok(&[]));
    check(Profile::Haproxy, &["a", "b"], Err("certificate_repeated"));
    check(Profile::Haproxy, &["a", "-"], Err("certificate_repeated"));
    check(Profile::Gcp, &[&"a".repeat(32), &"b".repeat(32)], Ok(&[&"a".repeat(32), &"b".repeat(32)]));
    check(Profile::Gcp, &[&"a".repeat(32), &"b".repeat(33)], Err("header_too_large"));
}

#[test]
fn stranger_shows_no_certificate_whatever_the_header_says() {
    let source = Source::Header { profile: Profile::Rfc9440, max_bytes: 4 };
    for sent in [&[":AAAA:"][..], &["a", "b"], &[]] {
        let (asserted, connection) = (saying(sent, &[]), Connection::from(None));
        let read = ForwardedCert::read(Err("a stranger"), &asserted, &connection, &source);
        assert_eq!(read.unwrap_err(), Denial::CertificateMissing { why: "a stranger" });
    }
}

fn shown(certificates: Vec<Vec<u8>>) -> Connection {
    let certificates = certificates.into_iter().map(CertificateDer::from).collect();
    Connection { certificates, ..Connection::from(None) }
}

#[test]
fn certificate_of_the_handshake_is_read_from_the_connection_alone() {
    let asserted = saying(&[":AAAA:"], &[]);
    let empty = Connection::from(None);
    let read = ForwardedCert::read(admitted(), &asserted, &empty, &Source::Connection);
    assert_eq!(read.unwrap_err().code(), "certificate_missing");

    let (leaf, one) = (reference(), another("one"));
    let connection = shown(vec![leaf.clone(), one.clone()]);
    let read = ForwardedCert::read(Err("a stranger"), &asserted, &connection, &Source::Connection).unwrap();
    assert_eq!(read.decode(1).unwrap(), presented(&leaf, &[&one]).unwrap());
    assert_eq!(read.decode(0).unwrap_err().code(), "certificate_malformed");
}

#[test]
fn handshake_certificates_are_held_to_strict_der() {
    let mut trailing = reference();
    trailing.push(0);
    for certificates in [vec![trailing.clone()], vec![reference(), trailing], vec![reference(), vec![0x30, 0]]] {
        let connection = shown(certificates);
        let asserted = Asserted::default();
        let read = ForwardedCert::read(Err("a stranger"), &asserted, &connection, &Source::Connection).unwrap();
        assert_eq!(read.decode(5).unwrap_err().code(), "certificate_malformed");
    }
}
