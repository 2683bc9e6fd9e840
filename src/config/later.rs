//! Tables whose meaning comes later: held to their form, and refused where they ask for anything.

use crate::config::{address, table::Table};

/// Reads all of them.
pub(super) fn read(document: &mut Table<'_>) {
    tracing(document.table("tracing"));
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
