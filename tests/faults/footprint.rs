//! What a process holds.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use crate::support::sidecar::{DEADLINE, Sidecar};

/// Of one process at one time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Footprint {
    pub(crate) descriptors: usize,
    /// Resident memory, in KiB.
    pub(crate) resident: u64,
}

impl Footprint {
    pub(crate) fn of(sidecar: &Sidecar) -> Self {
        let process = format!("/proc/{}", sidecar.process());
        let status = fs::read_to_string(format!("{process}/status")).unwrap();
        let resident =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().split(' ').next()?.parse().ok());
        let descriptors = fs::read_dir(format!("{process}/fd")).unwrap().count();
        Self { descriptors, resident: resident.unwrap() }
    }

    /// Once it is at rest.
    pub(crate) fn settled(sidecar: &Sidecar) -> Self {
        Self::once(sidecar, || (), |before, now| before.descriptors == now.descriptors)
    }

    /// Once it holds no more than `before`, but for so many descriptors and KiB; or what it holds when the time is over.
    /// Meanwhile it has to do something: a thread takes back what others freed of its memory when it allocates.
    pub(crate) fn back(
        sidecar: &Sidecar,
        before: Self,
        descriptors: usize,
        resident: u64,
        something: impl Fn(),
    ) -> Self {
        Self::once(sidecar, something, |_, now| {
            now.descriptors <= before.descriptors + descriptors && now.resident <= before.resident + resident
        })
    }

    fn once(sidecar: &Sidecar, meanwhile: impl Fn(), is_so: impl Fn(Self, Self) -> bool) -> Self {
        let until = Instant::now() + DEADLINE;
        let (mut before, mut times) = (Self::of(sidecar), 0);
        while times < TIMES && Instant::now() < until {
            meanwhile();
            thread::sleep(Duration::from_millis(20));
            let now = Self::of(sidecar);
            times = if is_so(before, now) { times + 1 } else { 0 };
            before = now;
        }
        before
    }
}

/// In a row.
const TIMES: usize = 5;
