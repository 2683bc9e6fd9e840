//! The table of keys says what the walker does: each of them is asked about every key, and both answer the same.

use std::collections::BTreeSet;

use serde_json::json;
use toml::{Table as TomlTable, Value};

use super::{
    sample::{sample, uncommented},
    *,
};
use crate::config::schema::{Form, Key, Least, Presence, every};

/// The sample with every key in it, those too that stand behind `#`.
fn whole() -> TomlTable {
    let text = sample();
    let lines: Vec<&str> = text.lines().map(|line| uncommented(line).unwrap_or(line)).collect();
    toml::from_str(&lines.join("\n")).unwrap()
}

/// The table that `dotted` is in; of several tables, the first.
fn table_of<'t>(document: &'t mut TomlTable, dotted: &str) -> &'t mut TomlTable {
    let Some((tables, _)) = dotted.rsplit_once('.') else { return document };
    tables.split('.').fold(document, |table, name| match &mut table[name] {
        Value::Array(tables) => tables[0].as_table_mut().unwrap(),
        table => table.as_table_mut().unwrap(),
    })
}

/// The whole sample with this value instead.
fn with_value(key: &Key, value: &Value) -> TomlTable {
    let mut document = whole();
    table_of(&mut document, key.dotted).insert(key.split().1.to_owned(), value.clone());
    document
}

/// What the walker says about `key` in this document, and which keys it asked for.
fn walked(document: &TomlTable, key: &str) -> (Vec<String>, BTreeSet<String>) {
    let folder = Folder::new();
    let (file, text) = (folder.path("proxy.toml"), document.to_string());
    let reading = Reading::new(&file, &text, Fingerprint::default(), now());
    Tables::read(&reading, parse(&reading, &text).unwrap());
    let known = reading.known.take();
    let faults = reading.finish().0.into_iter().filter(|fault| fault.key.as_deref() == Some(key));
    (faults.map(|fault| format!("{}; {}", fault.what, fault.remedy)).collect(), known)
}

fn schema() -> jsonschema::Validator {
    jsonschema::draft7::new(&crate::config::schema::json()).unwrap()
}

fn as_json(document: &TomlTable) -> serde_json::Value {
    serde_json::to_value(document).unwrap()
}

/// Whether the schema takes this value of the key, whatever it says of other keys.
fn takes(schema: &jsonschema::Validator, key: &Key, value: &Value) -> bool {
    schema.is_valid(&as_json(&with_value(key, value)))
}

fn list(words: &[&str]) -> Value {
    Value::Array(words.iter().map(|word| (*word).into()).collect())
}

#[test]
fn table_has_every_key_that_is_read_and_no_other() {
    let (_, known) = walked(&whole(), "");
    let rows: BTreeSet<String> = every().iter().map(|key| key.dotted.to_owned()).collect();

    assert!(known.len() > 100, "{}", known.len());
    assert_eq!(rows.len(), every().len(), "a key has two rows");
    assert_eq!(known.difference(&rows).collect::<Vec<_>>(), [""; 0], "read, and no row in src/config/schema/keys.rs");
    assert_eq!(rows.difference(&known).collect::<Vec<_>>(), [""; 0], "a row, and not read");
}

/// The sample is held to the walker's defaults elsewhere.
#[test]
fn default_is_the_one_in_the_sample() {
    let mut document: TomlTable = toml::from_str(&sample()).unwrap();
    // Written out there, so that the sample says what it is, or can be used as it is.
    let different = ["listen.plaintext", "client_certificate.header", "route.path"];
    let mut compared = 0;
    for key in every().iter().filter(|key| !key.is_table() && !different.contains(&key.dotted)) {
        // A table that stands behind `#` shows no defaults.
        let mut tables = key.dotted.rsplit_once('.').map_or("", |(tables, _)| tables).split('.');
        let mut within = TomlTable::clone(&document);
        let shown = key.split().0.is_empty()
            || tables.all(|name| match within.get(name).cloned() {
                Some(Value::Table(table)) => {
                    within = table;
                    true
                }
                Some(Value::Array(tables)) => {
                    within = tables[0].as_table().unwrap().clone();
                    true
                }
                _ => false,
            });
        if !shown {
            continue;
        }
        let written = table_of(&mut document, key.dotted).get(key.split().1).cloned();
        match (written, key.default()) {
            (Some(written), Some(default)) => {
                assert_eq!(serde_json::to_value(written).unwrap(), default, "{}", key.dotted);
                compared += 1;
            }
            // Behind `#`.
            (None, Some(default)) => assert_eq!(default, json!(""), "{}", key.dotted),
            (Some(_), None) => assert!(
                matches!(key.presence, Presence::Required(_)) || key.dotted == "load_balancer.trusted_networks",
                "{} has a default",
                key.dotted
            ),
            (None, None) => {}
        }
    }
    assert!(compared > 80, "{compared}");
}

#[test]
fn value_of_another_type_is_refused_by_both() {
    let schema = schema();
    for key in every() {
        let wanted = match key.form {
            Form::Boolean => "true or false",
            Form::Integer(..) => "a whole number",
            Form::Text(..) | Form::Quantity(..) | Form::Choice(_) => "a string",
            Form::Texts(_) | Form::Words(..) | Form::Tables => "a list",
            Form::Table | Form::Named | Form::Statuses(_) => "a table",
        };
        let wrong = Value::Float(7.5);

        let (faults, _) = walked(&with_value(&key, &wrong), key.dotted);

        let expected = format!("float stands where {wanted} belongs");
        assert!(faults.iter().any(|fault| fault.starts_with(&expected)), "{}: {faults:#?}", key.dotted);
        assert!(!takes(&schema, &key, &wrong), "{}", key.dotted);
    }
}

#[test]
fn word_that_does_not_belong_is_refused_by_both_and_every_other_is_taken() {
    let schema = schema();
    let mut checked = 0;
    for key in every() {
        let (words, in_list) = match &key.form {
            Form::Choice(words) => (words.clone(), false),
            Form::Words(words, _) => (words.clone(), true),
            _ => continue,
        };
        let value = |word: &str| if in_list { list(&[word]) } else { word.into() };

        let (faults, _) = walked(&with_value(&key, &value("no-such-word")), key.dotted);

        // The walker's words in its own order; those of methods are not listed, nor is the one that leaves the key out.
        let named = faults.iter().find_map(|fault| fault.strip_prefix("`no-such-word` is none of "));
        let named = named.map(|rest| rest.split(';').next().unwrap().split(", ").collect::<BTreeSet<_>>());
        assert!(!faults.is_empty(), "{}", key.dotted);
        assert_eq!(named.is_none(), key.dotted == "route.methods", "{}: {faults:#?}", key.dotted);
        let all: BTreeSet<&str> = words.iter().copied().filter(|word| !word.is_empty()).collect();
        assert_eq!(named.unwrap_or_else(|| all.clone()), all, "{}", key.dotted);
        assert!(!takes(&schema, &key, &value("no-such-word")), "{}", key.dotted);
        for word in words {
            assert!(takes(&schema, &key, &value(word)), "{}: {word}", key.dotted);
            let (faults, _) = walked(&with_value(&key, &value(word)), key.dotted);
            assert!(
                !faults.iter().any(|fault| fault.starts_with(&format!("`{word}` "))),
                "{}: {faults:#?}",
                key.dotted
            );
        }
        checked += 1;
    }
    assert!(checked > 20, "{checked}");
}

#[test]
fn number_out_of_range_is_refused_by_both() {
    let schema = schema();
    for key in every() {
        let Form::Integer(from, until) = key.form else { continue };
        let beyond = i64::try_from(until).unwrap() + 1;

        let (faults, _) = walked(&with_value(&key, &beyond.into()), key.dotted);

        assert_eq!(
            faults,
            [format!("{beyond} is out of range; write a number from {from} to {until}")],
            "{}",
            key.dotted
        );
        assert!(!takes(&schema, &key, &beyond.into()), "{}", key.dotted);
        assert!(!takes(&schema, &key, &(i64::try_from(from).unwrap() - 1).into()), "{}", key.dotted);
        assert!(takes(&schema, &key, &(beyond - 1).into()), "{}", key.dotted);
    }
}

#[test]
fn form_of_a_value_is_the_same_to_both() {
    let schema = schema();
    let (mut checked, mut differ) = (0, Vec::new());
    for key in every() {
        let values: Vec<Value> = match key.form {
            Form::Quantity(..) => QUANTITIES.map(Value::from).to_vec(),
            Form::Texts(_) | Form::Words(..) => vec![list(&[])],
            // Names of files among them, and there are none.
            Form::Text(".+", _) => vec!["".into()],
            Form::Text(..) => TEXTS.map(Value::from).to_vec(),
            _ => continue,
        };
        for value in values {
            let (mut faults, _) = walked(&with_value(&key, &value), key.dotted);
            faults.retain(|fault| !fault.starts_with("this build has no "));
            if takes(&schema, &key, &value) != faults.is_empty() {
                differ.push(format!("{} = {value}: {faults:?}", key.dotted));
            }
            checked += 1;
        }
    }
    assert!(differ.is_empty(), "{differ:#?}");
    assert!(checked > 400, "{checked}");
}

const QUANTITIES: [&str; 12] = ["", "0", "0s", "10", "10s", "500ms", "24h", "1d", "64KiB", "1B", "2GB", "1.5s"];

const TEXTS: [&str; 18] = [
    "",
    "127.0.0.1:80",
    "[::1]:80",
    "::1:80",
    "host",
    "unix:/run/a",
    "https://a.example",
    "HTTPS://a.example",
    "https://a.example/",
    "http://127.0.0.1:1/a",
    "ftp://a.example",
    "rediss://a:1",
    "off",
    "stdout",
    "file:a",
    "file:",
    "/a",
    "a",
];

#[test]
fn unknown_key_is_refused_in_every_table() {
    let schema = schema();
    let tables = every().into_iter().filter(Key::is_table);
    for table in tables.map(|key| format!("{}.no_such_key", key.dotted)).chain(["no_such_key".to_owned()]) {
        let mut document = whole();
        let name = table.rsplit('.').next().unwrap();
        table_of(&mut document, &table).insert(name.to_owned(), true.into());

        let (faults, _) = walked(&document, &table);

        assert!(faults.iter().any(|fault| fault.starts_with("unknown key")), "{table}");
        assert!(!schema.is_valid(&as_json(&document)), "{table}");
    }
}

#[test]
fn key_that_is_required_is_missed_by_both() {
    let schema = schema();
    for key in every() {
        let mut document = whole();
        table_of(&mut document, key.dotted).remove(key.split().1);

        let (faults, _) = walked(&document, key.dotted);

        let missed = faults.iter().any(|fault| fault.contains("is missing"));
        assert_eq!(missed, matches!(key.presence, Presence::Required(_)), "{}: {faults:#?}", key.dotted);
        assert_eq!(schema.is_valid(&as_json(&document)), !missed, "{}", key.dotted);
    }
}

#[test]
fn sample_examples_and_the_smallest_file_are_valid() {
    let schema = schema();
    let examples = fs::read_dir(repository("examples")).unwrap().map(|entry| entry.unwrap().path().join("proxy.toml"));
    let mut texts: Vec<_> =
        examples.filter(|file| file.is_file()).map(|file| fs::read_to_string(file).unwrap()).collect();
    assert!(texts.len() >= 12, "{}", texts.len());
    texts.extend([sample(), whole().to_string(), SMALLEST.to_owned()]);
    for text in texts {
        let document = as_json(&toml::from_str(&text).unwrap());
        let errors: Vec<_> =
            schema.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?} in {text}");
    }
}

#[test]
fn every_key_says_what_it_means() {
    for key in every() {
        assert!(key.meaning.ends_with('.') && !key.meaning.contains('|'), "{}", key.dotted);
        assert!(!matches!(key.presence, Presence::Default(_)) || key.default().is_some(), "{}", key.dotted);
    }
    // Lists of which there must be one show up in both ways.
    assert!(every().iter().any(|key| matches!(key.form, Form::Texts(Least::One))));
}
