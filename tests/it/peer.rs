//! Only a load balancer that proves itself is believed about a certificate.

use std::{fs, net::TcpStream};

use crate::{
    support::{
        bank::Bank,
        config::Config,
        connection::{Answer, Connection, Request},
        pki::{Client, Pki, pem},
        sidecar::Sidecar,
        tls::client_config,
    },
    verdict::{assert_passed, assert_refused},
};

const ELSEWHERE: &str = r#"["10.0.0.0/8", "2001:db8::/32"]"#;

#[test]
fn certificate_from_outside_the_trusted_networks_is_gone() {
    let bank = Bank::start();
    let alice = &Pki::get().alice;
    for networks in [ELSEWHERE, "[]"] {
        let sidecar = Config::in_front_of(&bank).set("load_balancer.trusted_networks", networks).start();

        assert_refused(&sidecar.get("/a").by(alice).send(), "certificate_missing", &bank);
        let forwarded =
            sidecar.get("/a").by(alice).header("X-Forwarded-For", "127.0.0.1").header("Forwarded", "for=127.0.0.1");
        assert_refused(&forwarded.send(), "certificate_missing", &bank);
        let line = &sidecar.audit(2)[0];
        assert_eq!(
            (&line["peer_trusted"], &line["detail"]),
            (&false.into(), &"the peer is in no trusted network".into())
        );
    }
}

#[test]
fn untrusted_peer_is_refused_on_every_route_where_the_operator_says_so() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank)
        .set("load_balancer.trusted_networks", ELSEWHERE)
        .set("load_balancer.on_untrusted", r#""refuse""#)
        .route("path = \"/open\"\nrequire = []")
        .route("path = \"/accounts\"")
        .start();

    assert_refused(&sidecar.get("/open").send(), "peer_untrusted", &bank);
    assert_refused(&sidecar.get("/accounts").by(&Pki::get().alice).send(), "peer_untrusted", &bank);
}

#[test]
fn secret_header_proves_the_balancer_and_goes_no_further() {
    let bank = Bank::start();
    let sidecar = with_secrets(&bank, "old-secret-0123456789\nnew-secret-0123456789\n");
    let alice = &Pki::get().alice;

    for secret in ["old-secret-0123456789", "new-secret-0123456789"] {
        let seen = assert_passed(&sidecar.get("/a").by(alice).header("X-LB-Auth", secret).send(), &bank);
        assert_eq!(seen.identity().len(), 1);
        assert!(seen.identity()[0].0 == "ssl.client.auth.cert.x509");
    }
    for (name, value) in [
        ("X-LB-Auth", ""),
        ("X-LB-Auth", "wrong"),
        ("X-LB-Auth", "old-secret-012345678"),
        ("X-LB-Auth", "old-secret-01234567890"),
        ("X-LB-Auth", "old-secret-0123456789, new-secret-0123456789"),
        ("X_LB_Auth", "old-secret-0123456789"),
        ("X.LB.Auth", "old-secret-0123456789"),
        ("X-Other", "1"),
    ] {
        assert_refused(&sidecar.get("/a").by(alice).header(name, value).send(), "certificate_missing", &bank);
    }
    let twice = sidecar.get("/a").by(alice).header("X-LB-Auth", "old-secret-0123456789");
    let twice = twice.header("X-LB-Auth", "new-secret-0123456789");
    assert_refused(&twice.send(), "certificate_missing", &bank);
}

#[test]
fn all_proofs_that_are_given_must_hold() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank)
        .set("load_balancer.trusted_networks", ELSEWHERE)
        .set("load_balancer.secret_header", r#"{ name = "X-LB-Auth", value_file = "secret" }"#)
        .file("secret", "a-secret-of-the-balancer")
        .start();

    let request = sidecar.get("/a").by(&Pki::get().alice).header("X-LB-Auth", "a-secret-of-the-balancer");
    assert_refused(&request.send(), "certificate_missing", &bank);
}

fn with_secrets(bank: &Bank, secrets: &str) -> Sidecar {
    Config::in_front_of(bank)
        .without("load_balancer.trusted_networks")
        .set("load_balancer.secret_header", r#"{ name = "X-LB-Auth", value_file = "secrets" }"#)
        .file("secrets", secrets)
        .start()
}

#[test]
fn balancer_proves_itself_by_its_own_certificate() {
    let bank = Bank::start();
    let Pki { alice, infrastructure, foreign, .. } = Pki::get();
    let sidecar = with_client_ca(&bank, "[]");

    let balancer = infrastructure.server(&["lb-1.bank.example"]);
    assert_passed(&send_as(&sidecar, Some(&balancer), alice).unwrap(), &bank);
    assert_stranger(&sidecar, None, &bank);
    assert_stranger(&sidecar, Some(&foreign.server(&["lb-1.bank.example"])), &bank);
}

#[test]
fn balancer_of_another_name_is_a_stranger() {
    let bank = Bank::start();
    let Pki { alice, infrastructure, .. } = Pki::get();
    let sidecar = with_client_ca(&bank, r#"["lb-1.bank.example", "spiffe://bank.example/lb"]"#);

    for known in
        [infrastructure.server(&["other", "lb-1.bank.example"]), infrastructure.workload("spiffe://bank.example/lb")]
    {
        assert_passed(&send_as(&sidecar, Some(&known), alice).unwrap(), &bank);
    }
    for stranger in [
        infrastructure.server(&["lb-2.bank.example"]),
        infrastructure.server(&["lb-1.bank.example.evil.example"]),
        infrastructure.workload("spiffe://bank.example/lb/other"),
        infrastructure.client("lb-1.bank.example"),
    ] {
        assert_stranger(&sidecar, Some(&stranger), &bank);
    }
}

#[test]
fn open_connection_is_held_to_the_authorities_and_names_of_now() {
    let bank = Bank::start();
    let Pki { alice, infrastructure, foreign, .. } = Pki::get();
    let sidecar = with_client_ca(&bank, "[]");
    let balancer = infrastructure.server(&["lb-1.bank.example"]);
    let mut connection = sidecar.connect_tls(Some(&balancer));
    let mut send = || sidecar.get("/a").by(alice).send_on(&mut connection);
    assert_passed(&send(), &bank);

    for (reloads, authority, passes) in [(1, foreign, false), (2, infrastructure, true)] {
        fs::write(sidecar.folder().join("balancers.pem"), pem(&authority.der)).unwrap();
        sidecar.events("config_reloaded", reloads);
        match passes {
            true => drop(assert_passed(&send(), &bank)),
            false => assert_refused(&send(), "certificate_missing", &bank),
        }
    }
}

fn with_client_ca(bank: &Bank, names: &str) -> Sidecar {
    Config::in_front_of(bank)
        .with_tls()
        .without("load_balancer.trusted_networks")
        .set("load_balancer.client_ca_file", r#""balancers.pem""#)
        .set("load_balancer.client_names", names)
        .file("balancers.pem", pem(&Pki::get().infrastructure.der))
        .start()
}

/// None where the handshake fails.
fn send_as(sidecar: &Sidecar, identity: Option<&Client>, shown: &Client) -> Option<Answer> {
    let mut connection = sidecar.connect_tls(identity);
    connection.try_write(&sidecar.get("/a").by(shown).bytes()).ok()?;
    connection.try_answer("GET").ok()?
}

/// It gets no further than the handshake, or is not believed about the certificate.
#[track_caller]
fn assert_stranger(sidecar: &Sidecar, identity: Option<&Client>, bank: &Bank) {
    if let Some(answer) = send_as(sidecar, identity, &Pki::get().alice) {
        assert_refused(&answer, "certificate_missing", bank);
    }
    assert_eq!(bank.requests(), 0);
}

#[test]
fn permissions_of_a_unix_socket_are_the_proof() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank)
        .without("load_balancer.trusted_networks")
        .set("listen.address", r#""unix:in.sock""#)
        .start();

    let mut connection = Connection::unix(&sidecar.folder().join("in.sock"));
    let answer = sidecar.get("/a").by(&Pki::get().alice).send_on(&mut connection);

    assert_eq!(assert_passed(&answer, &bank).identity().len(), 1);
    assert_eq!(sidecar.audit(1)[0]["peer_trusted"], true);
}

#[test]
fn proxy_header_of_a_trusted_network_names_the_peer() {
    let bank = Bank::start();
    let v2 = [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C".as_slice(), &[198, 51, 100, 7, 192, 0, 2, 1, 0xC0, 0, 0x01, 0xBB]]
        .concat();
    for (version, header) in [("v1", b"PROXY TCP4 198.51.100.7 192.0.2.1 49152 443\r\n".to_vec()), ("v2", v2)] {
        let sidecar = Config::in_front_of(&bank).set("load_balancer.proxy_protocol", &format!("{version:?}")).start();
        let request = sidecar.get("/a").by(&Pki::get().alice);

        let answer = after(&header, &sidecar, &request).expect("an answer");
        let seen = assert_passed(&answer, &bank);
        assert_eq!(seen.identity().len(), 1);
        let audit = &sidecar.audit(1)[0];
        assert_eq!((&audit["peer"], &audit["peer_trusted"]), (&"198.51.100.7".into(), &true.into()));

        // Without the header, or with a broken one, there is no request to speak of.
        for broken in [&b""[..], b"PROXY TCP4 1.2.3.4\r\n", b"PROXY TCP4 x 192.0.2.1 1 2\r\n", &header[..8]] {
            let answer = after(broken, &sidecar, &request);
            assert!(answer.is_none_or(|answer| answer.status >= 400));
            assert_eq!(bank.requests(), 0);
        }
    }
}

#[test]
fn proxy_header_stands_before_the_handshake() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).with_tls().set("load_balancer.proxy_protocol", r#""v1""#).start();
    let tls = client_config(&Pki::get().infrastructure, None);
    let header = b"PROXY TCP6 2001:db8::7 2001:db8::1 49152 443\r\n";

    let mut connection = Connection::tls_after(header, sidecar.address(), "localhost", tls);
    let answer = sidecar.get("/a").by(&Pki::get().alice).send_on(&mut connection);

    assert_passed(&answer, &bank);
    assert_eq!(sidecar.audit(1)[0]["peer"], "2001:db8::7");
}

#[test]
fn proxy_header_of_an_untrusted_network_proves_nothing() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank)
        .set("load_balancer.trusted_networks", ELSEWHERE)
        .set("load_balancer.proxy_protocol", r#""v1""#)
        .start();

    let header = b"PROXY TCP4 10.0.0.7 192.0.2.1 49152 443\r\n";
    let answer = after(header, &sidecar, &sidecar.get("/a").by(&Pki::get().alice));

    assert!(answer.is_none_or(|answer| answer.status >= 400));
    assert_eq!(bank.requests(), 0);
}

/// None where the connection ends instead.
fn after(header: &[u8], sidecar: &Sidecar, request: &Request<'_>) -> Option<Answer> {
    let mut connection = sidecar.connect();
    connection.try_write(&[header, &request.bytes()].concat()).ok()?;
    connection.try_answer("GET").ok()?
}

#[test]
fn stranger_cannot_say_where_a_request_came_from() {
    let bank = Bank::start();
    let said =
        [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "gopher"), ("X-Forwarded-Host", "evil.example")];
    for (networks, kept) in [(r#"["127.0.0.0/8"]"#, true), (ELSEWHERE, false)] {
        let sidecar = Config::in_front_of(&bank)
            .set("load_balancer.trusted_networks", networks)
            .route("path = \"/open\"\nrequire = []")
            .start();
        let request = said.iter().fold(sidecar.get("/open"), |request, (name, value)| request.header(name, value));
        let seen = assert_passed(&request.send(), &bank);

        let forwarded = said.map(|(name, _)| seen.fields.all(name).join("|"));
        if kept {
            assert!(forwarded[0].starts_with("203.0.113.9"), "{forwarded:?}");
            assert_eq!(forwarded[1..], ["gopher", "evil.example"]);
        } else {
            assert_eq!(forwarded, ["127.0.0.1", "http", "api.bank.example"]);
        }
        let plain = assert_passed(&sidecar.get("/open").send(), &bank);
        assert!(plain.header("x-forwarded-proto").is_some(), "{:?}", plain.fields);
    }
}

#[test]
fn connection_without_a_request_is_nobody() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);

    drop(TcpStream::connect(sidecar.address()).unwrap());
    assert_passed(&sidecar.get("/a").by(&Pki::get().alice).send(), &bank);

    assert_eq!(sidecar.audit(1).len(), 1);
}
