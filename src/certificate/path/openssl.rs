//! Paths that OpenSSL signs, because rcgen signs neither with RSA nor with what is weak.
#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use std::{fs, time::Duration};

use rustls_pki_types::pem::PemObject;

use super::*;
use crate::certificate::mint::{presented, ran};

/// An authority with a key made as told, whose certificate is signed as told, and a leaf that it signs as told.
const TABLE: [(&str, &str, &str, &str); 20] = [
    ("RSA:rsa_keygen_bits:2048", "-sha256", "-sha256", "ok"),
    ("RSA:rsa_keygen_bits:3072", "-sha256", "-sha384", "ok"),
    ("RSA:rsa_keygen_bits:2048", "-sha256", "-sha512", "ok"),
    ("RSA:rsa_keygen_bits:2048", "-sha256", PSS_SHA256, "ok"),
    ("RSA:rsa_keygen_bits:2048", "-sha256", PSS_SHA512, "ok"),
    ("RSA:rsa_keygen_bits:2048", "-sha256", PSS_LONG_SALT, "certificate_untrusted"),
    ("RSA:rsa_keygen_bits:2048", "-sha256", PSS_SHA1, "certificate_weak"),
    ("RSA:rsa_keygen_bits:2048", "-sha256", "-sha1", "certificate_weak"),
    ("RSA:rsa_keygen_bits:2048", "-sha256", "-md5", "certificate_weak"),
    ("RSA:rsa_keygen_bits:2048", "-sha256", "-sha224", "certificate_untrusted"),
    // Nobody verifies what a root says of itself.
    ("RSA:rsa_keygen_bits:2048", "-sha1", "-sha256", "ok"),
    ("RSA:rsa_keygen_bits:1024", "-sha256", "-sha256", "certificate_weak"),
    ("RSA-PSS:rsa_keygen_bits:2048", "-sha256", "-sha256", "certificate_untrusted"),
    ("EC:ec_paramgen_curve:P-256", "-sha256", "-sha256", "ok"),
    ("EC:ec_paramgen_curve:P-256", "-sha256", "-sha384", "ok"),
    ("EC:ec_paramgen_curve:P-256", "-sha256", "-sha512", "certificate_untrusted"),
    ("EC:ec_paramgen_curve:P-384", "-sha384", "-sha384", "ok"),
    ("EC:ec_paramgen_curve:P-384", "-sha384", "-sha1", "certificate_weak"),
    ("EC:ec_paramgen_curve:P-521", "-sha512", "-sha512", "certificate_untrusted"),
    ("EC:ec_paramgen_curve:secp256k1", "-sha256", "-sha256", "certificate_untrusted"),
];

const PSS_SHA256: &str = "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest";
const PSS_SHA512: &str = "-sha512 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest";
const PSS_LONG_SALT: &str = "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:max";
const PSS_SHA1: &str = "-sha1 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest";

const CONFIGURATION: &str = "
[req]
distinguished_name = name
x509_extensions = authority
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[client]
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
";

#[test]
fn signature_of_openssl_is_accepted_by_its_algorithm() {
    let folder = tempfile::tempdir().unwrap();
    let openssl = |arguments: &str| ran(folder.path(), "openssl", arguments);
    let certificate =
        |file: &str| CertificateDer::from_pem_slice(&fs::read(folder.path().join(file)).unwrap()).unwrap();
    fs::write(folder.path().join("conf"), CONFIGURATION).unwrap();
    let request = "-subj /CN=TPP -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -out leaf.csr";
    if !openssl(&format!("req -new -config conf {request}")) {
        return;
    }
    let rules = PathRules { minimum_rsa_bits: 2048, max_intermediates: 5, require_client_auth: true };
    // OpenSSL dates certificates from its own now, which comes a little later than this one.
    let tomorrow = UnixTime::since_unix_epoch(Duration::from_secs(UnixTime::now().as_secs() + 86_400));

    for (key, signs_itself, signs, expected) in TABLE {
        let (algorithm, option) = key.split_once(':').unwrap();
        openssl(&format!("genpkey -algorithm {algorithm} -pkeyopt {option} -out ca.key"));
        openssl(&format!("req -new -x509 -config conf -key ca.key -subj /CN=CA -days 9 -out ca.pem {signs_itself}"));
        let issue = "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -set_serial 1 -days 9 -out leaf.pem";
        openssl(&format!("{issue} -extfile conf -extensions client {signs}"));

        let (trust, _) = Truststore::new(vec![certificate("ca.pem")], tomorrow).unwrap();
        let verdict = verify(&presented(&certificate("leaf.pem"), &[]), &trust, &rules, tomorrow);

        let code = verdict.map_or_else(|denial| denial.code(), |_| "ok");
        assert_eq!(code, expected, "{key} {signs_itself} {signs}");
    }
}
