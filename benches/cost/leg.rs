//! One thing that is measured, round by round.

use nix::time::ClockId;
use std::time::Duration;

use super::{
    cores::Cores,
    proxy::Proxy,
    traffic::{CLIENTS, Requests, drive},
};

/// A proxy with its requests, or work that is done without one.
pub(crate) struct Leg<'a> {
    pub(crate) group: &'static str,
    pub(crate) name: String,
    pub(crate) target: Target,
    /// CPU time of one request in each round, in microseconds.
    pub(crate) samples: Vec<f64>,
    subject: Subject<'a>,
}

enum Subject<'a> {
    Proxy(Proxy, Requests<'a>),
    Work(Box<dyn Fn() + 'a>),
}

/// What a leg may cost at most.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    None,
    /// That many times the first leg.
    Times(f64),
    /// The first leg, and 1.3 times what the legs of these names cost together.
    Beyond(&'static [&'static str]),
}

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) rounds: usize,
    /// In a round; a quarter of it where each request has to be made.
    pub(crate) requests: u32,
}

impl<'a> Leg<'a> {
    pub(crate) fn new(group: &'static str, name: impl Into<String>, proxy: Proxy, requests: Requests<'a>) -> Self {
        let subject = Subject::Proxy(proxy, requests);
        Self { group, name: name.into(), target: Target::None, samples: Vec::new(), subject }
    }

    pub(crate) fn work(group: &'static str, name: impl Into<String>, work: impl Fn() + 'a) -> Self {
        let subject = Subject::Work(Box::new(work));
        Self { group, name: name.into(), target: Target::None, samples: Vec::new(), subject }
    }

    pub(crate) fn within(self, target: Target) -> Self {
        Self { target, ..self }
    }

    /// A proxy that lets this request pass checks less than it is measured for.
    pub(crate) fn refuses(self, request: &[u8]) -> Self {
        if let Subject::Proxy(proxy, _) = &self.subject {
            assert!(!super::traffic::passes(proxy.address, request), "{} lets pass what it should refuse", self.name);
        }
        self
    }

    fn measure(&self, cores: &Cores, extent: Extent) -> f64 {
        let few = (extent.requests / 4).next_multiple_of(CLIENTS);
        let (spent, count) = match &self.subject {
            Subject::Proxy(proxy, requests) => {
                let count = if matches!(requests, Requests::New(_)) { few } else { extent.requests };
                let batch = requests.batch(count);
                let before = proxy.cpu();
                drive(proxy.address, &batch, count);
                (proxy.cpu() - before, count)
            }
            Subject::Work(work) => (cores.with_proxies(|| repeat(work, few)), few),
        };
        spent.as_secs_f64() * 1e6 / f64::from(count)
    }
}

/// Measures the legs in turns, so that whatever else the machine does falls on all of them alike.
pub(crate) fn measure(legs: &mut [Leg], cores: &Cores, extent: Extent) {
    let extent = Extent { requests: extent.requests.next_multiple_of(CLIENTS), ..extent };
    for leg in &mut *legs {
        leg.measure(cores, Extent { requests: (extent.requests / 4).next_multiple_of(CLIENTS), ..extent });
    }
    for _ in 0..extent.rounds {
        for leg in &mut *legs {
            let sample = leg.measure(cores, extent);
            leg.samples.push(sample);
        }
    }
}

fn repeat(work: &dyn Fn(), times: u32) -> Duration {
    let clock = || Duration::from(ClockId::CLOCK_THREAD_CPUTIME_ID.now().expect("the clock of this thread"));
    let before = clock();
    (0..times).for_each(|_| work());
    clock() - before
}
