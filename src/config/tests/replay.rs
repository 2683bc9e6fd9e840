//! `[replay]`: who remembers, and how it is reached.

use std::time::Duration;

use super::{settings::*, *};

fn shared(folder: &Folder, toml: &str) -> SharedMemory {
    folder.supplies(toml).uses.shared.unwrap()
}

#[test]
fn process_remembers_alone_unless_a_server_is_named() {
    let alone = Folder::new().supplies(SMALLEST).uses;
    assert_eq!(alone.remembered, 100_000);
    assert!(alone.shared.is_none());
    assert_eq!(Folder::new().supplies(&with(&[("replay", "entries = 5")])).uses.remembered, 5);
    check("replay", "entries = 0", "replay.entries: 0 is out of range");
}

#[test]
fn server_is_at_an_address_or_a_socket() {
    let server = |text: &str| {
        let shared = shared(&Folder::new(), &with(&[("replay", &format!("redis = {text:?}"))]));
        (shared.address, shared.database, shared.tls.map(|tls| tls.server_name.to_str().into_owned()))
    };
    let tcp = Address::from;

    assert_eq!(server("redis://127.0.0.1:7000/3"), (tcp("127.0.0.1:7000"), 3, None));
    assert_eq!(server("redis://localhost"), (tcp("localhost:6379"), 0, None));
    assert_eq!(server("redis://[::1]/"), (tcp("[::1]:6379"), 0, None));
    let tls = Some("redis.bank.internal".to_owned());
    assert_eq!(server("rediss://redis.bank.internal/1"), (tcp("redis.bank.internal:6379"), 1, tls));
    assert_eq!(server("rediss://[::1]:1"), (tcp("[::1]:1"), 0, Some("::1".to_owned())));
    assert_eq!(server("unix:/run/redis.sock"), (Address::Unix("/run/redis.sock".into()), 0, None));
}

#[test]
fn address_that_is_none_is_refused_without_repeating_it() {
    let check = |address: &str, expected: &str| {
        check("replay", &format!("redis = \"{address}\""), &format!("replay.redis: {expected}"));
    };
    check("127.0.0.1:6379", "this is not the address of a Redis or Valkey server; write it as redis://host:6379/0");
    check("http://127.0.0.1", "this is not the address");
    check("redis://127.0.0.1/0?x=1", "this is not the address");
    check("redis://127.0.0.1/0#x", "this is not");
    check("redis://", "this is not an address");
    check("redis://127.0.0.1:99999", "`127.0.0.1:99999` is not an address");
    check("redis://127.0.0.1:x", "");
    check("redis://127.0.0.1/first", "`first` is not the number of a database");
    check("redis://127.0.0.1/+1", "`+1` is not the number of a database");
    check("redis://user:secret@127.0.0.1", "the address carries credentials; write username and password_file");
    check("unix:", "a Unix socket has a path");
}

#[test]
fn account_is_read_from_a_file() {
    let folder = Folder::new();
    folder.write("password", "correct horse\n");
    folder.write("empty", "\n");
    let lines = ("replay", "redis = \"redis://127.0.0.1\"");
    let file = ("replay", "password_file = \"password\"");

    let settings = shared(&folder, &with(&[lines, file, ("replay", "username = \"certbound\"")]));
    assert_eq!(settings.username.as_deref(), Some("certbound"));
    assert_eq!(settings.password.as_ref().map(|password| password.as_str()), Some("correct horse"));
    assert_eq!(settings.timeout, Duration::from_millis(500));
    assert!(!format!("{settings:?}").contains("horse"));

    let fault = |changes: &[(&str, &str)], expected: &str| {
        let faults = folder.faults(&with(changes));
        assert_eq!(faults.len(), 1, "{faults:#?}");
        assert!(faults[0].contains(expected), "{}", faults[0]);
    };
    fault(&[lines, ("replay", "username = \"certbound\"")], "replay.username: an account without a password");
    fault(&[lines, ("replay", "password_file = \"empty\"")], "replay.password_file: this file holds no password");
    fault(&[lines, ("replay", "password_file = \"none\"")], "replay.password_file: ");
    fault(&[file], "replay.password_file: no server is named");
    fault(&[lines, ("replay", "ca_file = \"trust/ca.pem\"")], "replay.ca_file: authorities are for rediss://");
    let tls = ("replay", "redis = \"rediss://redis.bank.internal\"");
    let read = shared(&folder, &with(&[tls, ("replay", "ca_file = \"trust/ca.pem\"")]));
    assert_eq!(read.tls.unwrap().authorities.unwrap().len(), 1);
}

#[test]
fn plaintext_to_another_machine_is_warned_of() {
    let warnings = |address: &str| Folder::new().warnings(&with(&[("replay", &format!("redis = \"{address}\""))]));

    assert!(warnings("redis://10.0.0.7").iter().any(|warning| warning.contains("replay.redis: whoever is on the way")));
    for quiet in ["redis://127.0.0.1", "rediss://10.0.0.7", "unix:/run/redis.sock"] {
        assert_eq!(warnings(quiet), warnings("unix:/run/other.sock"), "{quiet}");
    }
}
