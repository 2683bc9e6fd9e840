//! What the Debian package takes is there, and what is made for it can be made.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use serde_json::Value;

use crate::support::sidecar::binary;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Sources of the package's assets, those below `target/release` and the others.
fn assets() -> (Vec<String>, Vec<String>) {
    let manifest = fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).unwrap();
    let manifest: Value = toml::from_str(&manifest).unwrap();
    let assets = manifest["package"]["metadata"]["deb"]["assets"].as_array().unwrap();
    assets.iter().map(|asset| asset[0].as_str().unwrap().to_owned()).partition(|source| source.starts_with("target/"))
}

#[test]
fn every_asset_is_there_or_made() {
    let (made, kept) = assets();
    let folder = tempfile::tempdir().unwrap();
    symlink(binary(), folder.path().join("certbound")).unwrap();
    let pages = Command::new(Path::new(ROOT).join("packaging/pages")).arg(folder.path()).output().unwrap();
    assert!(pages.status.success(), "{}", String::from_utf8_lossy(&pages.stderr));

    for source in made {
        let file = folder.path().join(source.strip_prefix("target/release/").unwrap());
        assert!(fs::metadata(&file).unwrap().len() > 500, "{source}");
    }
    for source in kept {
        let file = Path::new(ROOT).join(source.strip_suffix("/*").unwrap_or(&source));
        assert!(file.exists(), "{source}");
    }
}
