//! Tables whose meaning comes later: held to their form, and refused where they ask for anything.

use crate::config::{address, table::Table};

/// Reads all of them.
pub(super) fn read(document: &mut Table<'_>) {
    registration(document.table("registration"));
    tracing(document.table("tracing"));
}

/// `[registration]`.
fn registration(mut table: Table<'_>) {
    if let Some(jwks) = table.string("directory_jwks") {
        match jwks.value.contains("://") {
            true => drop(table.reading.settle(&jwks.place, address::url(&jwks.value))),
            false => drop(table.reading.bytes(&jwks)),
        }
    }
    table.string_or("directory_issuer", "OpenBanking Ltd");
    table.strings("allowed_jwks_hosts");
    table.strings("audiences");
    table.choice("subject_rule", ("obie", ()), &[("organization_identifier", ()), ("off", ())]);
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
