//! Tables whose meaning comes later: held to their form, and refused where they ask for anything.

use crate::config::{
    address,
    reading::Placed,
    table::{Table, among},
};

/// Reads all of them.
pub(super) fn read(document: &mut Table<'_>) {
    eidas(document.table("eidas"));
    revocation(document.table("revocation"));
    consent(document.table("consent"));
    registration(document.table("registration"));
    tracing(document.table("tracing"));
}

/// `[eidas]`.
fn eidas(mut table: Table<'_>) {
    table.choice("require", ("off", ()), &[("psd2", ()), ("qwac", ())]);
    table.strings("authorities");
    table.nothing_yet();
}

/// `[revocation]`. Its default demands what is not built, so that going without has to be written down.
fn revocation(mut table: Table<'_>) {
    table.choice("on_unavailable", ("deny", ()), &[("allow", ()), ("stale", ())]);
    table.duration("max_stale", "24h");
    table.duration("timeout", "2s");
    table.duration("cache_ttl", "1h");
    table.strings("crl_files");
    table.duration("crl_refresh", "1h");
    table.strings("allowed_hosts");
    table.boolean("allow_private_addresses", false);
    table.choice("check", ("leaf", ()), &[("chain", ())]);
    table.nothing_yet();
    methods(&mut table);
}

fn methods(table: &mut Table<'_>) {
    let methods = table.strings("methods");
    let place = table.place_of("methods");
    let remedy = "write methods = [] in [revocation], and know that revoked certificates are accepted";
    match methods.as_deref() {
        // Its type was reported.
        None if table.is_given("methods") => {}
        None => table.reading.fault(&place, "its default, [\"ocsp\", \"crl\"], is not available yet", remedy),
        Some([]) => {
            table.reading.warn(&place, "revocation is off", "revoked certificates are accepted until they expire");
        }
        Some(names) => {
            let known = |name: &&Placed<String>| {
                table.reading.settle(&name.place, among(&name.value, &[("ocsp", ()), ("crl", ())])).is_some()
            };
            if names.iter().filter(known).count() == names.len() {
                table.reading.fault(&place, "not available yet", remedy);
            }
        }
    }
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
