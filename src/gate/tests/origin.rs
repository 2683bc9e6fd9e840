//! What clients are believed to have called.

use super::*;
use crate::headers::Asserted;

/// The origin for these headers, as a trusted peer or a stranger sends them; the code where it cannot be told.
fn origin(
    configured: &PublicOrigin,
    trusted: bool,
    fields: &[(&'static str, &str)],
    authority: Option<&str>,
) -> Result<String, &'static str> {
    let world = World::new();
    let headers: HeaderMap =
        fields.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect();
    let connection = Connection::from(Some(IpAddr::from(if trusted { BALANCER } else { [192, 0, 2, 1] })));
    let asserted = Asserted::default();
    let peer = world.gate.peers.admit(&connection, &asserted, mint::at(NOW)).unwrap().ok();
    assert_eq!(peer.is_some(), trusted);
    let request = Inbound {
        connection: &connection,
        asserted: &asserted,
        headers: &headers,
        method: &Method::GET,
        authority,
        path: RequestPath::parse(b"/").unwrap(),
    };
    configured.of(&request, peer).map(String::from).map_err(|denial| denial.code())
}

const PROTO: &str = "x-forwarded-proto";
const HOST: &str = "x-forwarded-host";

#[test]
fn trusted_peer_says_what_was_called() {
    let check = |fields: &[(&'static str, &str)], expected: &str| {
        assert_eq!(origin(&PublicOrigin::Forwarded, true, fields, Some("inside:8080")).as_deref(), Ok(expected));
    };
    check(&[], "https://inside:8080");
    check(&[(PROTO, "http")], "http://inside:8080");
    check(&[(HOST, "api.bank.example")], "https://api.bank.example");
    check(&[(HOST, " api.bank.example:8443 "), (PROTO, "https")], "https://api.bank.example:8443");
}

#[test]
fn peer_that_names_several_origins_names_none() {
    for fields in [
        &[(HOST, "evil.example"), (HOST, "api.bank.example")][..],
        &[(HOST, "evil.example, api.bank.example")],
        &[(HOST, "")],
        &[(PROTO, "https,http")],
        &[(PROTO, "https"), (PROTO, "https")],
    ] {
        let told = origin(&PublicOrigin::Forwarded, true, fields, Some("inside"));
        assert_eq!(told, Err("proof_invalid"), "{fields:?}");
    }
    assert_eq!(origin(&PublicOrigin::Forwarded, true, &[], None), Err("proof_invalid"));
    assert_eq!(origin(&PublicOrigin::Forwarded, true, &[], Some("")), Err("proof_invalid"));
}

#[test]
fn stranger_is_not_asked() {
    let fields = [(HOST, "evil.example"), (HOST, "two.example"), (PROTO, "http")];
    let told = origin(&PublicOrigin::Forwarded, false, &fields, Some("api.bank.example"));
    assert_eq!(told.as_deref(), Ok("https://api.bank.example"));
}

#[test]
fn configured_origin_stands_whatever_a_request_says() {
    let configured = PublicOrigin::Fixed("https://api.bank.example".into());
    let fields = [(HOST, "evil.example"), (HOST, "two.example")];
    assert_eq!(origin(&configured, true, &fields, None).as_deref(), Ok("https://api.bank.example"));
}

#[test]
fn balancer_that_hands_the_clients_tls_on_says_nothing_of_what_was_called() {
    let world = World::new();
    let connection = Connection::from(Some(IpAddr::from(BALANCER)));
    let peer = world.gate.peers.admit(&connection, &Asserted::default(), mint::at(NOW)).unwrap().ok();
    assert!(world.gate.source.voucher(peer).is_some());
    assert!(Source::Connection.voucher(peer).is_none());
}
