//! What other programs take from certbound: editors its schema, shells its completions, `man` its page.

use std::{
    fs,
    process::{Command, Output},
};

use serde_json::Value;

use crate::support::sidecar::binary;

fn certbound(arguments: &[&str]) -> Output {
    let output = Command::new(binary()).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn schema_is_printed_as_json_and_as_a_reference() {
    let schema: Value = serde_json::from_slice(&certbound(&["schema"]).stdout).unwrap();
    let reference = String::from_utf8(certbound(&["schema", "--format", "markdown"]).stdout).unwrap();

    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    assert_eq!(schema["additionalProperties"], false);
    let keys = schema["properties"]["listen"]["properties"].as_object().unwrap();
    assert_eq!(keys["max_connections"]["default"], 10_000);
    assert!(keys.values().all(|key| key["description"].is_string()), "{keys:#?}");
    assert!(reference.contains("| `max_connections` | 1 to 1000000 | `10000` |"), "{reference}");
}

#[test]
fn bash_takes_the_completions_and_completes_commands() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("certbound.bash");
    fs::write(&script, certbound(&["completions", "bash"]).stdout).unwrap();
    let typed = "source \"$0\"; complete -p certbound; COMP_WORDS=(certbound ins); COMP_CWORD=1; _certbound certbound ins certbound; echo \"${COMPREPLY[@]}\"";

    let output = Command::new("bash").args(["--norc", "-c", typed]).arg(&script).output().expect("bash is installed");

    let said = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].ends_with(" -F _certbound certbound"), "{said} {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(lines[1], "inspect");
}

#[test]
fn every_shell_gets_completions_of_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = String::from_utf8(certbound(&["completions", shell]).stdout).unwrap();
        for command in COMMANDS {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
}

#[test]
fn manual_has_a_page_for_the_program_and_for_each_command() {
    let page = String::from_utf8(certbound(&["man"]).stdout).unwrap();
    assert!(page.contains("\n.TH certbound 1"), "{page}");
    for command in COMMANDS {
        assert!(page.contains(&format!("certbound\\-{command}(1)")), "{command}: {page}");
        let page = String::from_utf8(certbound(&["man", command]).stdout).unwrap();
        assert!(page.contains(&format!(".TH certbound-{command} 1")), "{page}");
        assert!(page.contains(".SH NAME"), "{page}");
    }
}

#[test]
fn manual_of_a_command_that_is_none_is_a_failure() {
    let output = Command::new(binary()).args(["man", "serve"]).output().unwrap();

    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no command `serve`"));
}

const COMMANDS: [&str; 7] = ["run", "check", "explain", "inspect", "detect", "denials", "schema"];
