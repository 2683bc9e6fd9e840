//! `docs/configuration.md`: the same table for people.

use std::fmt::Write as _;

use super::{Form, Key, Least, Presence, every};

/// The reference, a section for each table.
pub fn markdown() -> String {
    let keys = every();
    let mut page = String::from(INTRODUCTION);
    rows(&mut page, keys.iter().filter(|key| key.split().0.is_empty() && !key.is_table()));
    for table in keys.iter().filter(|key| key.is_table()) {
        // Nothing fails to be written into a string.
        let _ = writeln!(page, "\n## `{}`\n\n{}\n", header(table), table.meaning);
        rows(&mut page, keys.iter().filter(|key| key.split().0 == table.dotted));
    }
    page
}

fn rows<'k>(page: &mut String, keys: impl Iterator<Item = &'k Key>) {
    page.push_str("| key | value | default | reload | meaning |\n|---|---|---|---|---|\n");
    for key in keys {
        let reload = if key.is_reloadable() { "yes" } else { "" };
        let (name, value, default) = (key.split().1, value(key), default(key));
        let _ = writeln!(page, "| `{name}` | {value} | {default} | {reload} | {} |", key.meaning);
    }
}

fn header(key: &Key) -> String {
    match key.form {
        Form::Tables => format!("[[{}]]", key.dotted),
        _ => format!("[{}]", key.dotted),
    }
}

fn value(key: &Key) -> String {
    match &key.form {
        Form::Boolean => "`true` or `false`".to_owned(),
        Form::Integer(from, until) => format!("{from} to {until}"),
        Form::Text(_, shown) | Form::Quantity(_, shown) => (*shown).to_owned(),
        Form::Choice(words) => quoted(words),
        Form::Texts(Least::None) => "list of strings".to_owned(),
        Form::Texts(Least::One) => "list of strings, one at least".to_owned(),
        Form::Words(words, Least::None) => format!("list of {}", quoted(words)),
        Form::Words(words, Least::One) => format!("list of {}, one at least", quoted(words)),
        Form::Table => format!("table, see `{}`", header(key)),
        Form::Tables => format!("tables, see `{}`", header(key)),
        Form::Named => "table of strings".to_owned(),
        Form::Statuses(_) => "table: [code](denials.md) and status, 400 to 599".to_owned(),
    }
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(" ")
}

fn default(key: &Key) -> String {
    match &key.presence {
        Presence::Required("") => "required".to_owned(),
        Presence::Required(example) if matches!(key.form, Form::Texts(_)) => format!("required, like `{example}`"),
        Presence::Required(example) => format!("required, like `\"{example}\"`"),
        Presence::Default(_) => key.default().map(|value| format!("`{}`", spaced(&value))).unwrap_or_default(),
        Presence::Optional => String::new(),
    }
}

/// As TOML is usually written.
fn spaced(value: &serde_json::Value) -> String {
    value.to_string().replace("\",\"", "\", \"")
}

const INTRODUCTION: &str = "\
# Configuration

Printed by `certbound schema --format markdown`; do not edit.

One file, [`proxy.toml`](../proxy.toml), which shows every key with its default.
Durations are `\"500ms\"`, `\"30s\"`, `\"10m\"`, or `\"24h\"`; sizes are `\"64KiB\"`, `\"32MiB\"`, `\"1GiB\"`, or bytes as in `\"65536\"`.
Both are strings: a bare number is refused.
Paths start at the folder of the file; secrets stand in files of their own.
\"reload\" says which keys are applied on SIGHUP, or when the file changes; a change of another one waits for a restart.
`certbound check` reports every fault at once; editors complete with [`proxy.schema.json`](proxy.schema.json), which `certbound schema` prints.

## At the top

";
