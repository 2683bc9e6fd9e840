//! Files that are named one by one or by their folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::config::reading::{Placed, Reading};

/// The file itself, or the files in the folder, in the order of their names.
///
/// Hidden names are left out: Kubernetes keeps the versions of a mounted folder in `..data`, and every file would count
/// twice. So are folders in the folder.
///
/// # Errors
/// A folder that cannot be read.
pub fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = visible(path)?;
    files.retain(|path| !path.is_dir());
    Ok(files)
}

/// Warns of folders in the folder that `path` names: what stands there is not read, and would be missed. Those of Kubernetes
/// are hidden.
pub(super) fn warn_of_inner(reading: &Reading<'_>, path: &Placed<String>) {
    let resolved = reading.resolve(&path.value);
    let entries = if resolved.is_dir() { visible(&resolved).unwrap_or_default() } else { Vec::new() };
    for inner in entries.iter().filter(|entry| entry.is_dir()) {
        let what = format!("the folder `{}` is not read, because it is in a folder", inner.display());
        reading.warn(&path.place, what, "name it too, or move its files up");
    }
}

fn visible(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}
