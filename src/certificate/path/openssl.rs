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
[constrained]
basicConstraints = critical, CA:TRUE
nameConstraints = critical, excluded;dirName:excluded
[excluded]
CN = TPP
[client]
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
";

/// Where OpenSSL works, and what it made.
struct Folder(tempfile::TempDir);

impl Folder {
    /// None, loudly, without OpenSSL.
    fn with_a_request() -> Option<Self> {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.0.path().join("conf"), CONFIGURATION).unwrap();
        let request = "-subj /CN=TPP -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -out leaf.csr";
        folder.openssl(&format!("req -new -config conf {request}")).then_some(folder)
    }

    fn openssl(&self, arguments: &str) -> bool {
        ran(self.0.path(), "openssl", arguments)
    }

    /// An authority of this name, with a key made as told, which signs its own certificate as told.
    fn authority(&self, name: &str, key: &str, signs: &str) {
        let (algorithm, option) = key.split_once(':').unwrap();
        self.openssl(&format!("genpkey -algorithm {algorithm} -pkeyopt {option} -out {name}.key"));
        let request = format!("req -new -x509 -config conf -subj /CN={name} -days 9");
        self.openssl(&format!("{request} -key {name}.key -out {name}.pem {signs}"));
    }

    fn leaf(&self, authority: &str, signs: &str) -> CertificateDer<'static> {
        let issue = format!("x509 -req -in leaf.csr -CA {authority}.pem -CAkey {authority}.key -set_serial 1 -days 9");
        self.openssl(&format!("{issue} -out leaf.pem -extfile conf -extensions client {signs}"));
        self.certificate("leaf")
    }

    fn certificate(&self, name: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(&fs::read(self.0.path().join(format!("{name}.pem"))).unwrap()).unwrap()
    }
}

fn judge(leaf: &[u8], sent: &[&[u8]], anchor: CertificateDer<'static>) -> &'static str {
    let rules = PathRules { minimum_rsa_bits: 2048, max_intermediates: 5, require_client_auth: true };
    // OpenSSL dates certificates from its own now, which comes a little later than this one.
    let tomorrow = UnixTime::since_unix_epoch(Duration::from_secs(UnixTime::now().as_secs() + 86_400));
    let (trust, _) = Truststore::new(vec![anchor], tomorrow).unwrap();
    presented(leaf, sent)
        .and_then(|presented| verify(&presented, &trust, &rules, tomorrow))
        .map_or_else(|denial| denial.code(), |_| "ok")
}

#[test]
fn signature_of_openssl_is_accepted_by_its_algorithm() {
    let Some(folder) = Folder::with_a_request() else { return };
    for (key, signs_itself, signs, expected) in TABLE {
        folder.authority("CA", key, signs_itself);
        let leaf = folder.leaf("CA", signs);
        assert_eq!(judge(&leaf, &[], folder.certificate("CA")), expected, "{key} {signs_itself} {signs}");
    }
}

#[test]
fn old_root_that_came_along_does_not_make_a_strangers_certificate_weak() {
    let Some(folder) = Folder::with_a_request() else { return };
    folder.authority("CA", "RSA:rsa_keygen_bits:2048", "-sha256");
    folder.authority("Old", "RSA:rsa_keygen_bits:2048", "-sha1");
    let leaf = folder.leaf("Old", "-sha256");
    assert_eq!(judge(&leaf, &[&folder.certificate("Old")], folder.certificate("CA")), "certificate_untrusted");
}

/// With as many names and constraints as fit, comparing them was what a stranger made certbound do for seconds.
#[test]
fn constraints_of_an_issuer_that_nobody_certified_are_not_looked_at() {
    let Some(folder) = Folder::with_a_request() else { return };
    folder.authority("CA", "RSA:rsa_keygen_bits:2048", "-sha256");
    let anchor = folder.certificate("CA");
    folder.authority("CA", "RSA:rsa_keygen_bits:2048", "-sha256");
    folder.authority("Issuer", "RSA:rsa_keygen_bits:2048", "-sha256");
    folder.openssl("x509 -x509toreq -in Issuer.pem -signkey Issuer.key -out Issuer.csr");
    let sign = "x509 -req -in Issuer.csr -CA CA.pem -CAkey CA.key -set_serial 1 -days 9 -out Issuer.pem";
    folder.openssl(&format!("{sign} -extfile conf -extensions constrained -sha1"));
    let leaf = folder.leaf("Issuer", "-sha1");
    assert_eq!(judge(&leaf, &[&folder.certificate("Issuer")], anchor), "certificate_weak");
}
