//! The secret that a load balancer sends in a header of its own.

use std::fmt;

use http::HeaderValue;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// The secrets that the balancer may send, several for rotation.
///
/// Only their digests are kept: comparing those takes the same time whatever the length, and a dump of memory shows no
/// secret.
pub struct Secrets(Vec<[u8; 32]>);

impl Secrets {
    /// One secret a line of `file`, white space around it dropped; blank lines are skipped.
    /// None when no secret is left.
    pub fn parse(file: &[u8]) -> Option<Self> {
        let lines = file.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
        let digests: Vec<_> = lines.map(digest).collect();
        (!digests.is_empty()).then_some(Self(digests))
    }

    /// Whether exactly one value was sent and is one of the secrets. Every secret is compared, in constant time.
    ///
    /// Two values prove nothing, even if both are right: one of them came from someone else.
    pub(super) fn proven_by(&self, values: &[HeaderValue]) -> bool {
        let [value] = values else { return false };
        let sent = digest(value.as_bytes());
        self.0.iter().fold(Choice::from(0), |found, secret| found | secret.ct_eq(&sent)).into()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

fn digest(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}
