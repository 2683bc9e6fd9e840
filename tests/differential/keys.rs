//! Keys of every kind, and what they sign. New in each run: what follows from the seed is everything else.

use std::{fs, process::Command};

use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
        RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use rustls_pki_types::pem::PemObject;
use tempfile::TempDir;

use crate::support::der::{oid, sequence, tlv};

/// Which of the [`Keys`].
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Key {
    P256(usize),
    P384,
    Ed25519,
    Rsa2048,
    /// Signs by OpenSSL, because ring does not sign with what is weak.
    Rsa1024,
}

pub(crate) struct Keys {
    p256: Vec<EcdsaKeyPair>,
    p384: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
    rsa2048: RsaKeyPair,
    rsa1024: Vec<u8>,
    folder: TempDir,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ed25519 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let strong = rsa(&folder, "2048");
        Self {
            p256: (0..8).map(|_| elliptic(&ECDSA_P256_SHA256_ASN1_SIGNING)).collect(),
            p384: elliptic(&ECDSA_P384_SHA384_ASN1_SIGNING),
            ed25519: Ed25519KeyPair::from_pkcs8(ed25519.as_ref()).unwrap(),
            rsa2048: RsaKeyPair::from_pkcs8(&strong).unwrap(),
            rsa1024: {
                rsa(&folder, "1024");
                openssl(&["pkey", "-pubout", "-outform", "DER", "-in", &path(&folder, "1024")])
            },
            folder,
        }
    }

    /// SubjectPublicKeyInfo.
    pub(crate) fn info(&self, key: Key) -> Vec<u8> {
        let info = |algorithm: &[&[u8]], key: &[u8]| sequence(&[&sequence(algorithm), &tlv(3, &[&[0], key])]);
        match key {
            Key::P256(place) => info(&[&oid(EC), &oid(P256)], self.p256[place].public_key().as_ref()),
            Key::P384 => info(&[&oid(EC), &oid(P384)], self.p384.public_key().as_ref()),
            Key::Ed25519 => info(&[&oid(ED25519)], self.ed25519.public_key().as_ref()),
            Key::Rsa2048 => info(&[&oid(RSA), NULL], self.rsa2048.public_key().as_ref()),
            Key::Rsa1024 => self.rsa1024.clone(),
        }
    }

    /// AlgorithmIdentifier of what [`Self::sign`] makes.
    pub(crate) fn algorithm(key: Key, sha1: bool) -> Vec<u8> {
        match key {
            Key::P256(_) => sequence(&[&oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2])]),
            Key::P384 => sequence(&[&oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3])]),
            Key::Ed25519 => sequence(&[&oid(ED25519)]),
            Key::Rsa2048 | Key::Rsa1024 => {
                let hash = if sha1 { 5 } else { 11 };
                sequence(&[&oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, hash]), NULL])
            }
        }
    }

    /// `sha1` is heard by RSA keys alone.
    pub(crate) fn sign(&self, key: Key, sha1: bool, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match key {
            Key::P256(place) => self.p256[place].sign(&random, message).unwrap().as_ref().to_vec(),
            Key::P384 => self.p384.sign(&random, message).unwrap().as_ref().to_vec(),
            Key::Ed25519 => self.ed25519.sign(message).as_ref().to_vec(),
            Key::Rsa2048 if !sha1 => {
                let mut signature = vec![0; self.rsa2048.public().modulus_len()];
                self.rsa2048.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
            Key::Rsa2048 | Key::Rsa1024 => {
                let file = path(&self.folder, "message");
                fs::write(&file, message).unwrap();
                let name = if key == Key::Rsa2048 { "2048" } else { "1024" };
                let hash = if sha1 { "-sha1" } else { "-sha256" };
                openssl(&["dgst", hash, "-sign", &path(&self.folder, name), &file])
            }
        }
    }
}

pub(crate) fn elliptic(how: &'static ring::signature::EcdsaSigningAlgorithm) -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(how, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(how, document.as_ref(), &random).unwrap()
}

/// A key of this many bits as PKCS#8, which stays in the folder as PEM.
pub(crate) fn rsa(folder: &TempDir, bits: &str) -> Vec<u8> {
    let file = path(folder, bits);
    openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", &format!("rsa_keygen_bits:{bits}"), "-out", &file]);
    rustls_pki_types::PrivatePkcs8KeyDer::from_pem_file(file).unwrap().secret_pkcs8_der().to_vec()
}

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

fn openssl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(arguments).output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

const NULL: &[u8] = &[5, 0];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384: &[u8] = &[0x2b, 0x81, 4, 0, 0x22];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
