//! `proxy.toml`, parsed once into what it means, or into every fault at once.
//!
//! A file for each table reads its keys through [`table::Table`], which knows types, defaults, and places.
//! Each default is written once, where its key is read; `proxy.toml` shows them all, and a test compares.

pub mod fault;
pub mod settings;

mod address;
mod agreement;
mod anchors;
mod backend;
mod balancer;
mod errors;
mod identity;
mod later;
mod listen;
mod names;
mod quantity;
mod reading;
mod records;
mod routes;
mod source;
mod table;
mod template;
#[cfg(test)]
mod tests;
mod token;

pub use fault::{Fault, Warning};
pub use settings::Settings;

use std::path::Path;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use rustls_pki_types::UnixTime;
use sha2::{Digest, Sha256};
use toml::de::DeTable;

use crate::{
    certificate::Certificates,
    config::{
        fault::Wrong,
        reading::{Place, Reading},
        settings::{Listen, Mode},
        table::Table,
    },
    gate::Gate,
    headers::{IdentityHeaders, ReadNames},
    route::Routes,
};

/// Reads `file` and every file it names.
///
/// What `run` finds out only by opening sockets is not checked: names are not resolved, ports not bound, nothing fetched.
///
/// # Errors
/// Every fault, in the order of the file.
pub fn load(file: &Path, now: UnixTime) -> Result<(Settings, Vec<Warning>), Vec<Fault>> {
    let start = Place::default();
    let text = reading::bounded(file).map_err(|error| Wrong::new(format!("cannot be read: {error}"), HOW_TO_NAME));
    let text = text.and_then(|bytes| {
        let wrong = |_| Wrong::new("is not UTF-8", "save it as UTF-8");
        std::str::from_utf8(&bytes).map(str::to_owned).map_err(wrong)
    });
    let (text, wrong) = match text {
        Ok(text) => (text, None),
        Err(wrong) => (String::new(), Some(wrong)),
    };
    let reading = Reading::new(file, &text, now);
    let settings = match wrong {
        Some(Wrong { what, remedy }) => {
            reading.fault(&start, what, remedy);
            None
        }
        None => parse(&reading, &text).and_then(|document| settings(&reading, document, &text)),
    };
    let (faults, warnings) = reading.finish();
    match settings {
        Some(settings) if faults.is_empty() => Ok((settings, warnings)),
        _ => Err(faults),
    }
}

/// The document, or every place where it is not TOML.
fn parse<'a>(reading: &'a Reading<'a>, text: &'a str) -> Option<Table<'a>> {
    let (document, broken) = DeTable::parse_recoverable(text);
    for error in &broken {
        let place = Place { key: None, offset: error.span().map_or(0, |span| span.start) };
        match error.message().split_once(", expected ") {
            Some((what, expected)) => reading.fault(&place, what, format!("expected {expected}")),
            None => reading.fault(&place, error.message(), "see https://toml.io for the form"),
        }
    }
    // What could be recovered of a broken file would give faults that are none.
    broken.is_empty().then(|| Table::document(reading, document.into_inner()))
}

/// Reads every table, then holds them against each other. None only where a fault was reported.
fn settings(reading: &Reading<'_>, mut document: Table<'_>, text: &str) -> Option<Settings> {
    let mode = document.choice("mode", ("enforce", Mode::Enforce), &[("report", Mode::Report)]);
    let listener = listen::read(document.required_table("listen"));
    let balancer = balancer::read(document.table("load_balancer"));
    let client = source::read(document.table("client_certificate"));
    let (truststore, rules) = anchors::read(document.required_table("truststore"));
    later::eidas(document.table("eidas"));
    later::revocation(document.table("revocation"));
    let tokens = token::read(document.table("token"));
    let (certificate_bytes, token_cache_bytes) = cache(document.table("cache"));
    let routes = routes::read(document.tables("route"), reading);
    let (backend, forward) = backend::read(document.required_table("backend"), &client);
    later::consent(document.table("consent"));
    later::registration(document.table("registration"));
    let errors = errors::read(document.table("errors"));
    let log = records::log(document.table("log"));
    let audit = records::audit(document.table("audit"));
    let (admin, status) = records::admin(document.table("admin"));
    later::tracing(document.table("tracing"));
    agreement::check(reading, &listener, &balancer, &client, &tokens, &routes);
    drop(document);
    if reading.has_faults() {
        return None;
    }
    let (listen, backend) = (listener.listen?, backend?);
    let ask_certificate = balancer.client_ca.is_some() || client.is_connection();
    let identity = identity_headers(&balancer, &client, &backend);
    Some(Settings {
        mode,
        gate: Gate {
            routes: Routes::new(routes.into_iter().map(|route| route.value).collect()),
            peers: balancer.peers,
            source: client.source,
            certificates: Certificates::new(truststore?, rules, forward, certificate_bytes),
            issuers: tokens.issuers,
        },
        identity,
        listen: Listen { ask_certificate, proxy_protocol: balancer.proxy_protocol.0, ..listen },
        keys: tokens.keys,
        fetch_timeout: tokens.fetch_timeout,
        token_cache_bytes,
        backend,
        errors,
        log,
        audit,
        admin: admin?,
        status,
        hash: BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(text)).into(),
    })
}

/// `[cache]`: memory for certificates and for tokens, in bytes.
fn cache(mut table: Table<'_>) -> (u64, u64) {
    (table.size_or_zero("certificates", "32MiB"), table.size_or_zero("tokens", "64MiB"))
}

/// Every header that a client could use to say who it is. Names that are not read are taken out all the same.
fn identity_headers(
    balancer: &balancer::LoadBalancer,
    client: &source::ClientCertificate,
    backend: &settings::Backend,
) -> IdentityHeaders {
    let certificate = Some(client.header.value.clone());
    let chain = client.chain_header.as_ref().map(|chain| chain.value.clone());
    let unread = [certificate.clone(), chain.clone()].into_iter().flatten();
    let written = backend.headers.iter().map(|(name, _)| name.clone());
    let more: Vec<_> = unread.chain(written).chain(client.strip.iter().cloned()).collect();
    let secret = balancer.secret_header.as_ref().map(|name| name.value.clone());
    let read = match client.is_connection() {
        true => ReadNames { certificate: None, chain: None, secret },
        false => ReadNames { certificate, chain, secret },
    };
    IdentityHeaders::new(read, more)
}

const HOW_TO_NAME: &str = "name the file with --config FILE or CERTBOUND_CONFIG";
