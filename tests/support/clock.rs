//! A clock for certbound that a test sets (libfaketime).

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use super::process::skip;

/// As late as it is, but for an offset. Timers do not see it: no operating system moves the clock that those go by.
pub(crate) struct Clock {
    library: PathBuf,
    folder: TempDir,
}

impl Clock {
    /// None, said loudly, where there is no libfaketime; in CI that is a failure.
    pub(crate) fn right() -> Option<Self> {
        let folders = fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
        let library = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|path| path.is_file());
        let Some(library) = library else {
            skip("faketime is not installed, so nothing is known of clocks that are set");
            return None;
        };
        let clock = Self { library, folder: tempfile::tempdir().unwrap() };
        clock.set(0);
        Some(clock)
    }

    /// From now on it is off by so many seconds.
    pub(crate) fn set(&self, offset: i64) {
        let next = self.folder.path().join("next");
        fs::write(&next, format!("{offset:+}\n")).unwrap();
        fs::rename(next, self.file()).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("clock")
    }

    /// Of a program that goes by it. When files were changed is left as it is: otherwise all of them change with the clock.
    pub(crate) fn environment(&self) -> [(&'static str, PathBuf); 5] {
        [
            ("LD_PRELOAD", self.library.clone()),
            ("FAKETIME_TIMESTAMP_FILE", self.file()),
            ("FAKETIME_NO_CACHE", "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
            ("NO_FAKE_STAT", "1".into()),
        ]
    }
}
