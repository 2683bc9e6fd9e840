//! A real Redis on a socket of its own, without a file to remember anything in.

use std::{
    env, fs,
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// A running server. It ends with this value.
pub(crate) struct Redis {
    folder: TempDir,
    password: Option<String>,
    child: Option<Child>,
}

impl Redis {
    /// None, said loudly, where it is not installed; in CI that is a failure.
    pub(crate) fn start() -> Option<Self> {
        Self::launch(None)
    }

    /// One that asks for a password.
    pub(crate) fn with_password(password: &str) -> Option<Self> {
        Self::launch(Some(password.to_owned()))
    }

    fn launch(password: Option<String>) -> Option<Self> {
        let mut redis = Self { folder: tempfile::tempdir().unwrap(), password, child: None };
        if Command::new(PROGRAM).arg("--version").stdout(Stdio::null()).status().is_err() {
            assert_ne!(env::var("CI").as_deref(), Ok("true"), "{PROGRAM} is not installed");
            // Not by `eprintln!`, which the test runner swallows.
            io::stderr().write_all(b"SKIPPED: redis-server is not installed, so nothing is known of it\n").unwrap();
            return None;
        }
        redis.start_again();
        Some(redis)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    /// Ends it; it forgets everything.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Has it take connections and answer nothing, until [`Self::go_on`].
    pub(crate) fn hold(&self) {
        self.signal("STOP");
    }

    pub(crate) fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let process = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").arg(format!("-{name}")).arg(process).status().unwrap().success());
    }

    /// At the same place.
    pub(crate) fn start_again(&mut self) {
        // Not on the command line, where everyone can read it.
        let mut settings = format!("port 0\nsave \"\"\nappendonly no\nunixsocket {:?}\n", self.socket());
        settings.extend(self.password.iter().map(|password| format!("requirepass {password}\n")));
        let (file, log) = (self.folder.path().join("redis.conf"), self.folder.path().join("redis.log"));
        fs::write(&file, settings).unwrap();
        let log = fs::File::create(log).unwrap();
        let mut server = Command::new(PROGRAM);
        server.arg(file).current_dir(self.folder.path()).stdin(Stdio::null()).stdout(log);
        self.child = Some(server.spawn().unwrap());
        let until = Instant::now() + Duration::from_secs(30);
        while !answers(&self.socket()) {
            assert!(Instant::now() < until, "{PROGRAM} does not start");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whether it says anything, be it that it asks for a password.
fn answers(socket: &Path) -> bool {
    let Ok(mut stream) = UnixStream::connect(socket) else { return false };
    stream.write_all(b"PING\r\n").is_ok() && stream.read(&mut [0; 1]).is_ok_and(|read| read == 1)
}

const PROGRAM: &str = "redis-server";
