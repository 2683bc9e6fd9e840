//! Every profile reads what its load balancer writes, and the bank gets the certificate written anew.

use crate::{
    support::{
        bank::Bank,
        config::Config,
        forms::{base64_der, byte_sequence, one_line_pem, percent_encode, percent_pem, xfcc},
        pki::Pki,
    },
    verdict::{assert_passed, assert_refused},
};

/// A profile: its name, its header, how it writes, and what else it reads.
struct Profile {
    name: &'static str,
    header: &'static str,
    written: fn(&[u8]) -> String,
    also_read: &'static [fn(&[u8]) -> String],
    foreign: fn(&[u8]) -> String,
}

#[test]
fn every_profile_reads_its_forms_and_writes_its_own() {
    let alice = &Pki::get().alice;
    for profile in &PROFILES {
        let bank = Bank::start();
        let sidecar = Config::in_front_of(&bank).profile(profile.name).start();
        for form in [&[profile.written], profile.also_read].concat() {
            let request = sidecar.get("/a").header(profile.header, &form(&alice.der)).bearing(alice.token());
            let seen = assert_passed(&request.send(), &bank);
            let expected = (profile.header.to_lowercase(), (profile.written)(&alice.der));
            assert_eq!(seen.identity(), [expected], "{}", profile.name);
        }
        let answer = sidecar.get("/a").header(profile.header, &(profile.foreign)(&alice.der)).bearing(alice.token());
        assert_refused(&answer.send(), "certificate_malformed", &bank);
        for none in ["", "(null)", "::", "-"] {
            let answer = sidecar.get("/a").header(profile.header, none).bearing(alice.token()).send();
            assert_refused(&answer, "certificate_missing", &bank);
        }
        assert_refused(&sidecar.get("/a").bearing(alice.token()).send(), "certificate_missing", &bank);
    }
}

#[test]
fn bank_gets_the_profile_that_it_is_configured_for() {
    let alice = &Pki::get().alice;
    for profile in &PROFILES {
        let bank = Bank::start();
        let forward = format!("{:?}", profile.name);
        let sidecar = Config::in_front_of(&bank).set("backend.forward_certificate", &forward).start();
        let seen = assert_passed(&sidecar.get("/a").by(alice).send(), &bank);
        assert_eq!(seen.identity(), [(profile.header.to_lowercase(), (profile.written)(&alice.der))]);
    }
}

#[test]
fn bank_gets_no_certificate_where_none_is_to_be_forwarded() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank)
        .set("backend.forward_certificate", r#""off""#)
        .set("backend.forward_authorization", "false")
        .set("backend.headers", HEADERS)
        .start();
    let alice = &Pki::get().alice;

    let seen = assert_passed(&sidecar.get("/a").by(alice).send(), &bank);

    assert_eq!(seen.header("authorization"), None);
    assert_eq!(
        seen.identity(),
        [
            ("x-client-id".to_owned(), "tpp-1".to_owned()),
            ("x-issuer".to_owned(), "https://as.bank.example".to_owned()),
            ("x-organization".to_owned(), "PSDDE-BAFIN-123456".to_owned()),
            ("x-scope".to_owned(), "accounts payments".to_owned()),
            ("x-subject".to_owned(), "psu-7".to_owned()),
            ("x-thumbprint".to_owned(), alice.thumbprint()),
        ]
    );
}

const HEADERS: &str = r#"{ "X-Thumbprint" = "{certificate.thumbprint}", "X-Client-Id" = "{token.client_id}", "X-Subject" = "{token.subject}", "X-Scope" = "{token.scope}", "X-Issuer" = "{token.issuer}", "X-Organization" = "{certificate.organization_identifier}" }"#;

#[test]
fn placeholder_without_a_value_leaves_the_header_out() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank)
        .set("backend.headers", HEADERS)
        .route("path = \"/open\"\nrequire = []")
        .route("path = \"/certificate\"\nrequire = [\"certificate\"]")
        .start();
    let alice = &Pki::get().alice;

    let forged = sidecar.get("/open").header("X-Thumbprint", "forged").header("x_subject", "forged");
    assert!(assert_passed(&forged.send(), &bank).identity().is_empty());
    let seen = assert_passed(&sidecar.get("/certificate").showing(alice).send(), &bank);
    let names: Vec<_> = seen.identity().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["ssl.client.auth.cert.x509", "x-organization", "x-thumbprint"]);
}

#[test]
fn header_of_the_operators_choice_is_read_and_written() {
    let bank = Bank::start();
    let sidecar =
        Config::in_front_of(&bank).profile("nginx").set("client_certificate.header", r#""X-Own-Name""#).start();
    let alice = &Pki::get().alice;

    let request = sidecar.get("/a").header("x-own-name", &percent_pem(&alice.der)).bearing(alice.token());
    let seen = assert_passed(&request.header("X-SSL-Client-Cert", "forged").send(), &bank);
    assert_eq!(seen.identity(), [("x-own-name".to_owned(), percent_pem(&alice.der))]);
    let usual = sidecar.get("/a").header("X-SSL-Client-Cert", &percent_pem(&alice.der)).bearing(alice.token());
    assert_refused(&usual.send(), "certificate_missing", &bank);
}

#[test]
fn chain_leads_to_the_anchor_where_the_profile_carries_one() {
    let carol = &Pki::get().carol;
    let [sub] = carol.chain.as_slice() else { panic!("one intermediate") };
    let pems = |ders: &[&[u8]]| ders.iter().map(|der| percent_pem(der)).collect::<String>();
    let aws = |der: &[u8]| percent_encode(&crate::support::pki::pem(der), "+=/");

    for (profile, headers) in [
        ("haproxy", vec![("X-SSL-Client-Cert", base64_der(&carol.der)), ("X-SSL-Client-Chain", base64_der(sub))]),
        ("rfc9440", vec![("Client-Cert", byte_sequence(&carol.der)), ("Client-Cert-Chain", byte_sequence(sub))]),
        ("gcp", vec![("Client-Cert", byte_sequence(&carol.der)), ("Client-Cert-Chain", byte_sequence(sub))]),
        ("cloudflare", vec![("Client-Cert", byte_sequence(&carol.der)), ("Client-Cert-Chain", byte_sequence(sub))]),
        ("traefik", vec![("X-Forwarded-Tls-Client-Cert", format!("{},{}", base64_der(&carol.der), base64_der(sub)))]),
        ("aws-alb", vec![("X-Amzn-Mtls-Clientcert", aws(&carol.der) + &aws(sub))]),
        (
            "envoy",
            vec![("x-forwarded-client-cert", format!("{};Chain=\"{}\"", xfcc(&carol.der), pems(&[&carol.der, sub])))],
        ),
    ] {
        let bank = Bank::start();
        let sidecar = Config::in_front_of(&bank).profile(profile).start();
        let send = |headers: &[(&str, String)]| {
            let request = sidecar.get("/a").bearing(carol.token());
            headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send()
        };
        let identity = assert_passed(&send(&headers), &bank).identity();
        assert_eq!(identity.len(), 1, "{profile}: {identity:?}");
        assert_eq!(identity[0].0, headers[0].0.to_lowercase());

        let bare = match profile {
            "traefik" => vec![(headers[0].0, base64_der(&carol.der))],
            "aws-alb" => vec![(headers[0].0, aws(&carol.der))],
            "envoy" => vec![(headers[0].0, xfcc(&carol.der))],
            _ => headers[..1].to_vec(),
        };
        assert_refused(&send(&bare), "certificate_untrusted", &bank);
    }
}

#[test]
fn verified_intermediates_go_to_the_bank_where_the_operator_asks_for_them() {
    let bank = Bank::start();
    let carol = &Pki::get().carol;
    let sidecar = Config::in_front_of(&bank).profile("rfc9440").set("backend.forward_chain", "true").start();

    let request = sidecar.get("/a").header("Client-Cert", &byte_sequence(&carol.der)).bearing(carol.token());
    let seen = assert_passed(&request.header("Client-Cert-Chain", &byte_sequence(&carol.chain[0])).send(), &bank);

    assert_eq!(
        seen.identity(),
        [
            ("client-cert".to_owned(), byte_sequence(&carol.der)),
            ("client-cert-chain".to_owned(), byte_sequence(&carol.chain[0])),
        ]
    );
}

#[test]
fn more_intermediates_than_allowed_are_refused() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).profile("rfc9440").set("truststore.max_intermediates", "1").start();
    let carol = &Pki::get().carol;
    let sub = byte_sequence(&carol.chain[0]);

    let request = sidecar.get("/a").header("Client-Cert", &byte_sequence(&carol.der)).bearing(carol.token());
    assert_passed(&request.clone().header("Client-Cert-Chain", &sub).send(), &bank);
    let answer = request.header("Client-Cert-Chain", &format!("{sub}, {sub}")).send();
    assert_refused(&answer, "certificate_malformed", &bank);
}

#[test]
fn xfcc_of_two_hops_is_repeated_and_a_wrong_hash_is_malformed() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).profile("envoy").start();
    let Pki { alice, mallory, .. } = Pki::get();
    let send = |value: &str| sidecar.get("/a").header("x-forwarded-client-cert", value).bearing(alice.token()).send();
    let element = xfcc(&alice.der);

    let subject = r#"By=spiffe://x/y;Subject="CN=\"a\", O=b;c";URI=;DNS=a.example"#;
    assert_passed(&send(&format!("{element};{subject}")), &bank);
    assert_passed(&send(&format!("{subject};{element}")), &bank);
    assert_refused(&send(&format!("{element},{element}")), "certificate_repeated", &bank);
    assert_refused(&send(&format!("{},{element}", xfcc(&mallory.der))), "certificate_repeated", &bank);
    let hash = xfcc(&mallory.der);
    let hash = hash.split(';').next().unwrap();
    let cert = element.split(';').nth(1).unwrap();
    for broken in [
        format!("{hash};{cert}"),
        format!("{element};Subject=\"CN"),
        cert.replace('"', ""),
        cert.replacen("%0A", "", 1),
    ] {
        let answer = send(&broken);
        // An unquoted value is legal where it needs no quotes.
        if answer.status != 200 {
            assert_refused(&answer, "certificate_malformed", &bank);
        } else {
            assert!(broken == cert.replace('"', ""), "{broken}");
            bank.take();
        }
    }
}

fn percent_base64(der: &[u8]) -> String {
    percent_encode(&base64_der(der), "")
}

fn lower_hex_pem(der: &[u8]) -> String {
    let text = percent_encode(&crate::support::pki::pem(der), "+=/");
    text.replace("%0A", "%0a")
}

fn aws_pem(der: &[u8]) -> String {
    percent_encode(&crate::support::pki::pem(der), "+=/")
}

const PROFILES: [Profile; 14] = [
    Profile {
        name: "wso2",
        header: "ssl.client.auth.cert.X509",
        written: percent_pem,
        also_read: &[one_line_pem, base64_der, percent_base64],
        foreign: byte_sequence,
    },
    Profile { name: "nginx", header: "X-SSL-Client-Cert", written: percent_pem, also_read: &[], foreign: base64_der },
    Profile {
        name: "ingress-nginx",
        header: "ssl-client-cert",
        written: percent_pem,
        also_read: &[],
        foreign: base64_der,
    },
    Profile { name: "haproxy", header: "X-SSL-Client-Cert", written: base64_der, also_read: &[], foreign: percent_pem },
    Profile {
        name: "apache",
        header: "X-SSL-Client-Cert",
        written: percent_pem,
        also_read: &[one_line_pem, lower_hex_pem],
        foreign: base64_der,
    },
    Profile { name: "envoy", header: "x-forwarded-client-cert", written: xfcc, also_read: &[], foreign: percent_pem },
    Profile {
        name: "traefik",
        header: "X-Forwarded-Tls-Client-Cert",
        written: base64_der,
        also_read: &[percent_base64],
        foreign: percent_pem,
    },
    Profile {
        name: "caddy",
        header: "Client-Cert",
        written: byte_sequence,
        also_read: &[base64_der],
        foreign: percent_pem,
    },
    Profile {
        name: "aws-alb",
        header: "X-Amzn-Mtls-Clientcert",
        written: percent_pem,
        also_read: &[aws_pem],
        foreign: base64_der,
    },
    Profile { name: "gcp", header: "Client-Cert", written: byte_sequence, also_read: &[], foreign: base64_der },
    Profile {
        name: "azure",
        header: "X-ARR-ClientCert",
        written: base64_der,
        also_read: &[percent_pem],
        foreign: byte_sequence,
    },
    Profile { name: "cloudflare", header: "Client-Cert", written: byte_sequence, also_read: &[], foreign: base64_der },
    Profile {
        name: "f5",
        header: "X-Client-Cert",
        written: base64_der,
        also_read: &[one_line_pem, percent_pem],
        foreign: byte_sequence,
    },
    Profile { name: "rfc9440", header: "Client-Cert", written: byte_sequence, also_read: &[], foreign: base64_der },
];
