//! Clients that do mutual TLS with certbound itself.

use crate::{
    support::{
        bank::Bank,
        config::Config,
        connection::{Answer, Connection},
        pki::{Client, Pki},
        sidecar::Sidecar,
        tls::client_config,
        token::Token,
    },
    verdict::{assert_passed, assert_refused},
};

fn edge(bank: &Bank) -> Sidecar {
    Config::in_front_of(bank)
        .with_tls()
        .without("load_balancer.trusted_networks")
        .set("client_certificate.source", r#""connection""#)
        .start()
}

/// None where the handshake fails.
fn send(sidecar: &Sidecar, identity: Option<&Client>, shown: Option<&Client>, token: &str) -> Option<Answer> {
    let mut request = sidecar.get("/a").bearing(token);
    if let Some(client) = shown {
        request = request.showing(client);
    }
    let mut connection = sidecar.connect_tls(identity);
    connection.try_write(&request.bytes()).ok()?;
    connection.try_answer("GET").ok()?
}

#[test]
fn certificate_of_the_handshake_is_the_one_that_counts() {
    let bank = Bank::start();
    let sidecar = edge(&bank);
    let Pki { alice, mallory, carol, .. } = Pki::get();

    for client in [alice, carol] {
        let seen = assert_passed(&send(&sidecar, Some(client), None, &client.token()).unwrap(), &bank);
        assert_eq!(seen.identity().len(), 1, "{:?}", seen.fields);
    }
    let spoofed = send(&sidecar, Some(mallory), Some(alice), &alice.token()).unwrap();
    assert_refused(&spoofed, "binding_mismatch", &bank);
    let naked = send(&sidecar, None, Some(alice), &alice.token());
    if let Some(answer) = naked {
        assert_refused(&answer, "certificate_missing", &bank);
    }
    assert_eq!(bank.requests(), 0);
}

#[test]
fn certificate_of_the_handshake_is_judged_like_a_forwarded_one() {
    let bank = Bank::start();
    let sidecar = edge(&bank);
    let pki = Pki::get();

    for (client, code) in [
        (&pki.expired, "certificate_expired"),
        (&pki.stranger, "certificate_untrusted"),
        (&pki.server_only, "certificate_wrong_purpose"),
    ] {
        // A handshake that fails is a refusal as well.
        if let Some(answer) = send(&sidecar, Some(client), None, &Token::of(client).sign()) {
            assert_refused(&answer, code, &bank);
        }
        assert_eq!(bank.requests(), 0);
    }
}

#[test]
fn nobody_is_believed_where_a_client_came_from_but_the_balancer_in_front_of_its_tls() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank)
        .with_tls()
        .set("load_balancer.proxy_protocol", r#""v1""#)
        .set("client_certificate.source", r#""connection""#)
        .start();
    let Pki { alice, infrastructure, .. } = Pki::get();
    let request = sidecar
        .get("/a")
        .bearing(alice.token())
        .header("X-Forwarded-For", "203.0.113.9")
        .header("X-Forwarded-Proto", "gopher")
        .header("X_Forwarded_Host", "evil.example");
    let address = b"PROXY TCP4 198.51.100.7 192.0.2.1 4711 443\r\n";
    let mut connection =
        Connection::tls_after(address, sidecar.address(), "localhost", client_config(infrastructure, Some(alice)));
    connection.write(&request.bytes());

    let seen = assert_passed(&connection.answer("GET"), &bank);

    let told = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x_forwarded_host"];
    assert_eq!(told.map(|name| seen.fields.all(name).join("|")), ["198.51.100.7", "https", "api.bank.example", ""]);
}
