//! `[consent]`: who is asked whether a consent covers a request.

use std::sync::Arc;

use crate::config::{
    address, anchors,
    reading::{Place, as_read},
    settings::{ConsentService, SigningKey},
    table::Table,
};

/// The table as read.
pub(super) struct Consents {
    /// None where no endpoint is written, or something is at fault.
    pub(super) service: Option<ConsentService>,
    /// Of the token; read only where somebody is asked.
    pub(super) claim: Option<Arc<str>>,
    /// Whether the bodies of requests go along.
    pub(super) body: bool,
    /// Whether an endpoint is written, understood or not.
    pub(super) written: bool,
    /// Of `endpoint`; the table where it is not written.
    pub(super) place: Place,
}

pub(super) fn read(mut table: Table<'_>) -> Consents {
    let reading = table.reading;
    let text = table.string("endpoint");
    let endpoint = text.as_ref().and_then(|text| reading.settle(&text.place, address::url(&text.value)));
    if let (Some(text), true) = (&text, endpoint.as_ref().is_some_and(address::is_exposed)) {
        reading.warn(&text.place, "whoever is on the way can consent to anything", "write an https:// address");
    }
    let claim = table.string_or("claim", "consent_id").value;
    let signing_key = table.string("signing_key_file").map(|file| SigningKey::load(reading, &file));
    let authorities = table.string("ca_file").map(|file| anchors::authorities(reading, &file));
    let body = table.boolean("body", false);
    let timeout = table.duration("timeout", "2s");
    let files = as_read(signing_key).zip(as_read(authorities));
    let service = endpoint.zip(files).map(|(endpoint, (signing_key, authorities))| ConsentService {
        endpoint,
        signing_key,
        authorities,
        timeout,
    });
    let written = text.is_some() || table.is_misread("endpoint");
    Consents { service, claim: written.then(|| claim.into()), body, written, place: table.place_of("endpoint") }
}
