//! Verifiers that somebody else wrote, each started once and told all cases.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::support::process;

/// A program with one of the scripts of this folder.
pub(crate) struct Other {
    program: PathBuf,
    script: &'static str,
}

impl Other {
    /// Python with the packages that the scripts need. None, said loudly, where they are missing; in CI that is a failure.
    pub(crate) fn python(script: &'static str) -> Option<Self> {
        let program = process::find("python3")?;
        let needs = "import OpenSSL, jwt, cryptography.x509.verification";
        if Command::new(&program).args(["-c", needs]).output().unwrap().status.success() {
            return Some(Self { program, script });
        }
        process::skip("python3 has not all of cryptography, pyOpenSSL, and PyJWT; `pip install` in a venv gives them");
        None
    }

    /// Node with the packages of the authorization server.
    pub(crate) fn node(script: &'static str) -> Option<Self> {
        let program = process::find("node")?;
        if folder().join("../authorization/server/node_modules/jose").is_dir() {
            return Some(Self { program, script });
        }
        process::skip("no jose; `npm ci --prefix tests/authorization/server --ignore-scripts` installs it");
        None
    }

    /// One answer for each line.
    pub(crate) fn ask(&self, lines: &[String]) -> Vec<Value> {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("cases");
        fs::write(&file, lines.join("\n") + "\n").unwrap();
        let output = Command::new(&self.program)
            .arg(folder().join(self.script))
            .env_remove("NODE_OPTIONS")
            .stdin(File::open(file).unwrap())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", self.script);
        let answers: Vec<Value> =
            String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(answers.len(), lines.len(), "{}: {said}", self.script);
        answers
    }
}

/// An answer: null, or the words of a refusal.
pub(crate) fn verdict(answer: &Value) -> Result<(), String> {
    match answer {
        Value::Null => Ok(()),
        Value::String(words) => Err(words.clone()),
        other => panic!("{other} is no answer"),
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential")
}
