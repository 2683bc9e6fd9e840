//! `proxy.toml` at the top of the repository holds every key with its default.

use std::collections::BTreeSet;

use toml::{Table as TomlTable, Value};

use super::*;

pub(super) fn sample() -> String {
    fs::read_to_string(repository("proxy.toml")).unwrap()
}

#[test]
fn sample_loads_and_equals_the_defaults() {
    let folder = Folder::new();
    let smallest = SMALLEST.replace("127.0.0.1:8443", "0.0.0.0:8443");

    assert_eq!(written(folder.loaded(&sample())), written(folder.loaded(&smallest)));
}

#[test]
fn sample_changes_only_what_has_no_default() {
    let folder = Folder::new();
    let text = sample();
    let file = folder.path("proxy.toml");
    let reading = Reading::new(&file, &text, Fingerprint::default(), now());

    Tables::read(&reading, parse(&reading, &text).unwrap());

    // The header is written out, and is the profile's own.
    let changed: Vec<_> = reading.changed.take().into_iter().collect();
    assert_eq!(
        changed,
        [
            "client_certificate.header",
            "listen.plaintext",
            "load_balancer.trusted_networks",
            "token.issuer.audiences",
            "truststore.paths",
        ]
    );
}

#[test]
fn sample_holds_every_key_that_is_read_and_no_other() {
    let folder = Folder::new();
    let text = sample();
    let file = folder.path("proxy.toml");
    let reading = Reading::new(&file, &text, Fingerprint::default(), now());
    Tables::read(&reading, parse(&reading, &text).unwrap());
    let known: BTreeSet<String> = reading.known.take();

    let uncommented: Vec<&str> = text.lines().map(|line| uncommented(line).unwrap_or(line)).collect();
    let mut shown = BTreeSet::new();
    keys("", &toml::from_str(&uncommented.join("\n")).unwrap(), &mut shown);

    // Their keys are the operator's.
    shown.retain(|key| !key.starts_with("backend.headers.") && !key.starts_with("errors.status."));
    assert!(known.len() > 100, "{}", known.len());
    assert_eq!(shown.difference(&known).collect::<Vec<_>>(), [""; 0], "shown and not read");
    assert_eq!(known.difference(&shown).collect::<Vec<_>>(), [""; 0], "read and not shown");
}

#[test]
fn every_example_loads_beside_the_files_it_names() {
    let folder = Folder::new();
    let key = KeyPair::generate().unwrap();
    folder.write("tls.crt", CertificateParams::new([]).unwrap().self_signed(&key).unwrap().pem());
    folder.write("tls.key", key.serialize_pem());
    for file in ["ca.crt", "my-zone-origin-pull-ca.pem"] {
        folder.write(file, authority().pem());
    }
    let examples = fs::read_dir(repository("examples")).unwrap().map(|entry| entry.unwrap().path().join("proxy.toml"));
    let examples: Vec<_> = examples.filter(|file| file.is_file()).collect();

    assert!(examples.len() >= 12, "{examples:?}");
    for example in examples {
        let loaded = folder.load(&fs::read_to_string(&example).unwrap());
        assert!(loaded.is_ok(), "{example:?}: {:#?}", loaded.err().map(|faults| folder.lines(&faults)));
    }
}

#[test]
fn file_that_is_cut_or_mistyped_anywhere_loads_or_says_why() {
    let folder = Folder::new();
    let text = sample();
    let lines: Vec<&str> = text.lines().collect();
    for (place, line) in lines.iter().enumerate() {
        let without = [&lines[..place], &lines[place + 1..]].concat().join("\n");
        let cut = lines[..place].join("\n") + "\n" + line.get(..line.len() / 2).unwrap_or_default();
        for toml in [without, cut] {
            assert!(folder.load(&toml).map_or_else(|faults| !faults.is_empty(), |_| true), "{toml}");
        }
        if !line.starts_with('#') && line.contains(" = ") {
            let key = line.split(" = ").next().unwrap();
            let mistyped = [&lines[..place], &[&*format!("{key} = 7.5")], &lines[place + 1..]].concat().join("\n");
            let faults = folder.faults(&mistyped);
            let at = format!("proxy.toml:{}:", place + 1);
            assert!(
                faults.iter().any(|fault| fault.starts_with(&at) && fault.contains("float stands where")),
                "{line}"
            );
        }
    }
}

#[test]
fn first_line_of_the_sample_tells_editors_where_the_schema_is() {
    let path = sample().lines().next().unwrap().strip_prefix("#:schema ./").unwrap().to_owned();

    assert!(repository(&path).is_file(), "{path}");
}

/// Every setting, as far as it can be written down. The truststore and its rules are compared key by key elsewhere.
fn written((settings, supplies, _): (Settings, Supplies, Vec<Warning>)) -> String {
    let Supplies { crls: _, uses, consent } = supplies;
    let Settings {
        mode,
        gate:
            Gate {
                routes,
                peers,
                source,
                certificates: _,
                revocation: policy,
                eidas,
                issuers,
                binding,
                origin,
                registration: rules,
                consent_reads_body,
            },
        identity,
        listen,
        revocation,
        keys,
        introspection,
        registration,
        fetch_timeout,
        token_cache_bytes,
        backend,
        errors,
        log,
        audit,
        admin,
        status,
        tracing,
        hash: _,
        source: _,
    } = settings;
    let gate = format!("{routes:#?} {peers:#?} {source:#?} {policy:?} {eidas:?} {issuers:#?} {identity:#?}");
    let tokens = format!(
        "{binding:?} {origin:?} {rules:?} {introspection:?} {uses:?} {consent:?} {registration:?} {consent_reads_body}"
    );
    let network = format!("{listen:#?} {revocation:?} {keys:#?} {fetch_timeout:?} {token_cache_bytes} {backend:#?}");
    format!("{mode:?} {gate} {tokens} {network} {errors:#?} {log:#?} {audit:#?} {admin:?} {status:?} {tracing:?}")
}

/// A key behind `# `, as TOML.
pub(super) fn uncommented(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("# ")?;
    let (key, _) = rest.split_once(" = ")?;
    key.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'0'..=b'9')).then_some(rest)
}

fn keys(prefix: &str, table: &TomlTable, found: &mut BTreeSet<String>) {
    for (key, value) in table {
        let dotted = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Table(inner) => keys(&dotted, inner, found),
            Value::Array(array) => {
                array.iter().filter_map(Value::as_table).for_each(|inner| keys(&dotted, inner, found));
            }
            _ => {}
        }
        found.insert(dotted);
    }
}
