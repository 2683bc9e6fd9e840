//! Java's own keystore format, version 2: trusted certificates, and the proof that the password fits.
//!
//! The format is documented by its implementation only (`sun.security.provider.JavaKeyStore`).

use der::asn1::AnyRef;
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use rustls_pki_types::CertificateDer;
use subtle::ConstantTimeEq;

use super::{OWN_STORE, Unusable, unusable, wrong_password};

/// The trusted certificates. Entries with a private key are certificates of somebody, not authorities, and are left out.
pub(super) fn certificates(store: &[u8], password: Option<&str>) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    let found = read(authentic(store, password)?).ok_or_else(|| unusable("is a JKS store that cannot be read"))?;
    match found {
        Found { trusted, own: 1.. } if trusted.is_empty() => Err(unusable(OWN_STORE)),
        Found { trusted, .. } => Ok(trusted),
    }
}

/// What a store holds.
struct Found {
    trusted: Vec<CertificateDer<'static>>,
    /// Entries with a private key.
    own: usize,
}

/// The store without the digest at its end, which the password goes into.
fn authentic<'a>(store: &'a [u8], password: Option<&str>) -> Result<&'a [u8], Unusable> {
    let (body, digest) =
        store.split_last_chunk::<DIGEST_BYTES>().ok_or_else(|| unusable("is a JKS store that is cut short"))?;
    let mut expected = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    password.unwrap_or_default().encode_utf16().for_each(|unit| expected.update(&unit.to_be_bytes()));
    expected.update(WHITENER);
    expected.update(body);
    match bool::from(expected.finish().as_ref().ct_eq(digest)) {
        true => Ok(body),
        false => Err(wrong_password("JKS", password)),
    }
}

fn read(body: &[u8]) -> Option<Found> {
    let mut reader = Reader(body.strip_prefix(MAGIC)?);
    let version = reader.number(4)?;
    if version != 2 {
        return None;
    }
    let mut found = Found { trusted: Vec::new(), own: 0 };
    for _ in 0..reader.number(4)? {
        let kind = reader.number(4)?;
        reader.counted(2)?;
        reader.take(TIMESTAMP_BYTES)?;
        match kind {
            PRIVATE_KEY => {
                found.own += 1;
                reader.counted(4)?;
                for _ in 0..reader.number(4)? {
                    reader.certificate()?;
                }
            }
            TRUSTED_CERTIFICATE => found.trusted.push(reader.certificate()?.to_vec().into()),
            _ => return None,
        }
    }
    reader.0.is_empty().then_some(found)
}

/// What is left to read. Every number is big-endian.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        self.take(bytes).map(|taken| taken.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    /// Bytes with their count in front.
    fn counted(&mut self, count_bytes: usize) -> Option<&'a [u8]> {
        let count = self.number(count_bytes)?;
        self.take(count)
    }

    /// A certificate with its type in front.
    fn certificate(&mut self) -> Option<&'a [u8]> {
        let kind = self.counted(2)?;
        let der = self.counted(4)?;
        (kind == X509 && AnyRef::try_from(der).is_ok()).then_some(der)
    }
}

/// The first bytes of a store.
pub(super) const MAGIC: &[u8] = &[0xfe, 0xed, 0xfe, 0xed];
const WHITENER: &[u8] = b"Mighty Aphrodite";
const DIGEST_BYTES: usize = 20;
const TIMESTAMP_BYTES: usize = 8;
const PRIVATE_KEY: usize = 1;
const TRUSTED_CERTIFICATE: usize = 2;
const X509: &[u8] = b"X.509";
