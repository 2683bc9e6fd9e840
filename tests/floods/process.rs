//! What a process takes of its machine, as Linux tells it.

use std::{
    fs, process,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    thread::JoinHandle,
    time::Duration,
};

/// A process that is looked at.
#[derive(Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// Resident memory in KiB.
    pub(crate) fn resident(self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Open descriptors.
    pub(crate) fn descriptors(self) -> u64 {
        fs::read_dir(format!("/proc/{}/fd", self.0)).unwrap().count() as u64
    }

    /// Processor time so far, in microseconds; a tick is a hundredth of a second.
    pub(crate) fn processor(self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap();
        // The name before the last parenthesis may hold anything.
        let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks = |place: usize| fields[place].parse::<u64>().unwrap();
        (ticks(11) + ticks(12)) * 10_000
    }
}

/// The most that a process took while this was there.
pub(crate) struct Watch {
    halt: Arc<AtomicBool>,
    thread: JoinHandle<(u64, u64)>,
}

impl Watch {
    pub(crate) fn over(process: Process) -> Self {
        let halt = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&halt);
        let thread = thread::spawn(move || {
            let (mut resident, mut descriptors) = (0, 0);
            loop {
                let last = told.load(Ordering::SeqCst);
                resident = resident.max(process.resident());
                descriptors = descriptors.max(process.descriptors());
                if last {
                    return (resident, descriptors);
                }
                thread::sleep(GLANCE);
            }
        });
        Self { halt, thread }
    }

    /// Resident memory in KiB, and descriptors.
    pub(crate) fn most(self) -> (u64, u64) {
        self.halt.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

/// Lets this process and what it starts open so many files. Returns how many it may open: the system may forbid more.
pub(crate) fn allow_descriptors(wanted: u64) -> u64 {
    static ALLOWED: AtomicU64 = AtomicU64::new(0);
    if ALLOWED.load(Ordering::SeqCst) < wanted {
        let limits = fs::read_to_string("/proc/self/limits").unwrap();
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let (soft, hard) = (numbers[0], numbers.get(1).copied().unwrap_or(u64::MAX));
        let (pid, most) = (process::id().to_string(), wanted.min(hard).max(soft));
        let raised = process::Command::new("prlimit").args(["--pid", &pid, &format!("--nofile={most}:")]).status();
        let is_raised = raised.is_ok_and(|status| status.success());
        ALLOWED.store(if is_raised { most } else { soft }, Ordering::SeqCst);
    }
    ALLOWED.load(Ordering::SeqCst)
}

const GLANCE: Duration = Duration::from_millis(20);
