//! `[token.dpop]`: what is demanded of proofs of possession.

use std::sync::LazyLock;

use ring::rand::{SecureRandom, SystemRandom};

use crate::{
    config::{fault::Wrong, reading::Placed, table::Table, token::algorithm},
    token::{Nonces, ProofRules},
};

/// None where no token is held to a key: `in_use` says whether `[token] binding` has `jkt`.
pub(super) fn read(mut table: Table<'_>, in_use: bool, clock_skew: u64) -> Option<ProofRules> {
    let algorithms = table.strings_or("algorithms", &["ES256", "PS256", "EdDSA"]);
    if algorithms.is_empty() {
        table.fault("algorithms", "no proof could be accepted", "write algorithms = [\"ES256\", \"PS256\", \"EdDSA\"]");
    }
    let algorithms = algorithms.iter().filter_map(|name| table.reading.settle(&name.place, algorithm(&name.value)));
    let algorithms = algorithms.collect();
    let max_age = table.duration("max_age", "60s").as_millis().div_ceil(1000);
    let max_age = u64::try_from(max_age).unwrap_or(u64::MAX);
    if max_age > LONG_AGE {
        let place = table.place_of("max_age");
        table.reading.warn(&place, "a proof that leaks serves that long wherever it was not seen yet", "write 60s");
    }
    let demanded = table.boolean("nonce", false);
    let secret = table.string("nonce_secret_file");
    if let (Some(secret), false) = (&secret, demanded) {
        table.reading.warn(&secret.place, "no nonce is demanded, so this file is not used", "write nonce = true");
    }
    let nonces = nonces(&table, secret.as_ref(), demanded && in_use);
    if !in_use && table.is_changed() {
        table.reading.warn(&table.place, "proofs are not looked at", "add \"jkt\" to binding in [token]");
    }
    in_use.then_some(ProofRules { algorithms, max_age, clock_skew, nonces })
}

/// Under a secret of the operator's, or one that no other process knows and that ends with this one.
fn nonces(table: &Table<'_>, file: Option<&Placed<String>>, wanted: bool) -> Option<Nonces> {
    let reading = table.reading;
    let Some(file) = file else {
        let secret =
            of_this_process().ok_or_else(|| Wrong::new("there are no random bytes", "write nonce_secret_file"));
        return wanted
            .then(|| reading.settle(&table.place_of("nonce"), secret))?
            .map(|secret| Nonces::of_this_process(secret));
    };
    let content = reading.bytes(file)?;
    let secret = content.trim_ascii();
    if secret.len() < SECRET_BYTES {
        let what = format!("this secret is shorter than {SECRET_BYTES} bytes");
        reading.fault(&file.place, what, "make one with `openssl rand -base64 32`");
    }
    wanted.then(|| Nonces::new(secret))
}

/// The same for every reading, so that nonces outlive a reload.
fn of_this_process() -> Option<&'static [u8; SECRET_BYTES]> {
    static SECRET: LazyLock<Option<[u8; SECRET_BYTES]>> = LazyLock::new(|| {
        let mut secret = [0; SECRET_BYTES];
        SystemRandom::new().fill(&mut secret).ok().map(|()| secret)
    });
    SECRET.as_ref()
}

/// As long as the MAC: RFC 2104, section 3.
const SECRET_BYTES: usize = 32;

/// In seconds. RFC 9449, section 11.1: "on the order of seconds or minutes".
const LONG_AGE: u64 = 300;
