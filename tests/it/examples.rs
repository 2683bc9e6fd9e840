//! Whoever copies a `proxy.toml` from this repository starts with one that certbound takes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{
    config::Config,
    pki::{Pki, pem},
    sidecar::binary,
    token::SigningKey,
};

#[test]
fn every_proxy_toml_of_the_examples_passes_check() {
    let folders = fs::read_dir(repository("examples")).unwrap().map(|entry| entry.unwrap().path());
    // The quickstart is a program, which writes its own.
    let folders: Vec<_> = folders.filter(|path| path.is_dir() && !path.ends_with("quickstart")).collect();
    assert!(folders.len() >= 12, "{folders:?}");
    for folder in folders {
        let text = fs::read_to_string(folder.join("proxy.toml")).unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(text.contains(&format!("profile = \"{name}\"\n")), "{name} has another profile");
        passes_check(name, &text, &[]);
    }
}

#[test]
fn smallest_proxy_toml_of_the_readme_passes_check() {
    let readme = fs::read_to_string(repository("README.md")).unwrap();
    let (_, rest) = readme.split_once("```toml\n").expect("the README shows a proxy.toml");
    let (text, _) = rest.split_once("```").unwrap();

    passes_check("README.md", text, &[]);
}

#[test]
fn proxy_toml_of_the_compose_file_passes_check() {
    let text = fs::read_to_string(repository("docker/compose/proxy.toml")).unwrap();

    // Its PKI is made for one run and has no responder, and nothing but the network of compose carries its keys.
    passes_check("compose", &text, &["revocation.methods: ", "token.issuer.jwks: "]);
}

/// In a folder that holds whatever these files name, and with these warnings alone.
fn passes_check(name: &str, text: &str, warnings: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let authority = pem(&Pki::get().root.der);
    let file = Config::to("127.0.0.1:8080")
        .with_tls()
        .file("ca.crt", pem(&Pki::get().infrastructure.der))
        .file("my-zone-origin-pull-ca.pem", pem(&Pki::get().infrastructure.der))
        .file("out/client-ca.pem", authority)
        .file("out/jwks.json", SigningKey::set(&[SigningKey::published()]))
        .write(folder.path());
    fs::write(&file, text).unwrap();

    let output = Command::new(binary()).args(["check", "--config"]).arg(&file).output().unwrap();

    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{name}: {said}");
    assert_eq!(said.lines().count(), warnings.len(), "{name}: {said}");
    assert!(warnings.iter().all(|warning| said.contains(warning)), "{name}: {said}");
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
