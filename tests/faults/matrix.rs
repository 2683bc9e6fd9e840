//! Every part through every fault.

use std::{
    any::Any,
    io::{self, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Mutex,
    thread,
};

use crate::{
    audit, backend, consent, crl,
    endurance::Endurance,
    expectation, introspection, keys, ocsp,
    part::{Fault, Maker},
    replay,
};

/// Whoever puts load on this machine: the one's load is the other's latency.
pub(crate) static TURN: Mutex<()> = Mutex::new(());

/// As the page names them.
const PARTS: [(&str, Maker); 10] = [
    ("Backend", backend::stage),
    ("Keys of an issuer", keys::stage),
    ("Keys that were never fetched", keys::stage_at_start),
    ("Introspection", introspection::stage),
    ("OCSP", ocsp::stage),
    ("CRL at an address", crl::stage),
    ("CRL file", crl::stage_of_file),
    ("Consent service", consent::stage),
    ("Replay memory", replay::stage),
    ("Audit sink", audit::stage),
];

#[test]
fn what_fails_is_refused_as_the_page_says_and_nothing_else_and_all_is_well_afterwards() {
    let page = expectation::read();
    let (told, parts): (Vec<_>, Vec<_>) =
        (page.iter().map(|(part, _)| &**part).collect(), PARTS.map(|(part, _)| part).to_vec());
    assert_eq!(told, parts);
    let only = std::env::var("CERTBOUND_FAULTS").unwrap_or_default();

    let rows = thread::scope(|scope| {
        let begun =
            page.iter().zip(PARTS).filter(|((part, _), _)| part.contains(&only)).map(|((part, codes), (_, make))| {
                scope.spawn(move || codes.iter().map(|(fault, code)| row(part, make, *fault, code)).collect::<Vec<_>>())
            });
        let begun: Vec<_> = begun.collect();
        begun.into_iter().flat_map(|part| part.join().unwrap()).collect::<Vec<_>>()
    });

    // Not by `println!`, which the test runner swallows.
    io::stderr().write_all(table(&rows).as_bytes()).unwrap();
    assert!(rows.iter().all(|row| row.is_ok()), "{}", table(&rows));
}

/// A line of the table; an error where something was not as promised.
fn row(part: &str, make: Maker, fault: Fault, code: &str) -> Result<String, String> {
    let outcome = if code.is_empty() { "passes" } else { code };
    let line = |rest: &str| format!("{part:29} {fault:8} {outcome:26} {rest}");
    let mut strained = String::new();
    for _ in 0..TRIES {
        let seen = catch_unwind(AssertUnwindSafe(|| Endurance::of(make, fault, code, &TURN)));
        match seen.map_err(|panic| line(&format!("FAILED: {}", words(&*panic))))? {
            None => return Ok(line("SKIPPED")),
            Some(seen) if seen.excess().is_empty() => return Ok(line(&seen.to_string())),
            Some(seen) => strained = line(&format!("{seen} TOO MUCH: {}", seen.excess())),
        }
    }
    Err(strained)
}

fn words(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied()).unwrap_or_default()
}

fn table(rows: &[Result<String, String>]) -> String {
    let lines = rows.iter().map(|row| match row {
        Ok(line) | Err(line) => format!("{line}\n"),
    });
    format!("{HEADER}\n{}", lines.collect::<String>())
}

/// A machine that is busy with something else looks like a fault, but not again and again. Verdicts have one try.
const TRIES: usize = 3;
const HEADER: &str = "part                          fault    those who need it          \
    p50/ms   then  back/ms    fds  then  RSS/KiB     then";
