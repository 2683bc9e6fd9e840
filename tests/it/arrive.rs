//! No identity header gets past certbound, whatever its spelling, its place, or its sender.

use crate::{
    http2::{self, Message},
    support::{
        bank::Bank, config::Config, connection::CERTIFICATE_HEADER, forms::percent_pem, pki::Pki, sidecar::Sidecar,
    },
    verdict::{assert_passed, assert_refused},
};

/// One open route, a secret of the balancer, and a header for the backend: everything that must go, and nothing judged.
fn open(bank: &Bank, networks: &str) -> Sidecar {
    Config::in_front_of(bank)
        .set("load_balancer.trusted_networks", networks)
        .set("load_balancer.secret_header", r#"{ name = "X-LB-Auth", value_file = "secret" }"#)
        .file("secret", "a-secret-of-the-balancer")
        .set("backend.headers", r#"{ "X-Client-Thumbprint" = "{certificate.thumbprint}" }"#)
        .route("path = \"/{*rest}\"\nrequire = []")
        .start()
}

/// Ways to write a name that some backend reads as the same one.
fn spellings(name: &str) -> Vec<String> {
    let dashed = name.replace(['.', '_'], "-");
    let mut mixed = dashed.clone();
    if let Some(at) = mixed.find('-') {
        mixed.replace_range(at..=at, "_");
    }
    vec![
        name.to_owned(),
        dashed.to_lowercase(),
        dashed.to_uppercase(),
        dashed.replace('-', "_"),
        dashed.replace('-', "."),
        mixed,
    ]
}

#[test]
fn every_identity_name_in_every_spelling_is_stripped_whoever_sent_it() {
    for networks in [r#"["127.0.0.0/8"]"#, r#"["10.0.0.0/8"]"#] {
        let bank = Bank::start();
        let sidecar = open(&bank, networks);
        let names: Vec<String> = IDENTITY_NAMES.iter().flat_map(|name| spellings(name)).collect();
        assert!(names.len() > 400);
        for some in names.chunks(100) {
            let mut request = sidecar.get("/accounts").header("X-Kept", "1");
            for name in some {
                request = request.header(name, "forged");
            }
            let seen = assert_passed(&request.send(), &bank);
            assert_eq!(seen.identity(), [("x-kept".to_owned(), "1".to_owned())]);
            assert!(!String::from_utf8_lossy(&seen.raw).contains("forged"));
        }
    }
}

#[test]
fn identity_names_of_http2_are_stripped_too() {
    let bank = Bank::start();
    let sidecar = open(&bank, r#"["127.0.0.0/8"]"#);
    let names: Vec<String> =
        IDENTITY_NAMES.iter().flat_map(|name| spellings(name)).map(|name| name.to_lowercase()).collect();
    for some in names.chunks(100) {
        let headers = some.iter().map(|name| (name.as_str(), "forged".to_owned())).collect();
        let answers = http2::send(sidecar.address(), None, &[Message::get("/accounts", headers)]);
        assert!(assert_passed(&answers[0], &bank).identity().is_empty());
    }
}

#[test]
fn identity_names_in_trailers_never_reach_the_bank() {
    let bank = Bank::start();
    let sidecar = open(&bank, r#"["127.0.0.0/8"]"#);

    for name in ["Client-Cert", "client_cert", CERTIFICATE_HEADER, "X-LB-Auth", "X-Client-Thumbprint"] {
        let mut connection = sidecar.connect();
        let head = format!("POST /a HTTP/1.1\r\nHost: h\r\nTrailer: {name}\r\nTransfer-Encoding: chunked\r\n\r\n");
        connection.write(format!("{head}2\r\nhi\r\n0\r\n{name}: forged\r\n\r\n").as_bytes());
        // To refuse them is as good as to drop them.
        if connection.answer("POST").status == 200 {
            let seen = bank.only();
            assert_eq!(seen.body, b"hi");
            assert_eq!(seen.trailers.get(name), None);
        }
        assert_eq!(bank.requests(), 0);

        let lower: &'static str = name.to_lowercase().leak();
        let message = Message {
            method: "POST",
            target: "/a",
            headers: Vec::new(),
            body: "hi",
            trailers: vec![(lower, "forged".to_owned())],
        };
        if http2::send(sidecar.address(), None, &[message])[0].status == 200 {
            let seen = bank.only();
            assert_eq!(seen.body, b"hi");
            assert_eq!(seen.trailers.get(name), None);
        }
    }
}

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
    assert_eq!(bank.requests(), 0);
}

/// The contract's catalogue: every profile's names and their companions, and the two names of [`open`].
const IDENTITY_NAMES: &[&str] = &[
    "X-LB-Auth",
    "X-Client-Thumbprint",
    "ssl.client.auth.cert.X509",
    "ssl.client.auth.cert",
    "X-WSO2-Client-Certificate",
    "X-WSO2-Mutual-Auth-Cert",
    "X-Amzn-Mtls-Clientcert",
    "X-Amzn-Mtls-Clientcert-Leaf",
    "X-Amzn-Mtls-Clientcert-Serial-Number",
    "X-Amzn-Mtls-Clientcert-Issuer",
    "X-Amzn-Mtls-Clientcert-Subject",
    "X-Amzn-Mtls-Clientcert-Validity",
    "X-SSL-Client-Cert",
    "X-SSL-Client-Chain",
    "X-SSL-Client-Verify",
    "X-SSL-Client-DN",
    "X-SSL-Client-Subject",
    "X-SSL-Client-Subject-DN",
    "X-SSL-Client-Issuer",
    "X-SSL-Client-Issuer-DN",
    "X-SSL-Client-Serial",
    "X-SSL-Client-SHA1",
    "X-SSL-Client-SHA256",
    "X-SSL-Client-Fingerprint",
    "X-SSL-Client-NotBefore",
    "X-SSL-Client-NotAfter",
    "X-SSL-Client-DER",
    "X-SSL-Client-CN",
    "X-SSL-CERT",
    "X-SSL-Client",
    "SSL-Client-Cert",
    "SSL-Client-Verify",
    "SSL-Client-Subject-DN",
    "SSL-Client-Issuer-DN",
    "SSL-Client-Fingerprint",
    "SSL-Client-Serial",
    "SSL_CLIENT_CERT_CHAIN_0",
    "SSL_CLIENT_CERT_CHAIN_5",
    "SSL_CLIENT_CERT_CHAIN_9",
    "X-Forwarded-Client-Cert",
    "X-Forwarded-Tls-Client-Cert",
    "X-Forwarded-Tls-Client-Cert-Info",
    "Client-Cert",
    "Client-Cert-Chain",
    "X-Client-Cert",
    "X-Client-Cert-Chain",
    "X-Client-Cert-Leaf",
    "X-Client-Cert-Present",
    "X-Client-Cert-Chain-Verified",
    "X-Client-Cert-Error",
    "X-Client-Cert-Hash",
    "X-Client-Cert-Fingerprint",
    "X-Client-Cert-Serial",
    "X-Client-Cert-Serial-Number",
    "X-Client-Cert-Issuer-DN",
    "X-Client-Cert-Subject-DN",
    "X-Client-Cert-Validity",
    "X-Client-Cert-Spiffe",
    "X-Client-Cert-Uri-Sans",
    "X-Client-Cert-Dnsname-Sans",
    "X-Client-Certificate",
    "X-ARR-ClientCert",
    "X-ARR-SSL",
    "Cf-Client-Cert-Der-Base64",
    "Cf-Client-Cert-Sha256",
    "Cf-Client-Cert-Anything",
    "Cf-Cert-Verified",
    "Cf-Cert-Revoked",
    "CloudFront-Viewer-Cert-Pem",
    "CloudFront-Viewer-Cert-Serial",
    "X-Gravitee-Client-Cert",
    "Account-Request-Information",
];
