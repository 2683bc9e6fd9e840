//! `[log]`, `[audit]`, `[admin]`: what operators see, and where.

use crate::config::{
    reading::Placed,
    settings::{Access, Address, Audit, Log, Sink, StatusPage},
    table::Table,
};

pub(super) fn log(mut table: Table<'_>) -> Log {
    let levels = ["error", "warn", "debug", "trace"].map(|level| (level, level));
    Log {
        level: table.choice("level", ("info", "info"), &levels),
        json: table.choice("format", ("json", true), &[("text", false)]),
        access: table.choice("access", ("all", Access::All), &[("denied", Access::Denied), ("off", Access::Off)]),
    }
}

pub(super) fn audit(mut table: Table<'_>) -> Audit {
    let sink = sink(&mut table);
    let deny_on_failure = table.choice("on_failure", ("deny", true), &[("allow", false)]);
    let hash_chain = table.boolean("hash_chain", false);
    if hash_chain && sink == Sink::Off {
        table.reading.warn(
            &table.place_of("hash_chain"),
            "no line is written",
            "write sink = \"file:PATH\" or \"stdout\"",
        );
    }
    Audit { sink, deny_on_failure, hash_chain }
}

fn sink(table: &mut Table<'_>) -> Sink {
    let sink = table.string_or("sink", "stdout");
    match sink.value.as_str() {
        "stdout" => Sink::Stdout,
        "off" => Sink::Off,
        other => match other.strip_prefix("file:") {
            Some(path) if !path.is_empty() => file(table, path),
            _ => {
                table.fault("sink", format!("`{other}` is no sink"), "write it as stdout, file:PATH, or off");
                Sink::Stdout
            }
        },
    }
}

/// A file that can be appended to. It is opened, and made, only by `run`.
fn file(table: &Table<'_>, path: &str) -> Sink {
    let path = table.reading.resolve(path);
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if parent.is_some_and(|parent| !parent.is_dir()) || path.is_dir() {
        let what = format!("`{}` cannot be a file", path.display());
        table.fault("sink", what, "name a file in a folder that exists");
    }
    Sink::File(path)
}

/// Where probes and metrics are served, and where the status page is; none where something is at fault, or `off`.
pub(super) fn admin(mut table: Table<'_>) -> (Option<Placed<Address>>, Option<Placed<StatusPage>>) {
    let address = address(&mut table, "address", "0.0.0.0:9901");
    let status = status_page(&mut table);
    if status.as_ref().is_some_and(|status| !status.address.is_local()) {
        let what = "the status page is for this machine only";
        table.fault("status_address", what, "write 127.0.0.1:9902, unix:PATH, or off");
    }
    let address = address.map(|value| Placed { value, place: table.place_of("address") });
    (address, status.map(|value| Placed { value, place: table.place_of("status_address") }))
}

fn address(table: &mut Table<'_>, key: &'static str, default: &'static str) -> Option<Address> {
    let text = table.string_or(key, default);
    Address::parse(table.reading, &text)
}

fn status_page(table: &mut Table<'_>) -> Option<StatusPage> {
    let default = "127.0.0.1:9902";
    let text = table.string_or("status_address", default);
    if text.value == "off" {
        return None;
    }
    let address = Address::parse(table.reading, &text)?;
    Some(StatusPage { address, chosen: text.value != default })
}
