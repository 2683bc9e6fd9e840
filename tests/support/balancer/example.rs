//! The files of `examples/`, with what a test has to change in them, and nothing else.

use std::{fs, net::SocketAddr, path::Path};

use ipnet::IpNet;

use super::{
    super::{
        bank::Bank,
        pki::{Pki, pem},
        sidecar::Sidecar,
        token::SigningKey,
    },
    Balancer, CERTBOUND, CERTBOUND_PORT,
};

/// What is replaced by what.
pub(crate) type Changes<'a> = &'a [(&'a str, &'a str)];

/// The text of a file in `examples/` after `changes`. Each of them has to be needed, so that none hides a mistake.
pub(crate) fn read(folder: &str, file: &str, changes: Changes<'_>) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(folder).join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    changes.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{} does not say {from:?}", path.display());
        text.replace(from, to)
    })
}

/// The balancer forwards to where the `proxy.toml` beside it listens, and is trusted there, on one machine.
pub(crate) fn assert_fits(balancer: &Balancer) {
    let folder = balancer.folder;
    let file: toml::Table = read(folder, "proxy.toml", &[]).parse().unwrap();
    let listens: SocketAddr = file["listen"]["address"].as_str().unwrap().parse().unwrap();
    let networks = file["load_balancer"]["trusted_networks"].as_array().unwrap();
    let (host, port) = (listens.ip(), listens.port().to_string());

    // Where a test puts its own address, the balancer's file has the one that it forwards to.
    let mut forwards = 0;
    for (file, changes) in balancer.files {
        read(folder, file, changes);
        for (from, to) in changes.iter().filter(|(_, to)| to.contains(CERTBOUND) || to.contains(CERTBOUND_PORT)) {
            let fitting = to.replace(CERTBOUND, &listens.to_string()).replace(CERTBOUND_PORT, &port);
            assert_eq!(*from, fitting, "{folder}: {file} against proxy.toml");
            assert!(from.contains(&host.to_string()), "{folder}: {file} names no host in {from:?}");
            forwards += 1;
        }
    }

    assert_eq!(forwards, 1, "{folder}");
    let mut networks = networks.iter().map(|network| network.as_str().unwrap().parse::<IpNet>().unwrap());
    assert!(networks.any(|network| network.contains(&host)), "{folder}: proxy.toml does not trust {host}");
}

/// certbound with the `proxy.toml` of this folder, in front of `bank`.
pub(crate) fn sidecar(folder: &str, bank: &Bank) -> Sidecar {
    let changes = [
        (r#""127.0.0.1:8444""#, r#""127.0.0.1:0""#),
        (r#""https://as.bank.example/jwks""#, r#""keys.json""#),
        ("127.0.0.1:8080", bank.address()),
    ];
    let text = read(folder, "proxy.toml", &changes);
    let place = tempfile::tempdir().unwrap();
    let write = |name: &str, contents: &[u8]| fs::write(place.path().join(name), contents).unwrap();
    fs::create_dir(place.path().join("trust")).unwrap();
    write("trust/root.pem", pem(&Pki::get().root.der).as_bytes());
    write("trust/issuing.pem", pem(&Pki::get().issuing.der).as_bytes());
    write("keys.json", SigningKey::set(&[SigningKey::published()]).as_bytes());
    write("proxy.toml", format!("{text}{OF_TESTS}").as_bytes());
    let file = place.path().join("proxy.toml");
    Sidecar::start_with(place, &file)
}

/// What the balancers' configurations name: their own certificate, and the authorities they tell clients about.
pub(crate) fn mint_balancer_files(folder: &Path) {
    let (pki, write) = (Pki::get(), |name: &str, text: &str| fs::write(folder.join(name), text).unwrap());
    let server = pki.infrastructure.server(&["localhost", "as.bank.example", "api.bank.example"]);
    write("tls.crt", &server.pem());
    write("tls.key", &server.key_pem());
    write("tls.pem", &(server.pem() + &server.key_pem()));
    write("client-ca.pem", &(pem(&pki.root.der) + &pem(&pki.issuing.der)));
}

/// The ports of these two listeners are certbound's defaults, and no port may be fixed here. The certificates of the tests
/// have no responder.
const OF_TESTS: &str = r#"
[admin]
address = "127.0.0.1:0"
status_address = "off"
[revocation]
methods = []
"#;
