//! One part through one fault: before, meanwhile, and after.

use std::{
    fmt,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use crate::{
    footprint::Footprint,
    load::{self, Apart},
    part::{Fault, Maker, NEEDING, Part},
    support::sidecar::DEADLINE,
};

/// What was seen.
#[derive(Debug)]
pub(crate) struct Endurance {
    /// The median time of answers that the part has nothing to do with.
    before: Duration,
    meanwhile: Duration,
    /// From when it was well again until the first request passed that needs it.
    recovery: Duration,
    footprint: Footprint,
    after: Footprint,
}

impl Endurance {
    /// None where a program is not installed. `code`: what requests are refused with that need the part, empty where they
    /// pass. Only one at a time has the `turn`, because the one's load is the other's latency; who waits for recovery has not.
    pub(crate) fn of(make: Maker, fault: Fault, code: &str, turn: &Mutex<()>) -> Option<Self> {
        let alone = turn.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let part = make(fault)?;
        let part = &*part;
        let apart = Apart::of(part);
        let well = part.begins_well().then_some("");
        // The first time is for what is allocated once, and never given back.
        apart.median(part, well, A_WHILE / 2);
        let before = apart.median(part, well, A_WHILE);
        let footprint = Footprint::settled(part.sidecar());
        part.bank().take();

        part.strike(fault);
        let meanwhile = apart.median(part, Some(code), A_WHILE);
        let seen = part.bank().take().into_iter().filter(|seen| seen.target == NEEDING).count();
        assert!(code.is_empty() || seen == 0, "refused with {code}, and yet the bank saw {seen} of them");
        drop(alone);

        part.heal(fault);
        let recovery = recover(part);
        let after = Footprint::back(part.sidecar(), footprint, load::CLIENTS_NEEDING, MEMORY, || apart.go_on(part));
        drop(apart);
        Some(Self { before, meanwhile, recovery, footprint, after })
    }

    /// What was more than it may be; empty: nothing.
    pub(crate) fn excess(&self) -> String {
        let Self { before, meanwhile, footprint, after, .. } = self;
        let excesses = [
            ("time of others", *meanwhile > FLOOR.max(*before * 2)),
            ("descriptors", after.descriptors > footprint.descriptors + load::CLIENTS_NEEDING),
            ("memory", after.resident > footprint.resident + MEMORY),
        ];
        excesses.iter().filter(|(_, is_one)| *is_one).map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}

/// How long it takes until one request passes that needs the part, and then many.
pub(crate) fn recover(part: &dyn Part) -> Duration {
    let begun = Instant::now();
    loop {
        let answer = load::ask(part, &mut None);
        if answer.status == 200 {
            break;
        }
        assert!(begun.elapsed() < DEADLINE, "still refused: {}", answer.code());
        thread::sleep(Duration::from_millis(50));
    }
    let recovery = begun.elapsed();
    thread::scope(|scope| {
        for _ in 0..load::CLIENTS_NEEDING {
            scope.spawn(|| {
                let mut connection = None;
                (0..5).for_each(|_| load::hold(&load::ask(part, &mut connection), ""));
            });
        }
    });
    recovery
}

impl fmt::Display for Endurance {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { before, meanwhile, recovery, footprint, after } = self;
        let milliseconds = |time: &Duration| time.as_secs_f64() * 1000.0;
        write!(to, "{:7.2} {:7.2} {:8.0} ", milliseconds(before), milliseconds(meanwhile), milliseconds(recovery))?;
        write!(to, "{:6} {:5} ", footprint.descriptors, after.descriptors)?;
        write!(to, "{:8} {:8}", footprint.resident, after.resident)
    }
}

const A_WHILE: Duration = Duration::from_secs(1);
/// Below, a busy machine is seen and no fault: whoever waits for a part in vain waits for a second.
const FLOOR: Duration = Duration::from_millis(50);
/// In KiB. Allocators give back what they have in their own time, and each thread keeps some.
const MEMORY: u64 = 8 * 1024;
