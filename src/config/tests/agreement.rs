//! What tables say about each other.

use super::*;

#[test]
fn listener_is_plaintext_or_has_two_files() {
    let neither = SMALLEST.replace("plaintext = true\n", "");

    let faults = Folder::new().faults(&neither);

    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].starts_with("proxy.toml:1:1: listen: neither TLS nor plaintext is chosen"), "{}", faults[0]);
    check("listen", "certificate_file = \"tls.crt\"", "listen.certificate_file: the certificate has no key");
    check("listen", "private_key_file = \"tls.key\"", "listen.private_key_file: the key has no certificate");
}

#[test]
fn load_balancer_needs_a_proof_unless_the_socket_is_one() {
    let unproven = SMALLEST.replace("trusted_networks = [\"10.0.0.0/8\"]\n", "");
    let folder = Folder::new();

    let faults = folder.faults(&unproven);

    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(
        faults[0].starts_with("proxy.toml:4:1: load_balancer: nothing says who is a load balancer"),
        "{}",
        faults[0]
    );
    folder.settings(&unproven.replace("127.0.0.1:8443", "unix:in.sock"));
    let nobody = accept("load_balancer", "trusted_networks = []").gate.peers;
    assert_eq!(nobody.networks, Some(Vec::new()));
}

#[test]
fn address_has_one_owner() {
    let itself = "backend.address: certbound would forward to itself; write the address of the API";
    check("backend", "address = \"localhost:8443\"", itself);
    check("admin", "address = \"0.0.0.0:8443\"", "admin.address: `listen.address` has this address already; write an");
    check("admin", "status_address = \"localhost:9901\"", "admin.status_address: `admin.address` has this address al");

    accept("backend", "address = \"127.0.0.2:8443\"");
    accept("admin", "address = \"127.0.0.2:8443\"");
    accept("listen", "address = \"0.0.0.0:9902\"");
    let folder = Folder::new();
    folder.settings(&with(&[("listen", "address = \"127.0.0.1:0\""), ("admin", "address = \"127.0.0.1:0\"")]));
    folder.settings(&with(&[("listen", "address = \"0.0.0.0:443\""), ("backend", REMOTE), ("backend", ANYWHERE)]));
    for (listen, backend) in [
        ("127.0.0.1:8443", "127.0.0.1:8443"),
        ("0.0.0.0:80", "127.0.0.1:80"),
        ("[::]:80", "[::1]:80"),
        ("unix:a", "unix:a"),
    ] {
        let [listen, backend] = [listen, backend].map(|address| format!("address = {address:?}"));
        let faults = folder.faults(&with(&[("listen", &listen), ("backend", &backend)]));
        assert_eq!(faults.len(), 1, "{faults:#?}");
        assert!(faults[0].contains(itself), "{}", faults[0]);
    }
}

#[test]
fn certificates_of_the_handshake_need_tls() {
    let folder = Folder::new();
    folder.write("ca.pem", authority().pem());

    let faults = folder.faults(&with(&[("load_balancer", "client_ca_file = \"ca.pem\"")]));
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].contains("load_balancer.client_ca_file: without TLS the balancer shows no"), "{}", faults[0]);

    check("client_certificate", "source = \"connection\"", "client_certificate.source: without TLS clients show no");
}

#[test]
fn handshake_says_who_the_client_is_or_who_the_balancer_is() {
    let folder = Folder::new();
    let key = KeyPair::generate().unwrap();
    folder.write("tls.crt", CertificateParams::new([]).unwrap().self_signed(&key).unwrap().pem());
    folder.write("tls.key", key.serialize_pem());
    folder.write("ca.pem", authority().pem());
    let tls = [
        ("listen", "certificate_file = \"tls.crt\""),
        ("listen", "private_key_file = \"tls.key\""),
        ("listen", "plaintext = false"),
    ];
    let balancer = ("load_balancer", "client_ca_file = \"ca.pem\"");
    let connection = ("client_certificate", "source = \"connection\"");

    let by_balancer = folder.settings(&with(&[&tls[..], &[balancer]].concat()));
    assert!(by_balancer.listen.ask_certificate && by_balancer.gate.peers.balancers.is_some());
    let by_client = folder.settings(&with(&[&tls[..], &[connection]].concat()));
    assert!(by_client.listen.ask_certificate && by_client.gate.peers.balancers.is_none());
    assert!(!folder.settings(&with(&tls)).listen.ask_certificate);
    let faults = folder.faults(&with(&[&tls[..], &[balancer, connection]].concat()));
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].contains("load_balancer.client_ca_file: the certificate of the handshake"), "{}", faults[0]);
}

#[test]
fn authority_of_balancers_that_clients_have_too_is_warned_of() {
    let folder = Folder::new();
    let (key, clients, other) = (KeyPair::generate().unwrap(), authority(), authority());
    folder.write("tls.crt", CertificateParams::new([]).unwrap().self_signed(&key).unwrap().pem());
    folder.write("tls.key", key.serialize_pem());
    folder.write("trust/ca.pem", clients.pem() + &authority().pem());
    folder.write("both.pem", other.pem() + &renewed(&clients));
    folder.write("other.pem", other.pem());
    let tls = [
        ("listen", "certificate_file = \"tls.crt\""),
        ("listen", "private_key_file = \"tls.key\""),
        ("listen", "plaintext = false"),
    ];
    let warnings = |lines: &[(&str, &str)]| folder.warnings(&with(&[&tls[..], lines].concat()));
    let both = ("load_balancer", "client_ca_file = \"both.pem\"");

    let told = warnings(&[both]);
    assert_eq!(told.len(), 1, "{told:#?}");
    let expected = "load_balancer.client_ca_file: clients have certificates of this authority too, so that any of them \
                    makes a load balancer; write client_names, or give load balancers an authority of their own";
    assert!(told[0].ends_with(expected), "{}", told[0]);
    assert!(warnings(&[both, ("load_balancer", "client_names = [\"lb.bank.example\"]")]).is_empty());
    let others = ("load_balancer", "client_ca_file = \"other.pem\"");
    assert!(warnings(&[others]).is_empty());
    folder.write("trust/intermediate.pem", intermediate(&other));
    assert_eq!(warnings(&[others]).len(), 1, "clients show the intermediate themselves");
}

/// The same subject and key, certified once more.
fn renewed(authority: &CertifiedIssuer<'static, KeyPair>) -> String {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.self_signed(authority.key()).unwrap().pem()
}

fn intermediate(issuer: &CertifiedIssuer<'static, KeyPair>) -> String {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.signed_by(&KeyPair::generate().unwrap(), issuer).unwrap().pem()
}

#[test]
fn list_of_networks_without_one_is_warned_of_where_certificates_are_forwarded() {
    let folder = Folder::new();
    let key = KeyPair::generate().unwrap();
    folder.write("tls.crt", CertificateParams::new([]).unwrap().self_signed(&key).unwrap().pem());
    folder.write("tls.key", key.serialize_pem());
    let nobody = ("load_balancer", "trusted_networks = []");

    let told = folder.warnings(&with(&[nobody]));

    let expected = "proxy.toml:5:20: load_balancer.trusted_networks: nobody is believed, so that no forwarded \
                    certificate counts; write the networks of your load balancers";
    assert_eq!(told, [expected]);
    let asked = ("load_balancer", "trusted_networks = [\"10.0.0.0/8\"]");
    assert!(folder.warnings(&with(&[asked])).is_empty());
    let told = folder.warnings(&with(&[("listen", "address = \"unix:in.sock\""), asked]));
    let expected = "load_balancer.trusted_networks: whoever may open the Unix socket is believed";
    assert!(told.len() == 1 && told[0].contains(expected), "{told:#?}");
    let connection = [
        ("listen", "certificate_file = \"tls.crt\""),
        ("listen", "private_key_file = \"tls.key\""),
        ("listen", "plaintext = false"),
        ("client_certificate", "source = \"connection\""),
        nobody,
    ];
    assert!(folder.warnings(&with(&connection)).is_empty());
}

#[test]
fn websocket_to_an_api_that_may_speak_http2_alone_is_warned_of() {
    let folder = Folder::new();
    let websocket = &[("route", "path = \"/socket\""), ("route", "upgrade = [\"websocket\"]")][..];
    let http2 = ("backend", "http2 = true");

    let told = folder.warnings(&with(&[websocket, &[http2]].concat()));

    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].contains("route.path: its WebSockets are opened in HTTP/1.1"), "{}", told[0]);
    assert!(folder.warnings(&with(websocket)).is_empty());
    let tls = ("backend", "tls = { server_name = \"bank.internal\" }");
    assert!(folder.warnings(&with(&[websocket, &[http2, tls]].concat())).is_empty());
}

#[test]
fn clients_that_connect_themselves_need_no_balancer() {
    let folder = Folder::new();
    let key = KeyPair::generate().unwrap();
    folder.write("tls.crt", CertificateParams::new([]).unwrap().self_signed(&key).unwrap().pem());
    folder.write("tls.key", key.serialize_pem());
    let toml = with(&[
        ("listen", "certificate_file = \"tls.crt\""),
        ("listen", "private_key_file = \"tls.key\""),
        ("listen", "plaintext = false"),
        ("client_certificate", "source = \"connection\""),
    ]);

    let toml = toml.replace("trusted_networks = [\"10.0.0.0/8\"]\n", "");
    let settings = folder.settings(&toml);
    let faults = folder.faults(&toml.replace("[load_balancer]\n", "[load_balancer]\non_untrusted = \"refuse\"\n"));

    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(
        faults[0].contains("load_balancer.on_untrusted: with nothing to prove a load balancer by"),
        "{}",
        faults[0]
    );
    assert!(settings.identity.covers(&http::HeaderName::from_static("ssl-client-auth-cert-x509")));
}

#[test]
fn proxy_protocol_is_believed_from_networks_only() {
    let folder = Folder::new();
    folder.write("lb-secret", "a long random string\n");
    let toml = with(&[
        ("load_balancer", "secret_header = { name = \"X-LB-Auth\", value_file = \"lb-secret\" }"),
        ("load_balancer", "proxy_protocol = \"v2\""),
    ])
    .replace("trusted_networks = [\"10.0.0.0/8\"]\n", "");

    let faults = folder.faults(&toml);

    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].contains("load_balancer.proxy_protocol: a PROXY header is believed only"), "{}", faults[0]);
    let v1 = accept("load_balancer", "proxy_protocol = \"v1\"");
    assert_eq!(v1.listen.proxy_protocol, Some(settings::ProxyProtocol::V1));
}

#[test]
fn address_that_no_socket_can_have_is_one_fault_at_its_key() {
    let path = format!("unix:/run/{}", "x".repeat(103));
    let faults = |table: &str, key: &str, path: &str| {
        let toml = with(&[(table, &format!("{key} = \"{path}\""))]);
        let proof = "trusted_networks = [\"10.0.0.0/8\"]\n";
        Folder::new().faults(&if table == "listen" { toml.replace(proof, "") } else { toml })
    };
    let keys = [
        ("listen", "address"),
        ("admin", "address"),
        ("admin", "status_address"),
        ("backend", "address"),
        ("replay", "redis"),
    ];
    for (table, key) in keys {
        let found = faults(table, key, &path);
        assert_eq!(found.len(), 1, "{found:#?}");
        let expected = format!(
            " {table}.{key}: `{}` has 108 bytes, too many for the path of a socket; choose a path of at most 107 bytes",
            path.replace("unix:", "")
        );
        assert!(found[0].ends_with(&expected), "{}", found[0]);
        assert!(faults(table, key, &path[..path.len() - 1]).is_empty(), "{table}.{key}");
        assert_eq!(faults(table, key, "unix:").len(), 1, "{table}.{key}");
    }
}

#[test]
fn route_that_demands_a_token_needs_an_issuer() {
    let toml =
        SMALLEST.split("[[token.issuer]]").next().unwrap().to_owned() + "[backend]\naddress = \"127.0.0.1:8080\"\n";
    let folder = Folder::new();

    let faults = folder.faults(&toml);

    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].contains("token.issuer: a route demands a token"), "{}", faults[0]);
    let none = folder.faults(&(toml.clone() + "[token]\nissuer = []\n"));
    let expected = faults[0].replace("proxy.toml:1:1:", "proxy.toml:11:10:");
    assert_eq!(none, [expected], "a list without an issuer has none");
    folder.settings(&(toml + "[[route]]\npath = \"/accounts\"\nrequire = [\"certificate\"]\n"));
}

#[test]
fn header_has_one_meaning() {
    let folder = Folder::new();
    folder.write("lb-secret", "a long random string\n");
    let secret = "secret_header = { name = \"SSL-Client_Auth.Cert-X509\", value_file = \"lb-secret\" }";

    let faults = folder.faults(&with(&[("load_balancer", secret)]));

    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].contains("secret_header.name: this header carries the certificate"), "{}", faults[0]);
    check(
        "backend",
        "headers = { \"ssl_client_auth_cert_x509\" = \"x\" }",
        "backend.headers.ssl_client_auth_cert_x509: ",
    );
    check("backend", "headers = { X-A = \"x\", x_a = \"y\" }", "backend.headers.x_a: this header is written already");
    check("backend", "headers = { Host = \"x\" }", "backend.headers.Host: `Host` has a meaning of its own");
}

const REMOTE: &str = "address = \"10.0.0.1:443\"";
const ANYWHERE: &str = "require_loopback = false";
