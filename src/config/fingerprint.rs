//! What files look like from outside, so that a change is seen without reading them.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Files and folders as they are named, and the names, places, lengths, and times of the files there.
///
/// Symbolic links are followed: when Kubernetes swaps `..data`, every file below has another place. Two writes within one
/// tick of the file system's clock that leave the length alone are not told apart.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Fingerprint {
    paths: Vec<PathBuf>,
    files: Vec<File>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct File {
    name: PathBuf,
    /// An error where it cannot be looked at, which is a look of its own.
    look: Result<Look, io::ErrorKind>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Look {
    place: PathBuf,
    inode: u64,
    length: u64,
    /// Seconds and nanoseconds. The second is set by the kernel alone: `cp -p` keeps only the first.
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Fingerprint {
    /// Of the files themselves, and of those that [`super::folder::files`] finds in folders.
    pub fn of(paths: &[PathBuf]) -> Self {
        let mut files = Vec::new();
        for path in paths {
            match super::folder::files(path) {
                Ok(found) => files.extend(found.into_iter().map(File::new)),
                Err(error) => files.push(File { name: path.clone(), look: Err(error.kind()) }),
            }
        }
        Self { paths: paths.to_vec(), files }
    }

    /// Of the same files and folders, as they look now.
    pub fn anew(&self) -> Self {
        Self::of(&self.paths)
    }

    /// Adds what others look like.
    pub(super) fn extend(&mut self, others: Self) {
        self.paths.extend(others.paths);
        self.files.extend(others.files);
    }
}

impl File {
    fn new(name: PathBuf) -> Self {
        let look = Look::at(&name).map_err(|error| error.kind());
        Self { name, look }
    }
}

impl Look {
    fn at(path: &Path) -> io::Result<Self> {
        let (place, seen) = (fs::canonicalize(path)?, fs::metadata(path)?);
        Ok(Self {
            place,
            inode: seen.ino(),
            length: seen.len(),
            modified: (seen.mtime(), seen.mtime_nsec()),
            changed: (seen.ctime(), seen.ctime_nsec()),
        })
    }
}
