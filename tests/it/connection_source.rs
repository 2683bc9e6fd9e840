//! Clients that do mutual TLS with certbound itself.

use crate::{
    support::{
        bank::Bank,
        config::Config,
        connection::Answer,
        pki::{Client, Pki},
        sidecar::Sidecar,
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
