//! The fuzz targets: each has a corpus and its words, and the witness of the gate is a stranger to it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

#[test]
fn every_target_has_its_corpus_and_its_row_and_no_other_has() {
    let manifest = fs::read_to_string(fuzz("Cargo.toml")).unwrap();
    let listed: BTreeSet<String> = manifest
        .lines()
        .filter_map(|line| Some(line.strip_prefix("path = \"fuzz_targets/")?.strip_suffix(".rs\"")?.to_owned()))
        .collect();
    let written: BTreeSet<String> = entries(&fuzz("fuzz_targets"))
        .iter()
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let corpora: BTreeSet<String> =
        entries(&fuzz("corpus")).iter().filter(|path| path.is_dir()).map(|path| name(path)).collect();
    let page = fs::read_to_string(root().join("docs/fuzzing.md")).unwrap();
    let told: BTreeSet<String> =
        page.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned())).collect();

    assert!(listed.len() > 20, "{listed:?}");
    assert_eq!(written, listed, "fuzz/fuzz_targets, and what fuzz/Cargo.toml builds");
    assert_eq!(corpora, listed, "fuzz/corpus, and what fuzz/Cargo.toml builds");
    assert_eq!(told, listed, "docs/fuzzing.md, and what fuzz/Cargo.toml builds");
}

#[test]
fn corpus_is_small_enough_to_be_run_with_every_change() {
    for corpus in entries(&fuzz("corpus")).iter().filter(|path| path.is_dir()) {
        let files = entries(corpus);
        assert!((1..=60).contains(&files.len()), "{}: {} files", corpus.display(), files.len());
        for file in files {
            assert!(fs::metadata(&file).unwrap().len() <= 4096, "{}", file.display());
        }
    }
}

#[test]
fn witness_of_the_gate_and_its_cast_use_nothing_of_certbound() {
    for source in ["src/gate/witness.rs", "src/gate/cast.rs", "src/gate/request.rs", "src/authority.rs", "src/key.rs"] {
        let text = fs::read_to_string(fuzz(source)).unwrap();
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        assert!(!code.is_empty() && !code.iter().any(|line| line.contains("certbound::")), "{source}");
        assert!(!code.iter().any(|line| line.contains("world::")), "{source}");
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!entries.is_empty(), "{}", folder.display());
    entries
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

fn fuzz(path: &str) -> PathBuf {
    root().join("fuzz").join(path)
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
