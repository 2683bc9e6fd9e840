//! The server's nonce in proofs (RFC 9449, section 9): it shows that a proof was made lately, whatever the client's clock says.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::hmac;
use rustls_pki_types::UnixTime;

/// Hands out nonces and knows them again without having kept them: each is a MAC over the five minutes it was handed out in.
///
/// One nonce serves all clients. That it is used once is not its part; that of `jti` is.
#[derive(Clone, Debug)]
pub struct Nonces {
    key: hmac::Key,
    /// Whether no other process has the secret.
    of_this_process: bool,
}

impl Nonces {
    /// Sidecars that share the secret take each other's nonces. How good the secret is, is the caller's part.
    pub fn new(secret: &[u8]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret), of_this_process: false }
    }

    /// The same with a secret that nobody else has.
    pub fn of_this_process(secret: &[u8]) -> Self {
        Self { of_this_process: true, ..Self::new(secret) }
    }

    /// Whether those of another process that reads the same configuration are others.
    pub fn are_of_this_process(&self) -> bool {
        self.of_this_process
    }

    /// The nonce that is handed out at `now`.
    pub fn current(&self, now: UnixTime) -> Arc<str> {
        let tag = hmac::sign(&self.key, &window(now).to_be_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(tag).into()
    }

    /// How old this nonce is; none: it was never handed out, or too long ago. Compares in constant time.
    pub fn age(&self, nonce: &str, now: UnixTime) -> Option<Age> {
        if nonce.len() != TEXT_LENGTH {
            return None;
        }
        let tag = BASE64_URL_SAFE_NO_PAD.decode(nonce).ok()?;
        let is_of = |window: u64| hmac::verify(&self.key, &window.to_be_bytes(), &tag).is_ok();
        let now = window(now);
        if is_of(now) {
            return Some(Age::Current);
        }
        now.checked_sub(1).is_some_and(is_of).then_some(Age::Previous)
    }
}

/// How old a nonce is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Age {
    /// It is the one that is handed out now.
    Current,
    /// It is the one before, and serves until the next takes its place.
    Previous,
}

fn window(now: UnixTime) -> u64 {
    now.as_secs() / WINDOW_SECONDS
}

/// A nonce serves for one to two of these.
const WINDOW_SECONDS: u64 = 300;

/// Of 32 bytes.
const TEXT_LENGTH: usize = 43;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::mint::{NOW, at};

    #[test]
    fn nonce_serves_in_its_window_and_the_next_and_nowhere_else() {
        let nonces = Nonces::new(b"secret");
        let begin = NOW / WINDOW_SECONDS * WINDOW_SECONDS;
        let nonce = nonces.current(at(begin));
        let check = |seconds: u64, expected| assert_eq!(nonces.age(&nonce, at(seconds)), expected, "{seconds}");
        check(begin - 1, None);
        check(begin, Some(Age::Current));
        check(begin + WINDOW_SECONDS - 1, Some(Age::Current));
        check(begin + WINDOW_SECONDS, Some(Age::Previous));
        check(begin + 2 * WINDOW_SECONDS - 1, Some(Age::Previous));
        check(begin + 2 * WINDOW_SECONDS, None);
    }

    #[test]
    fn nonce_of_another_secret_or_in_another_spelling_is_none() {
        let nonces = Nonces::new(b"secret");
        let nonce = nonces.current(at(NOW));
        assert_eq!(nonces.age(&Nonces::new(b"other").current(at(NOW)), at(NOW)), None);
        for wrong in ["", "=", &nonce[1..], &format!("{nonce}="), &format!("{nonce}A"), &nonce.to_lowercase()] {
            assert_eq!(nonces.age(wrong, at(NOW)), None, "{wrong}");
        }
        assert_eq!(Nonces::new(b"secret").age(&nonce, at(NOW)), Some(Age::Current));
    }

    #[test]
    fn secret_is_not_printed() {
        assert!(!format!("{:?}", Nonces::new(b"secret")).contains("secret"));
    }

    #[test]
    fn first_window_of_all_has_none_before_it() {
        let nonces = Nonces::new(b"secret");
        assert_eq!(nonces.age(&nonces.current(at(0)), at(0)), Some(Age::Current));
        assert_eq!(nonces.age(&nonces.current(at(NOW)), at(0)), None);
    }
}
