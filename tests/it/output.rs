//! Whoever reads what certbound says: nobody, which changes no exit code; a terminal, which may show colours.

use std::{
    fs::File,
    io,
    path::Path,
    process::{Command, Stdio},
};

use crate::support::{config::Config, pki::Pki, process, sidecar::binary};

/// Runs it in `folder`; who reads standard error has gone, or has no room.
fn unheard(folder: &Path, arguments: &[&str]) -> [Option<i32>; 2] {
    let (reader, gone) = io::pipe().unwrap();
    drop(reader);
    let full = File::options().write(true).open("/dev/full").unwrap();
    [Stdio::from(gone), Stdio::from(full)].map(|stderr| {
        let mut command = Command::new(binary());
        let command = command.current_dir(folder).args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(stderr).status().unwrap().code()
    })
}

#[test]
fn exit_code_is_the_same_where_standard_error_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, contents: &[u8]| std::fs::write(folder.path().join(name), contents).unwrap();
    Config::to("127.0.0.1:8080").set("load_balancer.trusted_networks", r#"["0.0.0.0/0"]"#).write(folder.path());
    file("faults.toml", b"mode = 1\nmod = 2\n");
    file("alice.pem", format!("{}{NO_CERTIFICATE}", Pki::get().alice.pem()).as_bytes());
    file("none.pem", NO_CERTIFICATE.as_bytes());

    for (arguments, expected) in [
        (&["check", "--config", "proxy.toml"][..], 0),
        (&["check", "--config", "faults.toml"], 2),
        (&["run", "--config", "faults.toml"], 2),
        (&["explain", "--config", "faults.toml", "--method", "GET", "--path", "/a"], 2),
        (&["explain", "--config", "proxy.toml", "--method", "GET", "--path", "/a", "--offline"], 3),
        (&["explain", "--config", "proxy.toml", "--method", "GET", "--path", "/a", "--certificate", "nothing"], 1),
        (&["inspect", "alice.pem"], 0),
        (&["inspect", "none.pem"], 1),
        (&["inspect", "nothing.pem"], 1),
        (&["detect", "nothing"], 1),
        (&["audit", "verify", "nothing.log"], 1),
        (&["man", "nothing"], 1),
        (&["chek"], 2),
        (&["check", "--no-such-option"], 2),
        (&[], 2),
    ] {
        assert_eq!(unheard(folder.path(), arguments), [Some(expected); 2], "{arguments:?}");
    }
}

#[test]
fn colours_are_for_terminals_that_have_them_and_whose_users_want_them() {
    let Some(script) = process::find("script") else { return };
    let folder = tempfile::tempdir().unwrap();
    // The log is in colours where people read it: on a terminal, as text.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let admin = format!("{:?}", taken.local_addr().unwrap().to_string());
    let config = Config::to("127.0.0.1:8080").set("log.format", r#""text""#).set("admin.address", &admin);
    config.write(folder.path());
    let words =
        ["--help", "chek", "explain --config proxy.toml --method GET --path /a --offline", "run --config proxy.toml"];
    for (variables, expected) in [
        (&[][..], true),
        (&[("NO_COLOR", "")], true),
        (&[("NO_COLOR", "1")], false),
        (&[("TERM", "dumb")], false),
        (&[("TERM", "dumb"), ("CI", "true")], false),
        (&[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")], false),
        (&[("CLICOLOR", "0")], false),
    ] {
        for words in words {
            let mut terminal = Command::new(&script);
            terminal.current_dir(folder.path()).env_clear().env("TERM", "xterm").envs(variables.iter().copied());
            let line = format!("'{}' {words}", binary().display());
            let shown = terminal.args(["-qec", &line, "/dev/null"]).stdin(Stdio::null()).output().unwrap();
            let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
            assert!(shown.len() > 50, "{words}: {shown}");
            assert_eq!(shown.contains("\u{1b}["), expected, "{words} with {variables:?}: {shown}");
        }
    }
}

#[test]
fn token_or_certificate_in_place_of_a_file_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    Config::to("127.0.0.1:8080").write(folder.path());
    let alice = &Pki::get().alice;
    let (token, pem) = (alice.token(), alice.pem());
    let explain = ["explain", "--config", "proxy.toml", "--method", "GET", "--path", "/a", "--offline"];
    let opaque = "2YotnFZFEjr1zCsicMWpAA";
    let long = token.repeat(3);

    for content in [&token, &long, &pem, &format!("Bearer {token}")] {
        for (arguments, code) in [
            ([&explain[..], &["--token", content]].concat(), 1),
            ([&explain[..], &["--token", "token", "--proof", content]].concat(), 1),
            ([&explain[..], &["--certificate", content]].concat(), 1),
            ([&explain[..], &["--at", content]].concat(), 2),
            ([&explain[..], &["--peer", content]].concat(), 2),
            ([&explain[..], &[content]].concat(), 2),
            (vec!["inspect", content], 1),
            (vec!["audit", "verify", content], 1),
            (vec![content], 2),
        ] {
            let output = Command::new(binary()).current_dir(folder.path()).args(&arguments).output().unwrap();
            let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            let part = content.get(20..40).unwrap();
            assert!(!told.contains(part), "{arguments:?}: {told}");
            // What begins with a hyphen is an option, wherever it stands.
            let code = if content.starts_with('-') { 2 } else { code };
            assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        }
    }
    let mut command = Command::new(binary());
    let output = command.current_dir(folder.path()).args(explain).args(["--token", opaque]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with("certbound: --token names a file, and there is none that can be read: No such"), "{told}");
    assert!(!told.contains(opaque), "{told}");
}

#[test]
fn input_that_is_too_large_is_said_to_be_and_not_cut() {
    let folder = tempfile::tempdir().unwrap();
    Config::to("127.0.0.1:8080").write(folder.path());
    std::fs::write(folder.path().join("large"), "a".repeat((1 << 20) + 1)).unwrap();
    let explain = ["explain", "--offline", "--method", "GET", "--path", "/accounts/1"];
    for arguments in [
        &[&explain[..], &["--token", "large"]].concat()[..],
        &[&explain[..], &["--certificate", "large"]].concat(),
        &["inspect", "large"],
        &["detect", "-"],
    ] {
        let large = std::fs::File::open(folder.path().join("large")).unwrap();
        let mut command = Command::new(binary());
        let output = command.current_dir(folder.path()).args(arguments).stdin(large).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.ends_with(": it is larger than 1 MiB\n"), "{arguments:?}: {told}");
        assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b""[..]), "{arguments:?}");
    }
}

/// PEM around what is not a certificate.
const NO_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
