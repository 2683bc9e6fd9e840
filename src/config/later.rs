//! Tables whose meaning comes later: held to their form, and refused where they ask for anything.

use crate::config::{address, table::Table};

/// Reads all of them.
pub(super) fn read(document: &mut Table<'_>) {
    consent(document.table("consent"));
    tracing(document.table("tracing"));
}

/// `[consent]`.
fn consent(mut table: Table<'_>) {
    url(&mut table, "endpoint");
    table.string_or("claim", "consent_id");
    if let Some(file) = table.string("signing_key_file") {
        table.reading.bytes(&file);
    }
    table.duration("timeout", "2s");
    table.nothing_yet();
}

/// `[tracing]`.
fn tracing(mut table: Table<'_>) {
    url(&mut table, "otlp_endpoint");
    table.nothing_yet();
}

fn url(table: &mut Table<'_>, key: &'static str) {
    if let Some(text) = table.string(key) {
        table.reading.settle(&text.place, address::url(&text.value));
    }
}
