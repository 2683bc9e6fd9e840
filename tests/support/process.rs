//! Programs that somebody else wrote, run beside certbound.

use std::{
    env,
    fs::{self, File},
    io::{self, Write},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::sidecar::DEADLINE;

/// A running program in a folder of its own. It ends with this value.
pub(crate) struct Process {
    child: Child,
    folder: TempDir,
}

impl Process {
    /// Runs `command` in `folder`; what it says goes into a file there.
    pub(crate) fn start(command: &mut Command, folder: TempDir) -> Self {
        let log = File::create(folder.path().join(LOG)).unwrap();
        let child = command
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .env("XDG_DATA_HOME", folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            // A group of its own, which ends as a whole: some start workers, some are started by a wrapper.
            .process_group(0)
            .spawn()
            .unwrap();
        Self { child, folder }
    }

    /// What `look` finds, as soon as it does; None, and the log is shown, when the program or the time ends first.
    pub(crate) fn await_some<T>(&mut self, mut look: impl FnMut(&str) -> Option<T>) -> Option<T> {
        let until = Instant::now() + DEADLINE;
        while Instant::now() < until {
            if self.child.try_wait().unwrap().is_some() {
                break;
            }
            if let Some(found) = look(&self.log()) {
                return Some(found);
            }
            thread::sleep(Duration::from_millis(50));
        }
        eprintln!("{}", self.log());
        None
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join(LOG)).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Once its end has been seen, its number may be another's.
        if let Ok(None) = self.child.try_wait() {
            let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.child.id())]).status();
            let _ = self.child.wait();
        }
        if thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}

/// Sends a signal by name, such as `STOP`.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status().unwrap();
    assert!(sent.success());
}

/// Where the program is; None, said loudly, where it is not installed. In CI that is a failure.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // Debian puts servers there, and leaves that folder out of a user's path.
    let folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let found = folders.map(|folder| folder.join(program)).find(|file| file.is_file());
    if found.is_none() {
        skip(&format!("{program} is not installed, so nothing is known of it"));
    }
    found
}

/// Says that a test is passed over; in CI that is a failure.
pub(crate) fn skip(why: &str) {
    assert_ne!(env::var("CI").as_deref(), Ok("true"), "{why}");
    // Not by `eprintln!`, which the test runner swallows.
    io::stderr().write_all(format!("SKIPPED: {why}\n").as_bytes()).unwrap();
}

const LOG: &str = "process.log";
