#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use std::{cell::Cell, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType};
use rustls_pki_types::CertificateDer;

use super::{shown::Judgement, *};
use crate::{
    headers::{IdentityHeaders, ReadNames},
    validity::Validity,
};

/// 2030-01-01.
const NOW: u64 = 1_893_456_000;
const DAY: u64 = 86_400;

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn time(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))
}

fn nobody() -> TrustedPeers {
    TrustedPeers { networks: None, balancers: None, secret: None, refuse_strangers: false }
}

fn from(peer: &str) -> Connection {
    Connection::from(Some(peer.parse().unwrap()))
}

fn unix() -> Connection {
    Connection::from(None)
}

fn saying(secrets: &[&str]) -> Asserted {
    let name = HeaderName::from_static("x-lb-auth");
    let mut sent = HeaderMap::new();
    for secret in secrets {
        sent.append(name.clone(), HeaderValue::from_str(secret).unwrap());
    }
    let read = ReadNames { secret: Some(name), ..ReadNames::default() };
    Asserted::take(&IdentityHeaders::new(read, []), &mut sent)
}

fn trusted(peers: &TrustedPeers, connection: &Connection, secrets: &[&str]) -> bool {
    peers.admit(connection, &saying(secrets), time(NOW)).unwrap().is_ok()
}

fn networks(cidrs: &[&str]) -> TrustedPeers {
    TrustedPeers { networks: Some(cidrs.iter().map(|cidr| cidr.parse().unwrap()).collect()), ..nobody() }
}

#[test]
fn networks_are_matched_on_the_canonical_tcp_peer() {
    let check = |cidrs: &[&str], peer: &str, expected: bool| {
        let peers = networks(cidrs);
        assert_eq!(trusted(&peers, &from(peer), &[]), expected, "{cidrs:?} {peer}");
        assert_eq!(peers.believes_proxy_header(Some(peer.parse().unwrap())), expected, "{cidrs:?} {peer}");
    };
    check(&["10.0.0.0/8"], "10.255.0.1", true);
    check(&["10.0.0.0/8"], "11.0.0.1", false);
    check(&["10.0.0.0/8"], "::ffff:10.0.0.1", true);
    check(&["10.0.0.0/8", "fd00::/8"], "fd12::1", true);
    check(&["fd00::/8"], "10.0.0.1", false);
    check(&["::/0"], "::ffff:10.0.0.1", false);
    check(&[], "127.0.0.1", false);
}

#[test]
fn address_named_by_a_proxy_header_proves_nothing() {
    let connection = Connection { proxied: Some("10.0.0.1".parse().unwrap()), ..from("203.0.113.9") };
    assert!(!trusted(&networks(&["10.0.0.0/8"]), &connection, &[]));
}

#[test]
fn without_any_proof_nobody_is_trusted_but_a_unix_socket() {
    assert!(!trusted(&nobody(), &from("127.0.0.1"), &[]));
    assert!(!nobody().believes_proxy_header(Some("127.0.0.1".parse().unwrap())));
    assert!(trusted(&nobody(), &unix(), &[]));
    assert!(nobody().believes_proxy_header(None));
}

#[test]
fn unix_socket_stands_for_the_network_alone() {
    let secret = Secrets::parse(b"one");
    assert!(trusted(&networks(&["10.0.0.0/8"]), &unix(), &[]));
    assert!(!trusted(&networks(&[]), &unix(), &[]));
    assert!(!trusted(&TrustedPeers { secret, ..nobody() }, &unix(), &[]));
}

#[test]
fn exactly_one_of_the_secrets_admits() {
    let peers = TrustedPeers { secret: Secrets::parse(b"  old secret \r\n\nnew\n"), ..nobody() };
    let check = |sent: &[&str], expected| assert_eq!(trusted(&peers, &from("192.0.2.1"), sent), expected, "{sent:?}");
    check(&["old secret"], true);
    check(&["new"], true);
    check(&[], false);
    check(&[""], false);
    check(&["New"], false);
    check(&["new "], false);
    check(&["old"], false);
    check(&["new", "new"], false);
    check(&["new", "old secret"], false);
}

#[test]
fn file_without_a_secret_is_none() {
    assert!(Secrets::parse(b"").is_none());
    assert!(Secrets::parse(b" \n\r\n\t\n").is_none());
}

#[test]
fn every_configured_proof_must_hold() {
    let peers = TrustedPeers { secret: Secrets::parse(b"s3cret"), ..networks(&["10.0.0.0/8"]) };
    assert!(trusted(&peers, &from("10.0.0.1"), &["s3cret"]));
    assert!(!trusted(&peers, &from("10.0.0.1"), &["wrong"]));
    assert!(!trusted(&peers, &from("11.0.0.1"), &["s3cret"]));
}

#[test]
fn stranger_is_refused_where_strangers_are_refused() {
    let peers = TrustedPeers { refuse_strangers: true, ..networks(&["10.0.0.0/8"]) };
    let denial = peers.admit(&from("11.0.0.1"), &saying(&[]), time(NOW)).unwrap_err();
    assert_eq!(denial.code(), "peer_untrusted");
    assert!(peers.admit(&from("10.0.0.1"), &saying(&[]), time(NOW)).unwrap().is_ok());
}

#[test]
fn stranger_is_told_apart_by_the_proof_that_does_not_hold() {
    let doubt = |peers: &TrustedPeers, connection: &Connection, secrets: &[&str]| {
        peers.admit(connection, &saying(secrets), time(NOW)).unwrap().unwrap_err()
    };
    let (peers, peer) = (networks(&["10.0.0.0/8"]), from("10.0.0.1"));
    assert_eq!(doubt(&peers, &from("11.0.0.1"), &[]), "the peer is in no trusted network");
    let peers = TrustedPeers { secret: Secrets::parse(b"s3cret"), ..peers };
    for (secrets, what) in [(&[][..], "missing"), (&["wrong"], "wrong"), (&["s3cret", "s3cret"], "repeated")] {
        assert_eq!(doubt(&peers, &peer, secrets), format!("the load balancer's secret is {what}"));
    }
    let (ours, foreign) = (authority(NOW + DAY), authority(NOW + DAY));
    let peers = TrustedPeers { balancers: Some(balancers(&ours, &["lb.bank.example"])), ..networks(&["10.0.0.0/8"]) };
    let showing =
        |certificates: Vec<_>| Connection { certificates: certificates.into_iter().collect(), ..peer.clone() };
    let names = [dns("lb.bank.example")];
    assert_eq!(doubt(&peers, &showing(vec![]), &[]), "the peer showed no certificate");
    let expired = leaf(&ours, &names, CLIENT, NOW - DAY);
    assert_eq!(doubt(&peers, &showing(vec![expired]), &[]), "the peer's certificate is out of date");
    let strange = leaf(&foreign, &names, CLIENT, NOW + DAY);
    let untrusted = "the peer's certificate leads to no authority of `client_ca_file`";
    assert_eq!(doubt(&peers, &showing(vec![strange]), &[]), untrusted);
    let nameless = leaf(&ours, &[], CLIENT, NOW + DAY);
    assert_eq!(doubt(&peers, &showing(vec![nameless]), &[]), "the peer's certificate has none of `client_names`");
}

#[test]
fn debug_output_shows_no_secret() {
    let shown = format!("{:?}", TrustedPeers { secret: Secrets::parse(b"s3cret\nother"), ..nobody() });
    assert!(shown.contains("Secrets(2)") && !shown.contains("s3cret"), "{shown}");
}

fn params(from: u64, until: u64) -> CertificateParams {
    let date = |seconds: u64| time::OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).unwrap()).unwrap();
    let mut params = CertificateParams::default();
    params.not_before = date(from);
    params.not_after = date(until);
    params
}

fn authority(until: u64) -> Issuer {
    CertifiedIssuer::self_signed(authority_params(until), KeyPair::generate().unwrap()).unwrap()
}

fn authority_params(until: u64) -> CertificateParams {
    let mut params = params(NOW - DAY, until);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn leaf(issuer: &Issuer, names: &[SanType], usage: ExtendedKeyUsagePurpose, until: u64) -> CertificateDer<'static> {
    let mut params = params(NOW - DAY, until);
    params.subject_alt_names = names.to_vec();
    params.extended_key_usages = vec![usage];
    params.signed_by(&KeyPair::generate().unwrap(), issuer).unwrap().der().clone()
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

fn balancers(issuer: &Issuer, names: &[&str]) -> Balancers {
    Balancers::new(vec![issuer.der().clone()], names.iter().map(|name| String::from(*name)).collect()).unwrap()
}

fn shown<const N: usize>(certificates: [CertificateDer<'static>; N]) -> Shown {
    certificates.into_iter().collect()
}

const CLIENT: ExtendedKeyUsagePurpose = ExtendedKeyUsagePurpose::ClientAuth;

#[test]
fn balancer_is_recognised_by_authority_and_name() {
    let (ours, foreign) = (authority(NOW + DAY), authority(NOW + DAY));
    let spiffe = SanType::URI("spiffe://bank.example/lb".try_into().unwrap());
    let check = |issuer: &Issuer, sent: &[SanType], allowed: &[&str], expected: bool| {
        let shown = shown([leaf(issuer, sent, CLIENT, NOW + DAY)]);
        assert_eq!(balancers(&ours, allowed).recognise(&shown, time(NOW)).is_ok(), expected, "{sent:?} {allowed:?}");
    };
    check(&ours, &[], &[], true);
    check(&foreign, &[], &[], false);
    check(&ours, &[dns("LB-1.bank.example")], &["lb-0.bank.example", "lb-1.Bank.example"], true);
    check(&foreign, &[dns("lb-1.bank.example")], &["lb-1.bank.example"], false);
    check(&ours, &[dns("lb-2.bank.example")], &["lb-1.bank.example"], false);
    check(&ours, &[dns("*.bank.example")], &["lb-1.bank.example"], false);
    check(&ours, &[dns("lb-1.bank.example")], &["*.bank.example"], false);
    check(&ours, &[], &["lb-1.bank.example"], false);
    check(&ours, std::slice::from_ref(&spiffe), &["spiffe://bank.example/lb"], true);
    check(&ours, std::slice::from_ref(&spiffe), &["spiffe://bank.example/LB"], false);
    check(&ours, &[SanType::Rfc822Name("lb@bank.example".try_into().unwrap())], &["lb@bank.example"], false);
}

#[test]
fn certificate_for_servers_or_none_is_no_balancer() {
    let ours = authority(NOW + DAY);
    let balancers = balancers(&ours, &[]);
    assert!(balancers.recognise(&Shown::default(), time(NOW)).is_err());
    let server = shown([leaf(&ours, &[], ExtendedKeyUsagePurpose::ServerAuth, NOW + DAY)]);
    assert!(balancers.recognise(&server, time(NOW)).is_err());
}

#[test]
fn recognised_balancer_is_one_until_leaf_or_authority_ends() {
    let check = |leaf_until: u64, authority_until: u64| {
        let ours = authority(authority_until);
        let balancers = balancers(&ours, &[]);
        let shown = shown([leaf(&ours, &[], CLIENT, leaf_until)]);
        assert!(balancers.recognise(&shown, time(NOW - 2 * DAY)).is_err(), "not yet");
        for second in [NOW, NOW, NOW + DAY] {
            assert!(balancers.recognise(&shown, time(second)).is_ok(), "{second}");
        }
        assert!(balancers.recognise(&shown, time(NOW + DAY + 1)).is_err(), "expired");
    };
    check(NOW + DAY, NOW + 9 * DAY);
    check(NOW + 9 * DAY, NOW + DAY);
}

#[test]
fn balancer_may_send_its_intermediate() {
    let ours = authority(NOW + DAY);
    let mut named = authority_params(NOW + DAY);
    named.distinguished_name.push(rcgen::DnType::CommonName, "intermediate");
    let middle = CertifiedIssuer::signed_by(named, KeyPair::generate().unwrap(), &ours).unwrap();
    let end = leaf(&middle, &[], CLIENT, NOW + DAY);
    assert!(balancers(&ours, &[]).recognise(&shown([end.clone()]), time(NOW)).is_err());
    assert!(balancers(&ours, &[]).recognise(&shown([end, middle.der().clone()]), time(NOW)).is_ok());
}

#[test]
fn recognised_balancer_is_one_until_its_intermediate_ends() {
    let ours = authority(NOW + 9 * DAY);
    let mut named = authority_params(NOW + DAY);
    named.distinguished_name.push(rcgen::DnType::CommonName, "intermediate");
    let middle = CertifiedIssuer::signed_by(named, KeyPair::generate().unwrap(), &ours).unwrap();
    let connection = shown([leaf(&middle, &[], CLIENT, NOW + 9 * DAY), middle.der().clone()]);
    let balancers = balancers(&ours, &[]);
    for (second, recognised) in [(NOW, true), (NOW + DAY, true), (NOW + DAY + 1, false)] {
        assert_eq!(balancers.recognise(&connection, time(second)).is_ok(), recognised, "{second}");
    }
}

#[test]
fn authority_that_is_none_is_refused() {
    let ours = authority(NOW + DAY);
    assert!(Balancers::new(vec![], vec![]).is_err());
    assert!(Balancers::new(vec![CertificateDer::from(vec![0x30, 0])], vec![]).is_err());
    assert!(Balancers::new(vec![leaf(&ours, &[], CLIENT, NOW + DAY)], vec![]).is_err());
    let mut denying = params(NOW - DAY, NOW + DAY);
    denying.is_ca = IsCa::ExplicitNoCa;
    let denying = denying.signed_by(&KeyPair::generate().unwrap(), &ours).unwrap();
    assert!(Balancers::new(vec![denying.der().clone()], vec![]).is_err());
}

#[test]
fn connection_must_show_the_balancer_where_one_is_asked_for() {
    let ours = authority(NOW + DAY);
    let peers = TrustedPeers { balancers: Some(balancers(&ours, &[])), ..nobody() };
    let shown = shown([leaf(&ours, &[], CLIENT, NOW + DAY)]);
    assert!(!trusted(&peers, &from("10.0.0.1"), &[]));
    assert!(trusted(&peers, &Connection { certificates: shown, ..from("10.0.0.1") }, &[]));
}

#[test]
fn certificates_of_a_connection_are_judged_once_for_as_long_as_that_holds() {
    let (shown, first, second) = (shown([CertificateDer::from(vec![0])]), Arc::new(()), Arc::new(()));
    let times = Cell::new(0);
    let judged = |by: &Arc<()>, at: u64, verdict| {
        let holds = Validity { from: time(at), until: time(at + 1) };
        let judge = || {
            times.set(times.get() + 1);
            Judgement { verdict, holds }
        };
        (shown.clone().judged(by, time(at), judge).verdict, times.get())
    };
    assert_eq!(judged(&first, 5, Err("no")), (Err("no"), 1));
    assert_eq!(judged(&first, 6, Ok(())), (Err("no"), 1));
    assert_eq!(judged(&first, 7, Ok(())), (Ok(()), 2), "its time is over");
    assert_eq!(judged(&first, 6, Err("no")), (Err("no"), 3), "its time is yet to come");
    assert_eq!(judged(&second, 6, Ok(())), (Ok(()), 4), "the other has not judged");
    assert_eq!(judged(&first, 6, Err("no")), (Err("no"), 5), "and it is the other that has");
}

#[test]
fn other_authorities_and_names_judge_an_open_connection_anew() {
    let (ours, theirs) = (authority(NOW + DAY), authority(NOW + DAY));
    let connection = shown([leaf(&ours, &[dns("lb.bank.example")], CLIENT, NOW + DAY)]);
    for (peers, recognised) in [
        (balancers(&ours, &[]), true),
        (balancers(&theirs, &[]), false),
        (balancers(&ours, &["lb.bank.example"]), true),
        (balancers(&ours, &["other.bank.example"]), false),
        (balancers(&ours, &[]), true),
    ] {
        assert_eq!(peers.recognise(&connection, time(NOW)).is_ok(), recognised);
    }
}

#[test]
fn stranger_is_judged_anew_when_a_date_comes_and_not_before() {
    let ours = authority(NOW + 9 * DAY);
    let mut later = params(NOW + DAY, NOW + 2 * DAY);
    later.extended_key_usages = vec![CLIENT];
    let later = later.signed_by(&KeyPair::generate().unwrap(), &ours).unwrap().der().clone();
    let (balancers, connection) = (balancers(&ours, &[]), shown([later.clone()]));
    let verdict = |second| balancers.recognise(&connection, time(second)).is_ok();
    assert!(!verdict(NOW) && !verdict(NOW + DAY - 1));
    assert!(verdict(NOW + DAY) && verdict(NOW + 2 * DAY));
    assert!(!verdict(NOW + 2 * DAY + 1));

    let judged = balancers.judge(&later, &[], time(NOW)).holds;
    assert_eq!(judged, Validity { from: time(NOW), until: time(NOW + DAY - 1) });
    assert_eq!(balancers.judge(&later, &[], time(NOW + DAY - 1)).holds.until, time(NOW + DAY - 1));
    let judged = balancers.judge(&later, &[], time(NOW + 3 * DAY)).holds;
    assert_eq!(judged, Validity { from: time(NOW + 3 * DAY), until: time(NOW + 9 * DAY) });
}

#[test]
fn four_intermediates_of_a_balancer_are_looked_at() {
    let ours = authority(NOW + DAY);
    let named = |name: &str| {
        let mut params = authority_params(NOW + DAY);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params
    };
    let middle = CertifiedIssuer::signed_by(named("middle"), KeyPair::generate().unwrap(), &ours).unwrap();
    let end = leaf(&middle, &[], CLIENT, NOW + DAY);
    let other = authority(NOW + DAY).der().clone();
    for (before, recognised) in [(0, true), (3, true), (4, false)] {
        let others = std::iter::repeat_n(other.clone(), before);
        let connection = [end.clone()].into_iter().chain(others).chain([middle.der().clone()]).collect();
        assert_eq!(balancers(&ours, &[]).recognise(&connection, time(NOW)).is_ok(), recognised, "{before}");
    }
}
