//! A bank, certbound before it, a good client beside the attacker, and what is measured of them.

use std::{
    fmt::Display,
    io::{self, Write},
    sync::{Mutex, MutexGuard, Once, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::{
    good::{Good, median},
    process::{Process, Watch},
    support::{
        bank::Bank,
        config::Config,
        connection::Connection,
        pki::Pki,
        sidecar::{DEADLINE, Sidecar},
    },
};

/// One at a time, because each would be part of what the others measure.
pub(crate) struct Stage {
    pub(crate) bank: Bank,
    pub(crate) sidecar: Sidecar,
    encrypted: bool,
    proxied: bool,
    _turn: MutexGuard<'static, ()>,
}

/// What one attack cost.
#[must_use]
pub(crate) struct Toll {
    before: Figures,
    during: Figures,
    after: Figures,
    /// Median latency of the bank itself during the attack: what the machine makes of a request.
    busyness: Duration,
    /// Processor time for each request of the attacker, in microseconds; means nothing where it sends few.
    processor: u64,
    seen: Vec<String>,
}

struct Figures {
    median: Duration,
    resident: u64,
    descriptors: u64,
}

impl Stage {
    /// With the limits that most floods have to meet within a test, and `change`.
    pub(crate) fn new(change: impl FnOnce(Config) -> Config) -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let bank = Bank::start();
        let config = Config::in_front_of(&bank)
            .set("listen.request_header_timeout", &format!("\"{}s\"", HEADER_TIMEOUT.as_secs()))
            .set("listen.idle_timeout", &format!("\"{}s\"", IDLE_TIMEOUT.as_secs()))
            .set("backend.response_timeout", &format!("\"{}s\"", RESPONSE_TIMEOUT.as_secs()))
            .set("log.access", r#""off""#);
        let config = change(config);
        let text = config.text();
        let (encrypted, proxied) = (text.contains("certificate_file"), text.contains("proxy_protocol"));
        Self { bank, sidecar: config.start(), encrypted, proxied, _turn: turn }
    }

    /// As the load balancer would connect.
    fn connect(&self) -> Connection {
        if self.encrypted {
            return self.sidecar.connect_tls(None);
        }
        let mut connection = self.sidecar.connect();
        if self.proxied {
            connection.write(b"PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\n");
        }
        connection
    }

    /// Goes on with `attack`, which says how many requests it sent and how they ended, while the good client goes on.
    pub(crate) fn under(&self, name: &str, attack: impl FnOnce(&Sidecar) -> (usize, String)) -> Toll {
        let process = Process(self.sidecar.process());
        let request = self.sidecar.get(GOOD).by(&Pki::get().alice);
        let bank = || Connection::tcp(self.bank.address().parse().unwrap());
        let good = || Good::asking(self.connect(), bank(), request.bytes());

        let warming = good();
        warming.await_more(WARM);
        drop(warming.rest());
        let quiet = good();
        let processor = process.processor();
        quiet.await_more(SAMPLE);
        let spent = process.processor() - processor;
        let before = Figures::of(process, median(quiet.rest().through));
        let each = spent / SAMPLE as u64;

        let (watch, busy, processor) = (Watch::over(process), good(), process.processor());
        let (count, ended) = attack(&self.sidecar);
        let spent = process.processor() - processor;
        busy.await_more(1);
        let took = busy.rest();
        let spent = spent.saturating_sub(each * took.through.len() as u64);
        let busyness = if took.through.len() < FEWEST {
            eprintln!("STARVED: {name}: too few good requests to tell how they fared");
            Duration::MAX
        } else {
            median(took.past)
        };
        let (resident, descriptors) = watch.most();
        let during = Figures { median: median(took.through), resident, descriptors };
        let after = await_descriptors(process, before.descriptors);

        let seen = self.bank.take().into_iter().map(|seen| seen.target).filter(|target| target != GOOD).collect();
        let toll = Toll { before, during, after, busyness, processor: spent / count.max(1) as u64, seen };
        toll.print(name, count, &ended);
        toll
    }
}

impl Figures {
    fn of(process: Process, median: Duration) -> Self {
        Self { median, resident: process.resident(), descriptors: process.descriptors() }
    }
}

impl Toll {
    /// Holds it to what is promised of every flood: good traffic is served as ever, descriptors come back, and memory stays
    /// within `most` KiB, which follow from the configuration.
    #[track_caller]
    pub(crate) fn holds_within(self, most: u64) {
        let most_time = (self.before.median.max(FLOOR) * 2).max(self.busyness.saturating_mul(HOPS));
        assert!(self.during.median <= most_time, "{:?} instead of {:?}", self.during.median, self.before.median);
        let grown = self.during.resident.saturating_sub(self.before.resident);
        assert!(grown <= most + NOISE, "{grown} KiB more, and only {most} are configured");
        assert!(self.after.descriptors <= self.before.descriptors + KEPT, "{} stay open", self.after.descriptors);
    }

    /// Nothing of the attack reached the bank.
    #[track_caller]
    pub(crate) fn spared_the_bank(self) -> Self {
        assert!(self.seen.is_empty(), "the bank saw {:?}", self.seen.first());
        self
    }

    fn print(&self, name: &str, count: usize, ended: &dyn Display) {
        static HEAD: Once = Once::new();
        // Past the capture of the test harness: the table is what this program is for.
        let mut out = io::stderr().lock();
        HEAD.call_once(|| writeln!(out, "\n{TABLE}").unwrap());
        let Self { before, during, after, processor, .. } = self;
        let milli = |figures: &Figures| figures.median.as_secs_f64() * 1000.0;
        let mebi = |figures: &Figures| figures.resident as f64 / 1024.0;
        writeln!(
            out,
            "| {name} | {count} | {ended} | {:.2} / {:.2} | {:.1} / {:.1} / {:.1} | {} / {} / {} | {processor} |",
            milli(before),
            milli(during),
            mebi(before),
            mebi(during),
            mebi(after),
            before.descriptors,
            during.descriptors,
            after.descriptors,
        )
        .unwrap();
    }
}

/// Waits until no more are open than before, but for what is kept towards the bank.
fn await_descriptors(process: Process, before: u64) -> Figures {
    let until = Instant::now() + DEADLINE;
    while process.descriptors() > before + KEPT && Instant::now() < until {
        thread::sleep(Duration::from_millis(20));
    }
    Figures::of(process, Duration::ZERO)
}

/// What the good client asks for, and no attacker.
pub(crate) const GOOD: &str = "/accounts/good";
pub(crate) const HEADER_TIMEOUT: Duration = Duration::from_secs(2);
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(3);
pub(crate) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(4);
/// Attacker and certbound share two processors with whatever else runs: a latency below this says nothing.
const FLOOR: Duration = Duration::from_millis(10);
/// A request through certbound is woken for so often where one past it is once, each time behind all the others.
const HOPS: u32 = 4;
const WARM: usize = 50;
const SAMPLE: usize = 300;
/// Requests of the good client during an attack, or it was no attack.
const FEWEST: usize = 20;
/// In KiB: what the allocator keeps, and whatever is done for the first time.
const NOISE: u64 = 8 * 1024;
/// Connections to the bank that are kept for the next request.
const KEPT: u64 = 130;
const TABLE: &str = "\
| attack | requests | how it ended | good p50 before / during (ms) | RSS before / peak / after (MiB) \
| descriptors before / peak / after | CPU a request (us) |
|---|---|---|---|---|---|---|";
