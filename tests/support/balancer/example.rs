//! The files of `examples/`, with what a test has to change in them, and nothing else.

use std::{fs, path::Path};

use super::super::{
    bank::Bank,
    pki::{Pki, pem},
    sidecar::Sidecar,
    token::SigningKey,
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

/// certbound with the `proxy.toml` of this folder, in front of `bank`.
pub(crate) fn sidecar(folder: &str, bank: &Bank) -> Sidecar {
    let changes = [
        (r#""0.0.0.0:8443""#, r#""127.0.0.1:0""#),
        (r#"["10.0.0.0/8"]"#, r#"["127.0.0.0/8"]"#),
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
