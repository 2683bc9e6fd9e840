//! Files that the configuration names.

use serde_json::json;

use super::*;
use crate::certificate::mint;

#[test]
fn truststore_that_cannot_be_read_is_a_fault() {
    let folder = Folder::new();
    fs::create_dir(folder.path("empty")).unwrap();
    fs::create_dir(folder.path("mixed")).unwrap();
    folder.write("mixed/ca.pem", authority().pem());
    folder.write("mixed/notes.txt", "not a certificate");
    let whole = authority().pem();
    folder.write("cut.pem", whole.split("-----END").next().unwrap());
    folder.write("blank.pem", "\n");
    folder.write("mangled.pem", whole.replacen("MII", "M*I", 1));
    let check = |paths: &str, expected: &str| {
        let faults = folder.faults(&with(&[("truststore", paths)]));
        assert_eq!(faults.len(), 1, "{paths}: {faults:#?}");
        assert!(faults[0].contains("truststore.paths: ") && faults[0].contains(expected), "{}", faults[0]);
    };
    check("paths = [\"none.pem\"]", "`none.pem` cannot be read: No such file");
    check("paths = [\"trust/\", \"none/\"]", "`none/` cannot be read: No such file");
    check("paths = [\"empty\"]", "the folder `empty` holds no file");
    check("paths = [\"mixed\"]", "`mixed/notes.txt` is no PEM");
    check("paths = []", "no anchor is named");
    check("paths = [\"cut.pem\"]", "`cut.pem` is PEM that cannot be read: a block does not end");
    check("paths = [\"blank.pem\"]", "`blank.pem` is empty");
    check("paths = [\"mangled.pem\"]", "`mangled.pem` is PEM that cannot be read: a block is not base64");
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
fn password_opens_a_store_without_the_line_end_of_its_file() {
    let folder = Folder::new();
    let mut store = p12_keystore::KeyStore::new();
    let authority = p12_keystore::Certificate::from_der(authority().der()).unwrap();
    store.add_entry("ca", p12_keystore::KeyStoreEntry::Certificate(authority));
    folder.write("trust.p12", store.writer("chängeit").write().unwrap());
    folder.write("password", "chängeit\r\n");
    folder.write("other", "changeit\n");
    let store = |password: &str| {
        let password = format!("password_file = \"{password}\"");
        with(&[("truststore", "paths = [\"trust.p12\"]"), ("truststore", &password)])
    };

    folder.settings(&store("password"));
    let faults = folder.faults(&store("other"));
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(
        faults[0].contains("truststore.paths: `trust.p12` is a PKCS#12 store with another password"),
        "{}",
        faults[0]
    );
}

#[test]
fn store_without_a_password_is_told_the_key_that_names_one() {
    let folder = Folder::new();
    folder.write("trust.p12", p12_keystore::KeyStore::new().writer("changeit").write().unwrap());
    let told = |table: &str, line: &str| folder.faults(&with(&[(table, line)])).concat();

    let anchors = told("truststore", "paths = [\"trust.p12\"]");
    let what = "`trust.p12` is a PKCS#12 store, which needs a password; ";
    assert!(anchors.contains(&format!("{what}write password_file = ")), "{anchors}");
    let issuer = told("token.issuer", "ca_file = \"trust.p12\"");
    assert!(issuer.contains(&format!("{what}give certificates as PEM or DER")), "{issuer}");
}

#[test]
fn byte_order_mark_is_part_of_no_file() {
    let folder = Folder::new();
    let marked = |content: &str| format!("\u{feff}{content}");
    let mut store = p12_keystore::KeyStore::new();
    let der = p12_keystore::Certificate::from_der(authority().der()).unwrap();
    store.add_entry("ca", p12_keystore::KeyStoreEntry::Certificate(der));
    let key = KeyPair::generate().unwrap();
    folder.write("trust/store.p12", store.writer("changeit").write().unwrap());
    folder.write("trust/ca.pem", marked(&(authority().pem() + &authority().pem())));
    folder.write("password", marked("changeit\r\n"));
    folder.write("as.jwks", marked("{\"keys\":[]}"));
    folder.write("tls.crt", marked(&CertificateParams::new([]).unwrap().self_signed(&key).unwrap().pem()));
    folder.write("tls.key", marked(&key.serialize_pem()));
    folder.write("short", marked("0123456789abcde"));

    let secret = "secret_header = { name = \"X-LB-Auth\", value_file = \"short\" }";
    let toml = with(&[
        ("truststore", "password_file = \"password\""),
        ("token.issuer", "jwks = \"as.jwks\""),
        ("listen", "certificate_file = \"tls.crt\"\nprivate_key_file = \"tls.key\""),
        ("listen", "plaintext = false"),
        ("load_balancer", secret),
    ]);
    assert_eq!(folder.settings(&toml).gate.certificates.truststore().anchors().count(), 3);
    assert!(folder.warnings(&toml).concat().contains("fewer than 16 characters"), "without the mark");
    let faults = folder.faults(&marked("mode = 1"));
    assert!(faults.iter().any(|fault| fault.starts_with("proxy.toml:1:8: mode: ")), "no column of its own: {faults:?}");
}

#[test]
fn folder_in_a_folder_is_warned_of_unless_it_is_hidden() {
    let folder = Folder::new();
    fs::create_dir(folder.path("trust/..2030_01_01")).unwrap();
    std::os::unix::fs::symlink("..2030_01_01", folder.path("trust/..data")).unwrap();
    assert!(folder.warnings(SMALLEST).is_empty());
    fs::create_dir(folder.path("trust/more")).unwrap();
    fs::create_dir_all(folder.path("lists/old")).unwrap();

    let warnings = folder.warnings(&with(&[("revocation", "crl_files = [\"lists/\"]")]));

    let told = |key: &str, inner: &str| format!("{key}: the folder `{inner}` is not read, because it is in a folder");
    for expected in [
        told("truststore.paths", "trust/more"),
        told("revocation.crl_files", "lists/old"),
        "revocation.crl_files: the folder `lists/` holds no CRL".to_owned(),
    ] {
        assert!(warnings.iter().any(|warning| warning.contains(&expected)), "{expected}: {warnings:#?}");
    }
    assert_eq!(warnings.len(), 3, "{warnings:#?}");
}

#[test]
fn anchor_that_is_not_valid_yet_points_to_the_clock() {
    let folder = Folder::new();
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = rcgen::date_time_ymd(2031, 1, 1);
    folder.write("trust/soon.pem", params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem());

    let warnings = folder.warnings(SMALLEST);

    let expected = "is not valid yet, not before 2031-01-01T00:00:00Z; see that the clock of this machine is right";
    assert!(warnings.len() == 1 && warnings[0].ends_with(expected), "{warnings:#?}");
}

#[test]
fn folder_as_kubernetes_has_it_gives_its_authorities_alone() {
    let folder = Folder::new();
    let (own, key) = (authority(), KeyPair::generate().unwrap());
    fs::create_dir(folder.path("secret")).unwrap();
    folder.write("secret/tls.crt", own.pem());
    folder.write("secret/tls.key", key.serialize_pem());
    let paths = "paths = [\"secret/\"]";

    let faults = folder.faults(&with(&[("truststore", paths)]));
    assert!(faults.concat().contains("tls.key` holds no certificate"), "{faults:#?}");

    let issuer = authority();
    folder.write("secret/ca.crt", issuer.pem());
    let warnings = folder.warnings(&with(&[("truststore", paths)]));
    assert!(warnings.concat().contains("`secret/` holds a certificate with its key"), "{warnings:#?}");
    let anchors = |paths: &str| {
        let settings = folder.settings(&with(&[("truststore", paths)]));
        settings.gate.certificates.truststore().anchors().count()
    };
    assert_eq!(anchors(paths), 1);
    assert_eq!(anchors("paths = [\"secret/ca.crt\", \"secret/tls.crt\"]"), 2, "where they are named");

    let mut open = p12_keystore::KeyStore::new();
    let der = p12_keystore::Certificate::from_der(own.der()).unwrap();
    open.add_entry("ca", p12_keystore::KeyStoreEntry::Certificate(der));
    folder.write("open.p12", open.writer("").write().unwrap());
    folder.write("password", "changeit");
    let stores = "paths = [\"open.p12\"]\npassword_file = \"password\"";
    folder.settings(&with(&[("truststore", stores)]));
}

#[test]
fn anchor_that_cannot_be_one_is_warned_of_unless_it_is_the_last() {
    let folder = Folder::new();
    let leaf = CertificateParams::new([]).unwrap().self_signed(&KeyPair::generate().unwrap()).unwrap();
    folder.write("leaf.pem", leaf.pem());

    let warnings = folder.warnings(&with(&[("truststore", "paths = [\"trust/\", \"leaf.pem\"]")]));
    assert_eq!(warnings.iter().filter(|warning| warning.contains("truststore.paths: ")).count(), 1, "{warnings:#?}");
    let faults = folder.faults(&with(&[("truststore", "paths = [\"leaf.pem\"]")]));
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].contains("truststore.paths: no anchor is left: "), "{}", faults[0]);
}

#[test]
fn password_that_cannot_be_read_is_the_only_fault() {
    let folder = Folder::new();

    let faults = folder.faults(&with(&[("truststore", "password_file = \"none\"")]));

    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].contains("truststore.password_file: `none` cannot be read"), "{}", faults[0]);
}

#[test]
fn password_that_cannot_be_read_hides_no_fault_of_the_paths_but_those_of_stores() {
    let folder = Folder::new();
    folder.write("trust.p12", p12_keystore::KeyStore::new().writer("changeit").write().unwrap());
    folder.write("trust.jks", b"\xfe\xed\xfe\xed");
    folder.write("notes.txt", "not a certificate");
    let paths = "paths = [\"trust.p12\", \"trust.jks\", \"notes.txt\", \"none.pem\"]";

    let faults = folder.faults(&with(&[("truststore", paths), ("truststore", "password_file = \"none\"")]));

    let expected = ["password_file: `none` cannot", "`notes.txt` is no PEM", "`none.pem` cannot be read"];
    assert_eq!(faults.len(), 3, "{faults:#?}");
    assert!(expected.iter().all(|part| faults.iter().any(|fault| fault.contains(part))), "{faults:#?}");
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
fn authority_that_tls_cannot_take_is_a_fault_wherever_one_is_named() {
    let folder = Folder::new();
    folder.write("ca.pem", authority().pem() + BROKEN);
    for (table, more) in [
        ("token.issuer", ""),
        ("consent", "endpoint = \"https://consents.example/\""),
        ("registration", ""),
        ("replay", "redis = \"rediss://redis.bank.internal:6379\""),
        ("tracing", ""),
        ("backend.tls", "server_name = \"api.bank.internal\""),
    ] {
        let faults = folder.faults(&with(&[(table, more), (table, "ca_file = \"ca.pem\"")]));
        let expected =
            format!("{table}.ca_file: certificate 2 in `ca.pem` cannot be read; give it anew, or take it out");
        assert!(faults.len() == 1 && faults[0].ends_with(&expected), "{expected}: {faults:#?}");
    }
}

#[test]
fn own_certificate_that_tls_cannot_show_is_a_fault() {
    let folder = Folder::new();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new([]).unwrap().self_signed(&key).unwrap();
    folder.write("tls.key", key.serialize_pem());
    let check = |pem: &str, expected: &str| {
        folder.write("tls.crt", pem);
        let lines = "certificate_file = \"tls.crt\"\nprivate_key_file = \"tls.key\"";
        for (table, more) in [("listen", "plaintext = false"), ("backend.tls", "server_name = \"api.bank.internal\"")] {
            let faults = folder.faults(&with(&[(table, more), (table, lines)]));
            let expected = format!("{table}.certificate_file: {expected}");
            assert!(faults.len() == 1 && faults[0].contains(&expected), "{expected}: {faults:#?}");
        }
    };
    check(&(own.pem() + BROKEN), "certificate 2 in this file cannot be read");
    check(BROKEN, "certificate 1 in this file cannot be read");

    let mut older = own.der().to_vec();
    let version = older.windows(5).position(|window| window == [0xa0, 3, 2, 1, 2]).unwrap();
    older[version + 4] = 1;
    let base64 = base64::prelude::BASE64_STANDARD.encode(older);
    let older = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
    check(&older, "the first certificate cannot be shown in TLS; give an X.509 certificate of version 3");
}

/// PEM of an empty sequence.
const BROKEN: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";

#[test]
fn key_in_the_older_form_of_elliptic_curves_is_matched_too() {
    let folder = Folder::new();
    let key = KeyPair::generate().unwrap();
    folder.write("tls.crt", CertificateParams::new([]).unwrap().self_signed(&key).unwrap().pem());
    folder.write("tls.key", sec1(&key));
    folder.write("other.key", sec1(&KeyPair::generate().unwrap()));
    let tls = |key: &str| {
        let key = format!("private_key_file = \"{key}\"");
        with(&[("listen", "certificate_file = \"tls.crt\""), ("listen", &key), ("listen", "plaintext = false")])
    };

    assert!(folder.settings(&tls("tls.key")).listen.tls.is_some());
    assert!(folder.faults(&tls("other.key"))[0].contains("this key belongs to another certificate"));
}

/// The ECPrivateKey (RFC 5915) inside a PKCS#8 key of P-256, as `openssl ecparam -genkey` writes it.
pub(super) fn sec1(key: &KeyPair) -> String {
    let pkcs8 = key.serialize_der();
    let version_and_scalar = [0x02, 0x01, 0x01, 0x04, 0x20];
    let start = pkcs8.windows(5).position(|window| window == version_and_scalar).unwrap() - 2;
    let base64 = base64::prelude::BASE64_STANDARD.encode(&pkcs8[start..]);
    format!("-----BEGIN EC PRIVATE KEY-----\n{base64}\n-----END EC PRIVATE KEY-----\n")
}

#[test]
fn certificate_out_of_date_is_warned_of() {
    let folder = Folder::new();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([]).unwrap();
    params.not_after = rcgen::date_time_ymd(2029, 12, 31);
    folder.write("tls.crt", params.self_signed(&key).unwrap().pem());
    folder.write("tls.key", key.serialize_pem());

    let warnings = folder.warnings(&with(&[
        ("listen", "certificate_file = \"tls.crt\""),
        ("listen", "private_key_file = \"tls.key\""),
        ("listen", "plaintext = false"),
    ]));

    assert!(
        warnings.iter().any(|w| w.contains("listen.certificate_file: this certificate has expired")),
        "{warnings:#?}"
    );
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
fn secret_that_can_be_guessed_is_warned_of_and_not_shown() {
    let folder = Folder::new();
    let warnings = |content: &str| {
        folder.write("lb-secret", content);
        let secret = "secret_header = { name = \"X-LB-Auth\", value_file = \"lb-secret\" }";
        folder.warnings(&with(&[("load_balancer", secret)]))
    };

    for content in ["hunter2\n", "0123456789abcdef\nhunter2", "  \nhunter2  \r\n0123456789abcde\n"] {
        let told = warnings(content);
        assert_eq!(told.len(), 1, "{told:#?}");
        let what = "load_balancer.secret_header.value_file: a secret has fewer than 16 characters";
        assert!(told[0].contains(what) && !told[0].contains("hunter2"), "{}", told[0]);
    }
    assert!(warnings("0123456789abcdef\n\nfedcba9876543210").is_empty());
}

#[test]
fn key_set_in_a_file_can_be_read_and_is_warned_of_where_it_holds_no_key() {
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
    check("ftp://as.bank.example/jwks", "is neither https:// nor http://");
    folder.write("useless.jwks", r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#);
    for set in ["empty.jwks", "useless.jwks"] {
        let warnings = folder.warnings(&with(&[("token.issuer", &format!("jwks = \"{set}\""))]));
        let useless = "this key set holds no key that can be used";
        assert!(warnings.iter().any(|warning| warning.contains(useless)), "{warnings:?}");
    }
}

#[test]
fn keys_that_fit_no_algorithm_are_warned_of() {
    let folder = Folder::new();
    let coordinate = "A".repeat(43);
    let curve = json!({"kty": "EC", "crv": "P-256", "x": coordinate, "y": coordinate});
    let modulus = "q".repeat(341) + "Q";
    let rsa = json!({"kty": "RSA", "alg": "RS256", "n": modulus, "e": "AQAB"});
    folder.write("ec.jwks", json!({"keys": [curve]}).to_string());
    folder.write("rs.jwks", json!({"keys": [rsa]}).to_string());
    let check = |algorithms: &str, jwks: &str, expected: bool| {
        let toml = with(&[("token", algorithms), ("token.issuer", &format!("jwks = \"{jwks}\""))]);
        let warnings = folder.warnings(&toml);
        let told = "token.issuer.jwks: no key in it fits token.algorithms: every signature is refused";
        assert_eq!(warnings.iter().any(|warning| warning.contains(told)), expected, "{algorithms} {jwks} {warnings:?}");
    };
    check("algorithms = [\"PS256\"]", "ec.jwks", true);
    check("algorithms = [\"PS256\", \"ES256\"]", "ec.jwks", false);
    check("", "ec.jwks", false);
    check("", "rs.jwks", true);
    check("algorithms = [\"RS256\"]", "rs.jwks", false);

    let route = [("route", "kind = \"registration\""), ("route", "path = \"/register/{ClientId}\"")];
    let directory = |jwks: &str| {
        let line = format!("directory_jwks = \"{jwks}\"\nallowed_jwks_hosts = [\"keystore.example\"]");
        folder.warnings(&with(&[&route[..], &[("registration", &line)]].concat()))
    };
    assert_eq!(directory("ec.jwks"), [""; 0]);
    let warnings = directory("rs.jwks").concat();
    assert!(warnings.contains("registration.directory_jwks: no key in it fits PS256 or ES256"), "{warnings}");
}

#[test]
fn truststore_of_keys_that_are_too_weak_is_warned_of() {
    let folder = Folder::new();
    let root = mint::Authority::root("Root", mint::plain);
    let authority = root.client_with(&mint::Rsa::of_bits(2048, 3), |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        params.extended_key_usages.clear();
        mint::in_years(2020, 2040)(params);
    });
    folder.write("trust/ca.pem", authority);
    let warned = |bits: u16| {
        let warnings = folder.warnings(&with(&[("truststore", &format!("minimum_rsa_bits = {bits}"))]));
        warnings.iter().any(|warning| warning.contains("truststore.minimum_rsa_bits: the key of every authority"))
    };

    assert_eq!([2048, 3072].map(warned), [false, true]);
    folder.write("trust/other.der", &root.der);
    assert!(!warned(3072), "one authority is enough");
}
