//! One core for the proxy that is measured, the others for clients and backend.

use std::process::{Child, Command};

use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};

/// Which thread may run where. Children and threads inherit the place of the thread that starts them.
#[derive(Clone, Copy)]
pub(crate) struct Cores {
    proxy: CpuSet,
    others: CpuSet,
    /// With one alone, nothing can be kept apart.
    pub(crate) count: usize,
}

impl Cores {
    /// Moves this thread, and with it all that it starts, off the core that the proxies get.
    pub(crate) fn divide() -> Self {
        let all = sched_getaffinity(Pid::from_raw(0)).expect("the cores of this process");
        let ours: Vec<usize> = (0..CpuSet::count()).filter(|core| all.is_set(*core).unwrap_or_default()).collect();
        let (mut proxy, mut others, count) = (all, all, ours.len());
        if let [rest @ .., last] = ours.as_slice()
            && count > 1
        {
            others.unset(*last).expect("a core that there is");
            rest.iter().for_each(|core| proxy.unset(*core).expect("a core that there is"));
        }
        let cores = Self { proxy, others, count };
        place(&cores.others);
        cores
    }

    /// Does this where the proxies run.
    pub(crate) fn with_proxies<T>(&self, work: impl FnOnce() -> T) -> T {
        place(&self.proxy);
        let done = work();
        place(&self.others);
        done
    }

    /// Starts a proxy.
    pub(crate) fn start(&self, command: &mut Command) -> Child {
        self.with_proxies(|| command.spawn()).unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }
}

fn place(cores: &CpuSet) {
    sched_setaffinity(Pid::from_raw(0), cores).expect("cores of this process");
}
