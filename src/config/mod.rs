//! `proxy.toml`, parsed once into what it means, or into every fault at once.
//!
//! A file for each table reads its keys through `table::Table`, which knows types, defaults, and places.
//! Each default is written where its key is read, and for people in `schema/keys.rs` and in `proxy.toml`; tests compare them.

pub mod fault;
pub mod fingerprint;
pub mod folder;
pub mod reload;
pub mod settings;

pub(crate) mod address;
mod agreement;
mod anchors;
mod backend;
mod balancer;
mod client_certificate;
mod consent;
mod dpop;
mod eidas;
mod errors;
mod identity;
mod introspection;
mod listen;
mod names;
mod quantity;
pub(crate) mod reading;
mod records;
mod registration;
mod repeated;
mod replay;
pub mod revocation;
mod routes;
pub mod schema;
mod signing_key;
mod supplies;
mod table;
mod template;
#[cfg(test)]
mod tests;
mod token;
mod tracing;

pub use fault::{Fault, Warning};
pub use settings::Settings;
pub use supplies::{Crls, Supplies};

use std::path::Path;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use rustls_pki_types::UnixTime;
use sha2::{Digest, Sha256};
use toml::de::DeTable;

use crate::{
    certificate::{
        Certificates, PathRules, Truststore, qualified::Eidas, revocation::RevocationPolicy, verdicts::Forward,
    },
    config::{
        balancer::LoadBalancer,
        client_certificate::ClientCertificate,
        consent::Consents,
        fault::Wrong,
        fingerprint::Fingerprint,
        listen::Listener,
        reading::{Place, Placed, Reading},
        registration::Registrations,
        reload::{Refused, Source},
        routes::PlacedRoute,
        settings::{Address, Audit, Backend, Errors, Listen, Log, Mode, StatusPage, Tracing, Uses},
        table::Table,
        token::Tokens,
    },
    gate::Gate,
    headers::{IdentityHeaders, ReadNames},
    route::Routes,
    token::ProofRules,
};

/// Reads `file` and every file it names.
///
/// What `run` finds out only by opening sockets is not checked: names are not resolved, ports not bound, nothing fetched.
///
/// # Errors
/// Every fault, in the order of the file.
pub fn load(file: &Path, now: UnixTime) -> Result<(Settings, Supplies, Vec<Warning>), Vec<Fault>> {
    load_watched(file, now).map_err(|refused| refused.faults)
}

/// Like [`load`]; a refusal says too what was looked at.
fn load_watched(file: &Path, now: UnixTime) -> Result<(Settings, Supplies, Vec<Warning>), Refused> {
    let looks = Fingerprint::of(&[file.to_owned()]);
    match text(file) {
        Ok(text) => read(Reading::new(file, &text, looks, now)),
        Err((Wrong { what, remedy }, before)) => {
            let reading = Reading::new(file, &before, looks, now);
            reading.fault(&Place { key: None, offset: before.len() }, what, remedy);
            Err(Refused::new(reading.source().looks, reading.finish().0))
        }
    }
}

/// Reads the text of `reading`, and every file it names.
fn read(reading: Reading<'_>) -> Result<(Settings, Supplies, Vec<Warning>), Refused> {
    let tables = parse(&reading, reading.text).map(|document| Tables::read(&reading, document));
    let source = reading.source();
    let looks = source.looks.clone();
    let (faults, warnings) = reading.finish();
    match tables.filter(|_| faults.is_empty()).and_then(|tables| tables.settings(source)) {
        Some((settings, supplies)) => Ok((settings, supplies, warnings)),
        None => Err(Refused::new(looks, faults)),
    }
}

/// What the file holds, or what is wrong with it, and the text before that.
fn text(file: &Path) -> Result<String, (Wrong, String)> {
    let unreadable =
        |error| Wrong::new(format!("cannot be read: {error}"), "name the file with --config FILE or CERTBOUND_CONFIG");
    let bytes = reading::bounded(file, reading::MAX_BYTES).map_err(|error| (unreadable(error), String::new()))?;
    match bytes.utf8_chunks().next() {
        Some(chunk) if !chunk.invalid().is_empty() => {
            Err((Wrong::new("is not UTF-8", "save it as UTF-8"), chunk.valid().to_owned()))
        }
        Some(chunk) => Ok(chunk.valid().to_owned()),
        None => Ok(String::new()),
    }
}

/// The document, or every place where it is not TOML.
fn parse<'a>(reading: &'a Reading<'a>, text: &'a str) -> Option<Table<'a>> {
    let (document, broken) = DeTable::parse_recoverable(text);
    for error in &broken {
        let span = error.span().unwrap_or_default();
        let place = Place { key: None, offset: span.start };
        let twice = text.get(span).and_then(|name| repeated::first(text, place.offset, name));
        match (error.message(), twice) {
            ("duplicate key", Some((written, line))) => {
                reading.fault(&place, format!("`{written}` stands in line {line} already"), "write it once");
            }
            (message, _) => match message.split_once(", expected ") {
                Some((what, expected)) => reading.fault(&place, what, format!("expected {expected}")),
                None => reading.fault(&place, message, "see https://toml.io for the form"),
            },
        }
    }
    // What could be recovered of a broken file would give faults that are none.
    broken.is_empty().then(|| Table::document(reading, document.into_inner()))
}

/// The tables as read, whether or not something in them is at fault.
struct Tables {
    mode: Mode,
    listener: Listener,
    balancer: LoadBalancer,
    client: ClientCertificate,
    truststore: Option<Truststore>,
    rules: PathRules,
    policy: RevocationPolicy,
    revocation: Option<(settings::Revocation, Crls)>,
    eidas: Placed<Eidas>,
    tokens: Tokens,
    uses: Option<Uses>,
    cache: Cache,
    consents: Consents,
    routes: Vec<PlacedRoute>,
    backend: Option<Placed<Backend>>,
    forward: Option<Forward>,
    registrations: Registrations,
    errors: Errors,
    log: Log,
    audit: Audit,
    admin: Option<Placed<Address>>,
    status: Option<Placed<StatusPage>>,
    tracing: Option<Tracing>,
}

impl Tables {
    /// Reads every table, then holds them against each other.
    fn read(reading: &Reading<'_>, mut document: Table<'_>) -> Self {
        let client = client_certificate::read(document.table("client_certificate"));
        let (truststore, rules) = anchors::read(document.required_table("truststore"));
        let (backend, forward) = backend::read(document.required_table("backend"), &client);
        let (admin, status) = records::admin(document.table("admin"));
        let (policy, revocation) = revocation::read(document.table("revocation"));
        let consents = consent::read(document.table("consent"));
        let tokens = token::read(document.table("token"));
        let tables = Self {
            mode: document.choice("mode", ("enforce", Mode::Enforce), &[("report", Mode::Report)]),
            listener: listen::read(document.required_table("listen")),
            balancer: balancer::read(document.table("load_balancer")),
            client,
            truststore,
            rules,
            policy,
            revocation,
            eidas: eidas::read(document.table("eidas")),
            uses: replay::read(document.table("replay")),
            cache: cache(document.table("cache")),
            routes: routes::read(document.tables("route"), reading, tokens.binding.proof.is_some()),
            consents,
            tokens,
            backend,
            forward,
            registrations: registration::read(document.table("registration")),
            errors: errors::read(document.table("errors")),
            log: records::log(document.table("log")),
            audit: records::audit(document.table("audit")),
            admin,
            status,
            tracing: tracing::read(document.table("tracing")),
        };
        agreement::check(reading, &tables);
        tables
    }

    /// What they mean together. None only where a fault was reported.
    fn settings(mut self, source: Source) -> Option<(Settings, Supplies)> {
        let (listen, backend) = (self.listener.listen?, self.backend?.value);
        let (revocation, crls) = self.revocation?;
        let proof_algorithms = self.tokens.binding.proof.as_ref().map(ProofRules::algorithm_names);
        self.tokens.issuers.rules.consent_claim = self.consents.claim;
        let registered = self.registrations.settings(&self.routes, &self.tokens)?.unzip();
        let ask_certificate = self.balancer.client_ca.is_some() || self.client.is_connection();
        let supplies = Supplies { crls, uses: self.uses?, consent: self.consents.service };
        let settings = Settings {
            mode: self.mode,
            identity: identity_headers(&self.balancer, &self.client, &backend),
            gate: Gate {
                routes: Routes::new(self.routes.into_iter().map(|route| route.value).collect()),
                peers: self.balancer.peers,
                source: self.client.source,
                certificates: Certificates::new(
                    self.truststore?,
                    self.rules,
                    self.forward,
                    self.policy.depth(),
                    self.cache.certificates,
                ),
                revocation: self.policy,
                eidas: self.eidas.value,
                issuers: self.tokens.issuers,
                binding: self.tokens.binding,
                origin: self.listener.origin,
                registration: registered.0,
                consent_reads_body: self.consents.body,
            },
            listen: Listen { ask_certificate, proxy_protocol: self.balancer.proxy_protocol.0, ..listen },
            revocation,
            keys: self.tokens.keys,
            introspection: self.tokens.introspection,
            registration: registered.1,
            fetch_timeout: self.tokens.fetch_timeout,
            token_cache_bytes: self.cache.tokens,
            backend,
            errors: Errors { proof_algorithms, ..self.errors },
            log: self.log,
            audit: self.audit,
            admin: self.admin?.value,
            status: self.status.map(|status| status.value),
            tracing: self.tracing,
            hash: BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&source.text)).into(),
            source,
        };
        Some((settings, supplies))
    }
}

/// `[cache]`: memory in bytes.
struct Cache {
    certificates: u64,
    tokens: u64,
}

fn cache(mut table: Table<'_>) -> Cache {
    Cache { certificates: table.size_or_zero("certificates", "32MiB"), tokens: table.size_or_zero("tokens", "64MiB") }
}

/// Every header that a client could use to say who it is. Names that are not read are taken out all the same.
fn identity_headers(balancer: &LoadBalancer, client: &ClientCertificate, backend: &Backend) -> IdentityHeaders {
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
