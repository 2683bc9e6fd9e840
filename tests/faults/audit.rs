//! Where decisions are recorded: a pipe whose reader leaves, stops, and is slow, and a disk that is full.

use std::{
    fs::{self, File, OpenOptions},
    io::Read,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    endurance, load,
    part::{APART, Fault, NEEDING, Part},
    support::{
        bank::Bank,
        config::Config,
        connection::Connection,
        pki::Pki,
        sidecar::{DEADLINE, Sidecar},
    },
};

struct Audit {
    bank: Bank,
    sidecar: Sidecar,
    /// None: the sink is a file.
    collector: Option<Collector>,
}

pub(crate) fn stage(fault: Fault) -> Option<Box<dyn Part>> {
    let bank = Bank::start();
    let config = Config::in_front_of(&bank).set("log.access", r#""off""#);
    if fault == Fault::Corrupt {
        let sidecar = Sidecar::start_on_a_small_disk(&config.set("audit.sink", r#""file:audit.log""#), BLOCKS);
        return Some(Box::new(Audit { bank, sidecar, collector: None }));
    }
    let collector = Collector::start();
    let sink = format!("file:{}", collector.pipe.display());
    let sidecar = config.set("audit.sink", &format!("{sink:?}")).start();
    let audit = Audit { bank, sidecar, collector: Some(collector) };
    if fault == Fault::Hung {
        // A queue of thousands is allocated once; that it does not grow each time is what is to be seen.
        audit.strike(fault);
        audit.heal(fault);
        endurance::recover(&audit);
    }
    Some(Box::new(audit))
}

impl Audit {
    /// Sends what is refused anyway, until nothing more can be recorded: what was promised a place is still carried out.
    fn exhaust(&self) {
        load::exhaust(&self.sidecar, || self.records());
    }

    fn records(&self) -> bool {
        let mut connection = Connection::tcp(self.sidecar.address());
        connection.write(&self.needing());
        connection.answer("GET").status == 200
    }
}

impl Part for Audit {
    fn sidecar(&self) -> &Sidecar {
        &self.sidecar
    }

    fn bank(&self) -> &Bank {
        &self.bank
    }

    /// What is refused anyway is refused for its own reason.
    fn apart(&self) -> Vec<u8> {
        self.sidecar.get(APART).bytes()
    }

    fn code_apart(&self) -> &'static str {
        "certificate_missing"
    }

    fn needing(&self) -> Vec<u8> {
        self.sidecar.get(NEEDING).by(&Pki::get().alice).bytes()
    }

    fn strike(&self, fault: Fault) {
        match (fault, &self.collector) {
            (Fault::Killed, Some(collector)) => collector.does(Habit::Gone),
            (Fault::Hung, Some(collector)) => collector.does(Habit::Hanging),
            (Fault::Slow, Some(collector)) => return collector.does(Habit::Slow),
            _ => {}
        }
        self.exhaust();
        self.bank.take();
    }

    /// The reader is back, or the file was moved to where there is room.
    fn heal(&self, _: Fault) {
        match &self.collector {
            Some(collector) => collector.catch_up(),
            None => {
                let path = self.sidecar.folder().join("audit.log");
                fs::rename(&path, path.with_extension("1")).unwrap();
            }
        }
    }
}

/// Whoever reads the lines out of a named pipe. Ends with this value.
struct Collector {
    pipe: PathBuf,
    habit: Arc<Mutex<Habit>>,
    /// How often in a row there was nothing to read.
    idle: Arc<AtomicUsize>,
    _folder: TempDir,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Habit {
    Reading,
    /// The pipe stays open.
    Hanging,
    Slow,
    /// The pipe has no reader.
    Gone,
    Over,
}

impl Collector {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("audit.pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let habit = Arc::new(Mutex::new(Habit::Reading));
        let idle = Arc::<AtomicUsize>::default();
        let (theirs, path, nothing) = (Arc::clone(&habit), pipe.clone(), Arc::clone(&idle));
        let mut reader = Some(open(&path));
        thread::spawn(move || {
            loop {
                let habit = *theirs.lock().unwrap();
                let most = match habit {
                    Habit::Over => return,
                    Habit::Gone | Habit::Hanging => 0,
                    Habit::Slow => 4,
                    Habit::Reading => 1024,
                };
                if habit == Habit::Gone {
                    reader = None;
                } else if read(reader.get_or_insert_with(|| open(&path)), most) == 0 {
                    nothing.fetch_add(1, Ordering::SeqCst);
                } else {
                    nothing.store(0, Ordering::SeqCst);
                }
                thread::sleep(Duration::from_millis(4));
            }
        });
        Self { pipe, habit, idle, _folder: folder }
    }

    /// Reads all that has waited: until then it depends on both sides' pace whether there is room for one more.
    fn catch_up(&self) {
        self.does(Habit::Reading);
        self.idle.store(0, Ordering::SeqCst);
        let until = Instant::now() + DEADLINE;
        while self.idle.load(Ordering::SeqCst) < 50 {
            assert!(Instant::now() < until, "there is no end of lines");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn does(&self, habit: Habit) {
        *self.habit.lock().unwrap() = habit;
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.does(Habit::Over);
    }
}

/// Neither waits for a writer nor for bytes.
fn open(pipe: &Path) -> File {
    OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(pipe).unwrap()
}

/// As much as there is, but no more than so many KiB; how many pieces that were.
fn read(pipe: &mut File, most: usize) -> usize {
    let mut buffer = [0; 1024];
    (0..most).take_while(|_| pipe.read(&mut buffer).is_ok_and(|read| read > 0)).count()
}

/// Of Linux.
const O_NONBLOCK: i32 = 0o4000;
/// Of 512 bytes: 4 MiB, which holds what is recorded before the disk has to be full.
const BLOCKS: u32 = 8 * 1024;
