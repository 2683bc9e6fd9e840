//! Files that are named one by one or by their folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

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
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with('.') && !entry.path().is_dir() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}
