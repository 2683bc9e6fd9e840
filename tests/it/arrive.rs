//! An identity header is read from one place only, in one spelling, once.

use crate::{
    http2::{self, Message},
    support::{
        bank::Bank, config::Config, connection::CERTIFICATE_HEADER, forms::percent_pem, pki::Pki, sidecar::Sidecar,
    },
    verdict::{assert_passed, assert_refused},
};

#[test]
fn alias_of_the_configured_header_is_never_a_certificate() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let alice = &Pki::get().alice;

    for alias in ["ssl-client-auth-cert-X509", "ssl_client_auth_cert_X509", "ssl.client_auth.cert-X509"] {
        let answer = sidecar.get("/a").header(alias, &percent_pem(&alice.der)).bearing(alice.token()).send();
        assert_refused(&answer, "certificate_missing", &bank);
    }
}

#[test]
fn exact_name_in_any_case_is_read_and_an_alias_beside_it_is_dropped() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let Pki { alice, mallory, .. } = Pki::get();
    let written = [(CERTIFICATE_HEADER.to_lowercase(), percent_pem(&alice.der))];

    for name in [CERTIFICATE_HEADER, "SSL.CLIENT.AUTH.CERT.X509", "ssl.client.auth.cert.x509"] {
        let request = sidecar.get("/a").header(name, &percent_pem(&alice.der)).bearing(alice.token());
        assert_eq!(assert_passed(&request.send(), &bank).identity(), written);
        let spoofed = request.header("ssl_client_auth_cert_X509", &percent_pem(&mallory.der));
        assert_eq!(assert_passed(&spoofed.send(), &bank).identity(), written);
        let foreign = spoofed.header("Client-Cert", ":Zm9yZ2Vk:").header("X-SSL-Client-Verify", "SUCCESS");
        assert_eq!(assert_passed(&foreign.send(), &bank).identity(), written);
    }
}

#[test]
fn second_value_of_the_exact_name_is_refused_whatever_it_says() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let Pki { alice, mallory, .. } = Pki::get();

    let (hers, other) = (percent_pem(&alice.der), percent_pem(&mallory.der));
    for second in [hers.as_str(), &other, "", "-", "(null)", "NONE", "garbage"] {
        for (one, two) in [(hers.as_str(), second), (second, hers.as_str())] {
            let request = sidecar.get("/a").header(CERTIFICATE_HEADER, one).header("SSL.client.auth.cert.x509", two);
            assert_refused(&request.bearing(alice.token()).send(), "certificate_repeated", &bank);
        }
    }
}

#[test]
fn value_that_means_no_certificate_is_a_missing_one() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let alice = &Pki::get().alice;

    for none in ["", "-", "(null)", "null", "NONE", "::", "{http.request.tls.client.certificate_der_base64}"] {
        let answer = sidecar.get("/a").header(CERTIFICATE_HEADER, none).bearing(alice.token()).send();
        assert_refused(&answer, "certificate_missing", &bank);
    }
}

#[test]
fn connection_option_cannot_take_a_header_away() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let alice = &Pki::get().alice;

    for options in [
        CERTIFICATE_HEADER,
        "close, ssl.client.auth.cert.X509",
        "Authorization",
        "keep-alive, authorization",
        "x-forwarded-for",
        "x-fapi-interaction-id",
        "host",
    ] {
        let answer = sidecar.get("/a").by(alice).header("Connection", options).send();
        assert_refused(&answer, "request_malformed", &bank);
        let answer = sidecar.get("/a").by(alice).header("Connection", "close").header("Connection", options).send();
        assert_refused(&answer, "request_malformed", &bank);
    }
    for options in ["close", "keep-alive", "Keep-Alive, TE", "te", "upgrade", "http2-settings"] {
        let seen = assert_passed(&sidecar.get("/a").by(alice).header("Connection", options).send(), &bank);
        assert_eq!(seen.identity().len(), 1, "{:?}", seen.fields);
    }
}

#[test]
fn certificate_twice_over_http2_is_refused() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let alice = &Pki::get().alice;
    let bearer = ("authorization", format!("Bearer {}", alice.token()));
    let shown = ("ssl.client.auth.cert.x509", percent_pem(&alice.der));

    let once = Message::get("/a", vec![bearer.clone(), shown.clone()]);
    let twice = Message::get("/a", vec![bearer, shown.clone(), shown]);
    let once = http2::send(sidecar.address(), None, &[once]);
    assert_passed(&once[0], &bank);
    let twice = http2::send(sidecar.address(), None, &[twice]);
    assert_refused(&twice[0], "certificate_repeated", &bank);
}

#[test]
fn oversize_is_refused_before_anything_is_judged() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank)
        .set("listen.max_header_bytes", r#""16KiB""#)
        .set("client_certificate.max_bytes", r#""4KiB""#)
        .start();
    let alice = &Pki::get().alice;

    let fits = sidecar.get("/a").by(alice).header("X-Padding", &"a".repeat(8 << 10));
    assert_passed(&fits.send(), &bank);
    let certificate = sidecar.get("/a").header(CERTIFICATE_HEADER, &"a".repeat((4 << 10) + 1)).bearing(alice.token());
    assert_refused(&certificate.send(), "header_too_large", &bank);
    let block = sidecar.get("/a").by(alice).header("X-Padding", &"a".repeat(16 << 10));
    assert_refused(&block.send(), "header_too_large", &bank);
    let line = sidecar.get(&format!("/{}", "a".repeat(16 << 10))).by(alice);
    assert_refused(&line.send(), "header_too_large", &bank);
    let mut many = sidecar.get("/a").by(alice);
    for number in 0..257 {
        many = many.header(&format!("X-{number}"), "1");
    }
    assert!((400..500).contains(&many.send().status));

    // By default there is room for longer targets than Pingora reads.
    let sidecar = Config::in_front_of(&bank).start();
    for length in [70_000, 140_000] {
        let target = format!("/a?{}", "a".repeat(length));
        assert_refused(&sidecar.get(&target).by(alice).send(), "header_too_large", &bank);
    }
    assert_eq!(bank.requests(), 0);
}
