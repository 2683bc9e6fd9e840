//! `[tracing]`: where spans go.

use http::Uri;

use crate::config::{address, anchors, fault::Wrong, reading::as_read, settings::Tracing, table::Table};

/// None where no endpoint is written, or something is at fault.
pub(super) fn read(mut table: Table<'_>) -> Option<Tracing> {
    let reading = table.reading;
    let text = table.string("otlp_endpoint");
    let sample_percent = table.integer("sample_percent", 100, 0..=100);
    let authorities = table.string("ca_file").map(|file| anchors::authorities(reading, &file));
    let text = text?;
    let endpoint = reading.settle(&text.place, endpoint(&text.value))?;
    if !cfg!(feature = "otel") {
        let remedy = "leave it out, or build certbound with --features otel";
        reading.fault(&text.place, "this build has no OpenTelemetry", remedy);
    }
    if address::is_exposed(&endpoint) {
        reading.warn(&text.place, "whoever is on the way can read who asked for what", "write an https:// address");
    }
    Some(Tracing { endpoint, sample_percent, authorities: as_read(authorities)? })
}

/// gRPC chooses the path, so there is none.
fn endpoint(text: &str) -> Result<Uri, Wrong> {
    if !text.contains("://") && address::url(&format!("http://{text}")).is_ok() {
        return Err(Wrong::new(format!("`{text}` has no scheme"), format!("write it as http://{text}")));
    }
    let uri = address::url(text)?;
    match uri.path_and_query().map(http::uri::PathAndQuery::as_str) {
        None | Some("/") => Ok(uri),
        Some(_) => {
            Err(Wrong::new(format!("`{text}` has a path"), "spans go by gRPC: write it as http://127.0.0.1:4317"))
        }
    }
}
