//! One reading of `proxy.toml`: its text, its folder, and everything found wrong on the way.

use std::{
    cell::RefCell,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use rustls_pki_types::UnixTime;
use zeroize::Zeroizing;

use crate::config::{
    fault::{Fault, Warning, Wrong},
    fingerprint::Fingerprint,
    reload::{FixedFile, Source, may_wait},
};

/// Collects faults and warnings, so that reading can go on after the first.
pub(super) struct Reading<'a> {
    file: &'a Path,
    pub(super) text: &'a str,
    pub(super) now: UnixTime,
    faults: RefCell<Vec<Fault>>,
    warnings: RefCell<Vec<Warning>>,
    /// Read before, and not to be read again.
    kept: &'a [FixedFile],
    files: RefCell<Vec<FixedFile>>,
    looks: RefCell<Fingerprint>,
    #[cfg(test)]
    pub(super) known: RefCell<std::collections::BTreeSet<String>>,
    #[cfg(test)]
    pub(super) changed: RefCell<std::collections::BTreeSet<String>>,
}

/// Where a key or a value stands, and the dotted key.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// None for broken TOML.
    pub(super) key: Option<String>,
    /// Bytes from the start of the file.
    pub(super) offset: usize,
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

impl<'a> Reading<'a> {
    /// `looks`: of the file, before its text was read.
    pub(super) fn new(file: &'a Path, text: &'a str, looks: Fingerprint, now: UnixTime) -> Self {
        Self {
            file,
            text,
            now,
            faults: RefCell::default(),
            warnings: RefCell::default(),
            kept: &[],
            files: RefCell::default(),
            looks: RefCell::new(looks),
            #[cfg(test)]
            known: RefCell::default(),
            #[cfg(test)]
            changed: RefCell::default(),
        }
    }

    /// Takes these files as they were, even where they are gone.
    pub(super) fn keeping(self, kept: &'a [FixedFile]) -> Self {
        Self { kept, ..self }
    }

    pub(super) fn fault(&self, place: &Place, what: impl Into<String>, remedy: impl Into<String>) {
        let (what, mut remedy) = (what.into(), remedy.into());
        if what.contains("${") || what.contains("`$") {
            remedy = format!("variables are not replaced: {remedy}");
        }
        self.faults.borrow_mut().push(self.at(place, what, remedy));
    }

    pub(super) fn warn(&self, place: &Place, what: impl Into<String>, remedy: impl Into<String>) {
        self.warnings.borrow_mut().push(Warning(self.at(place, what.into(), remedy.into())));
    }

    /// The value, or none and a fault.
    pub(super) fn settle<T>(&self, place: &Place, result: Result<T, Wrong>) -> Option<T> {
        result.map_err(|wrong| self.fault(place, wrong.what, wrong.remedy)).ok()
    }

    /// Everything found, in the order of the file.
    pub(super) fn finish(self) -> (Vec<Fault>, Vec<Warning>) {
        let (mut faults, mut warnings) = (self.faults.into_inner(), self.warnings.into_inner());
        faults.sort_by_key(|fault| (fault.line, fault.column));
        warnings.sort_by_key(|warning| (warning.0.line, warning.0.column));
        (faults, warnings)
    }

    /// The path, relative to the folder of the file as given: symbolic links are not resolved first, because Kubernetes
    /// swaps the folder behind one.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        self.file.parent().unwrap_or(Path::new("")).join(path)
    }

    /// What the named file holds, or none and a fault at its key.
    pub(super) fn bytes(&self, path: &Placed<String>) -> Option<Zeroizing<Vec<u8>>> {
        let resolved = self.resolve(&path.value);
        self.watch(&resolved);
        self.bytes_of(&resolved, &path.place)
    }

    /// Has a file or a folder watched that is read otherwise than by [`Self::bytes`], after this.
    pub(super) fn watch(&self, path: &Path) {
        self.watch_since(Fingerprint::of(&[path.to_owned()]));
    }

    /// Has files watched that looked like this before they were read.
    pub(super) fn watch_since(&self, looks: Fingerprint) {
        self.looks.borrow_mut().extend(looks);
    }

    /// What was read so far.
    pub(super) fn source(&self) -> Source {
        Source {
            file: self.file.to_owned(),
            text: self.text.to_owned(),
            files: self.files.borrow().clone(),
            looks: self.looks.borrow().clone(),
        }
    }

    /// The named file's text without its line end, wiped after use.
    pub(super) fn secret(&self, path: &Placed<String>) -> Option<Zeroizing<String>> {
        let bytes = self.bytes(path)?;
        let wrong = |_| Wrong::new("the secret is not UTF-8", "write it as UTF-8");
        let text = self.settle(&path.place, std::str::from_utf8(&bytes).map_err(wrong))?;
        Some(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned()))
    }

    /// What `path` holds, or none and a fault at `place`.
    pub(super) fn bytes_of(&self, path: &Path, place: &Place) -> Option<Zeroizing<Vec<u8>>> {
        let remedy = "name a file that this process may read; paths are relative to the folder of this file";
        self.bytes_or(path, place, remedy)
    }

    /// What `path` holds, or none and a fault at `place` with this remedy.
    pub(super) fn bytes_or(&self, path: &Path, place: &Place, remedy: &str) -> Option<Zeroizing<Vec<u8>>> {
        let cannot = |error| Wrong::new(format!("`{}` cannot be read: {error}", path.display()), remedy);
        let key = place.key.as_deref().unwrap_or_default();
        let kept = self.kept.iter().find(|file| file.is(key, path));
        let read = kept.map_or_else(|| bounded(path, MAX_BYTES), |file| Ok(file.content()));
        let bytes = self.settle(place, read.map_err(cannot))?;
        if may_wait(key) {
            self.files.borrow_mut().push(FixedFile::new(key, path, &bytes));
        }
        Some(without_mark(bytes))
    }

    fn at(&self, place: &Place, what: String, remedy: String) -> Fault {
        let before = self.text.get(..place.offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.get(line_start..).unwrap_or_default();
        Fault {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            // Editors count no byte order mark.
            column: line.trim_start_matches('\u{feff}').chars().count() + 1,
            key: place.key.as_deref().map(one_line),
            what: one_line(&what),
            remedy: one_line(&remedy),
        }
    }
}

/// None where a configured file could not be read, which is not the same as a file that is not configured.
pub(super) fn as_read<T>(configured: Option<Option<T>>) -> Option<Option<T>> {
    match configured {
        None => Some(None),
        Some(read) => read.map(Some),
    }
}

/// A fault is one line, and a value must not steer the operator's terminal.
fn one_line(text: &str) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escaped).collect()
}

/// Without the byte order mark by which some editors begin every text. It is part of no secret, and the lines of PEM do not
/// begin with it.
pub(crate) fn without_mark(bytes: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    match bytes.strip_prefix(BYTE_ORDER_MARK) {
        Some(text) => Zeroizing::new(text.to_vec()),
        None => bytes,
    }
}

/// The content of a regular file, at most so many bytes.
pub(crate) fn bounded(path: &Path, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    // A pipe would block the start, a device would never end.
    let looks = fs::metadata(path)?;
    if !looks.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    // At once as large as needed: what a buffer that grows leaves behind is not wiped.
    let size = usize::try_from(looks.len()).map_or(most, |size| size.min(most));
    let mut bytes = Zeroizing::new(Vec::with_capacity(size.saturating_add(1)));
    File::open(path)?.take((most as u64).saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(io::Error::other(format!("it is larger than {} MiB", most >> 20)));
    }
    Ok(bytes)
}

/// Of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// A larger configuration, certificate, or key is none.
pub(crate) const MAX_BYTES: usize = 16 << 20;
