//! What a process holds, over time.

use std::{fmt, fs, time::Instant};

use crate::support::sidecar::Sidecar;

/// Looks taken one after the other.
#[derive(Default)]
pub(crate) struct Memory {
    /// Resident memory, in KiB, and open files.
    looks: Vec<(u64, usize)>,
    begun: Option<Instant>,
}

impl Memory {
    /// One more look. Says every minute how things stand.
    pub(crate) fn look(&mut self, sidecar: &Sidecar, requests: usize) {
        let process = format!("/proc/{}", sidecar.process());
        let status = fs::read_to_string(format!("{process}/status")).unwrap();
        let resident =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().split(' ').next()?.parse().ok());
        let (resident, files) = (resident.unwrap(), fs::read_dir(format!("{process}/fd")).unwrap().count());
        self.looks.push((resident, files));
        if self.looks.len() % 60 == 1 {
            let passed = self.begun.get_or_insert_with(Instant::now).elapsed().as_secs();
            println!("{passed:>6} s {requests:>10} requests {resident:>8} KiB {files:>4} files");
        }
    }

    /// The most in each third.
    fn thirds(&self) -> [(u64, usize); 3] {
        let length = self.looks.len().div_ceil(3);
        let most = |looks: &[(u64, usize)]| {
            let (resident, files) = (looks.iter().map(|look| look.0).max(), looks.iter().map(|look| look.1).max());
            (resident.unwrap_or(0), files.unwrap_or(0))
        };
        [0, 1, 2].map(|third| most(self.looks.chunks(length).nth(third).unwrap_or_default()))
    }

    /// After the first third, in which caches fill and allocators settle.
    pub(crate) fn assert_flat(&self) {
        let [_, (before, files_before), (after, files_after)] = self.thirds();
        assert!(after <= before + before / 20 + SLACK, "memory grows: {self}");
        assert!(files_after <= files_before + MORE_FILES, "open files grow: {self}");
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, third] = self.thirds();
        write!(f, "(KiB, files), at most in each third: {first:?} {second:?} {third:?}")
    }
}

/// In KiB: a page here and there.
const SLACK: u64 = 2048;
/// Connections come and go.
const MORE_FILES: usize = 8;
