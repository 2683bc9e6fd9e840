//! Where audit lines go, and a file that is moved away while they do.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::libc::O_NONBLOCK;

use crate::config::settings::Sink;

/// What lines are written to.
pub(super) enum Destination {
    /// Standard output.
    Stream(Box<dyn Write + Send>),
    /// A file at a path.
    File(AuditFile),
}

/// The file that is open, which need not be the one at its path any more.
pub(super) struct AuditFile {
    path: PathBuf,
    file: File,
    /// When it was last seen whether it is at its path.
    looked: Instant,
    /// Whether it holds half a line at its end, of a process that was killed.
    torn: bool,
    /// Whether it has been said that there is no opening the one at the path.
    complained: bool,
    /// Whether it was deleted while there is no opening another: what is written to it is read by nobody.
    lost: bool,
}

impl Destination {
    /// None where the sink is off.
    ///
    /// # Errors
    /// The file that cannot be opened, and why.
    pub(super) fn open(sink: &Sink) -> io::Result<Option<Self>> {
        Ok(match sink {
            Sink::Off => None,
            Sink::Stdout => Some(Self::Stream(Box::new(io::stdout()))),
            Sink::File(path) => Some(Self::File(AuditFile::open(path)?)),
        })
    }

    /// Opens the file at the path if that is another one by now, and tells whether it did. Looks once a second, or
    /// `at_once`. `torn` bytes of a line that is to be written again are taken out of the file that is left.
    pub(super) fn follow(&mut self, at_once: bool, torn: u64) -> bool {
        match self {
            Self::Stream(_) => false,
            Self::File(file) => file.follow(at_once, torn),
        }
    }

    /// Whether it is a device, such as a terminal.
    pub(super) fn is_device(&self) -> bool {
        match self {
            Self::Stream(_) => false,
            Self::File(file) => file.file.metadata().is_ok_and(|file| file.file_type().is_char_device()),
        }
    }

    /// Whether half a line stands where the next one begins. Says so once.
    pub(super) fn take_torn(&mut self) -> bool {
        match self {
            Self::Stream(_) => false,
            Self::File(file) => std::mem::take(&mut file.torn),
        }
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stream(stream) => stream.write(bytes),
            Self::File(file) if file.lost => Err(io::Error::new(io::ErrorKind::NotFound, "the audit file was deleted")),
            Self::File(file) => file.file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stream(stream) => stream.flush(),
            Self::File(file) => file.file.flush(),
        }
    }
}

impl AuditFile {
    fn open(path: &Path) -> io::Result<Self> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let file = append_to(path).map_err(named)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            looked: Instant::now(),
            torn: is_torn(path),
            complained: false,
            lost: false,
        })
    }

    fn follow(&mut self, at_once: bool, torn: u64) -> bool {
        if !at_once && self.looked.elapsed() < PACE {
            return false;
        }
        self.looked = Instant::now();
        if self.is_in_place() {
            return false;
        }
        match self.replace(torn) {
            Ok(()) => {
                tracing::info!(event = "audit_reopened", "the audit file was moved away, and is begun anew");
                true
            }
            Err(error) => {
                self.lost = self.file.metadata().is_ok_and(|file| file.nlink() == 0);
                if !std::mem::replace(&mut self.complained, true) {
                    tracing::error!(event = "audit_not_reopened", error = %error, "the audit file is not at its path, and no other can be opened");
                }
                false
            }
        }
    }

    fn is_in_place(&self) -> bool {
        let identity = |file: fs::Metadata| (file.dev(), file.ino());
        let (here, there) = (self.file.metadata().map(identity), fs::metadata(&self.path).map(identity));
        here.is_ok_and(|here| there.is_ok_and(|there| here == there))
    }

    /// Nothing is changed where something fails.
    fn replace(&mut self, torn: u64) -> io::Result<()> {
        let next = Self::open(&self.path)?;
        if torn > 0 {
            let length = self.file.metadata()?.len();
            self.file.set_len(length.saturating_sub(torn))?;
        }
        *self = next;
        Ok(())
    }
}

/// For the group too, which is how a collector of logs reads along.
fn append_to(path: &Path) -> io::Result<File> {
    if fs::metadata(path).is_ok_and(|file| file.file_type().is_fifo()) {
        // Where nobody reads it, this fails, and what is below would wait for somebody without end.
        OpenOptions::new().write(true).custom_flags(O_NONBLOCK).open(path)?;
    }
    OpenOptions::new().append(true).create(true).mode(0o640).open(path)
}

/// Whether it ends in the middle of a line. What cannot be read, or is no file, does not.
fn is_torn(path: &Path) -> bool {
    let last = || {
        // A pipe would have us wait for its other end.
        if !fs::metadata(path)?.is_file() {
            return Ok(LINE_FEED);
        }
        let mut file = File::open(path)?;
        let mut last = [LINE_FEED];
        if file.metadata()?.len() > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        let [last] = last;
        io::Result::Ok(last)
    };
    last().is_ok_and(|last| last != LINE_FEED)
}

const LINE_FEED: u8 = b'\n';
/// Between two looks at the path: a call to the operating system before every write would be too much.
const PACE: Duration = Duration::from_secs(1);
