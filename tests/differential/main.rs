//! certbound beside OpenSSL, Python's cryptography, PyJWT, and jose: it never accepts alone.
//!
//! `CERTBOUND_SEED` chooses other cases, `CERTBOUND_CASES` how many. Keys and signatures are new in each run; everything
//! else follows from the seed, and a case that fails is printed whole.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests state what they need")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "other tests ask more of the stage set")]
mod support;

mod certificate;
mod chain;
mod difference;
mod faults;
mod keys;
mod known;
mod others;
mod paths;
mod random;
mod shapes;
mod token;
mod tokens;
mod twists;

use random::Random;

fn is_default_plan() -> bool {
    ["CERTBOUND_SEED", "CERTBOUND_CASES"].iter().all(|name| std::env::var_os(name).is_none())
}

/// Where the cases come from, and how many there are.
fn plan() -> (Random, usize) {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
    };
    let (seed, cases) = (number("CERTBOUND_SEED", 6), number("CERTBOUND_CASES", 4000));
    eprintln!("CERTBOUND_SEED={seed} CERTBOUND_CASES={cases}");
    (Random::new(seed), usize::try_from(cases).unwrap())
}
