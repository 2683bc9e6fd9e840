//! Files that the configuration names.

use super::*;

#[test]
fn truststore_that_cannot_be_read_is_a_fault() {
    let folder = Folder::new();
    fs::create_dir(folder.path("empty")).unwrap();
    fs::create_dir(folder.path("mixed")).unwrap();
    folder.write("mixed/ca.pem", authority().pem());
    folder.write("mixed/notes.txt", "not a certificate");
    let check = |paths: &str, expected: &str| {
        let faults = folder.faults(&with(&[("truststore", paths)]));
        assert_eq!(faults.len(), 1, "{paths}: {faults:#?}");
        assert!(faults[0].contains("truststore.paths: ") && faults[0].contains(expected), "{}", faults[0]);
    };
    check("paths = [\"none.pem\"]", "`none.pem` cannot be read: No such file");
    check("paths = [\"trust/\", \"none/\"]", "`none/` cannot be read: No such file");
    check("paths = [\"empty\"]", "the folder `empty` holds no file");
    check("paths = [\"mixed\"]", "`mixed/notes.txt`: ");
    check("paths = []", "no anchor is named");
}

#[test]
fn folder_is_read_without_hidden_files_and_folders() {
    let folder = Folder::new();
    fs::create_dir(folder.path("trust/..2030_01_01")).unwrap();
    folder.write("trust/..2030_01_01/ca.pem", "an old version");
    folder.write("trust/.keep", "");
    fs::create_dir(folder.path("trust/more")).unwrap();
    folder.write("trust/more/ca.pem", "of another truststore");

    folder.settings(SMALLEST);
}

#[test]
fn password_that_cannot_be_read_is_the_only_fault() {
    let folder = Folder::new();

    let faults = folder.faults(&with(&[("truststore", "password_file = \"none\"")]));

    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].contains("truststore.password_file: `none` cannot be read"), "{}", faults[0]);
}

#[test]
fn key_of_the_listener_must_match_its_certificate() {
    for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519] {
        let folder = Folder::new();
        let key = KeyPair::generate_for(algorithm).unwrap();
        let certificate = CertificateParams::new(["lb.bank.example".to_owned()]).unwrap().self_signed(&key).unwrap();
        folder.write("tls.crt", certificate.pem());
        folder.write("tls.key", key.serialize_pem());
        folder.write("other.key", KeyPair::generate_for(algorithm).unwrap().serialize_pem());
        let tls = |key: &str| {
            let key = format!("private_key_file = \"{key}\"");
            with(&[("listen", "certificate_file = \"tls.crt\""), ("listen", &key), ("listen", "plaintext = false")])
        };

        assert_eq!(folder.settings(&tls("tls.key")).listen.tls.unwrap().chain.len(), 1);
        let faults = folder.faults(&tls("other.key"));
        assert_eq!(faults.len(), 1, "{faults:#?}");
        assert!(faults[0].contains("listen.private_key_file: this key belongs to another certificate"), "{faults:#?}");
        let faults = folder.faults(&tls("tls.crt"));
        assert!(faults[0].contains("listen.private_key_file: this file holds no private key"), "{faults:#?}");
    }
}

#[test]
fn secret_comes_from_a_file_that_holds_one() {
    let folder = Folder::new();
    folder.write("lb-secret", "a long random string\n");
    folder.write("blank", "\n\n");
    let secret = |file: &str| {
        with(&[("load_balancer", &format!("secret_header = {{ name = \"X-LB-Auth\", value_file = \"{file}\" }}"))])
    };

    assert!(folder.settings(&secret("lb-secret")).gate.peers.secret.is_some());
    let faults = folder.faults(&secret("blank"));
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].contains("load_balancer.secret_header.value_file: this file holds no secret"), "{}", faults[0]);
    assert!(
        folder.faults(&secret("none"))[0].contains("load_balancer.secret_header.value_file: `none` cannot be read")
    );
}

#[test]
fn key_set_in_a_file_must_hold_a_key() {
    let folder = Folder::new();
    folder.write("broken.jwks", "{");
    folder.write("empty.jwks", "{\"keys\":[]}");
    let check = |jwks: &str, expected: &str| {
        let faults = folder.faults(&with(&[("token.issuer", &format!("jwks = \"{jwks}\""))]));
        assert_eq!(faults.len(), 1, "{jwks}: {faults:#?}");
        assert!(faults[0].contains("token.issuer.jwks: ") && faults[0].contains(expected), "{}", faults[0]);
    };
    check("none.jwks", "`none.jwks` cannot be read");
    check("broken.jwks", "give a JWK set");
    check("empty.jwks", "this key set holds no key that can be used");
    check("ftp://as.bank.example/jwks", "is neither https:// nor http://");
}
