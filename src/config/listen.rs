//! `[listen]`: the data listener.

use std::thread::available_parallelism;

use crate::{
    config::{
        address,
        fault::Wrong,
        reading::Place,
        settings::{Address, Listen, OwnCertificate},
        table::Table,
    },
    gate::PublicOrigin,
};

/// The table as read. What other tables have to say about the listener is added by [`super::load`].
pub(super) struct Listener {
    /// Whether its certificate is configured, readable or not.
    pub(super) encrypted: bool,
    /// Where its address stands.
    pub(super) place: Place,
    /// Whether that is a Unix socket, whose permissions say who may connect.
    pub(super) is_unix: bool,
    /// What clients call.
    pub(super) origin: PublicOrigin,
    /// Where that stands, or would.
    pub(super) origin_place: Place,
    /// None where something is at fault.
    pub(super) listen: Option<Listen>,
}

pub(super) fn read(mut table: Table<'_>) -> Listener {
    let address = table.required("address", "0.0.0.0:8443");
    // As it is meant, so that an address at fault is not told of twice.
    let is_unix = address.as_ref().is_some_and(|text| text.value.starts_with("unix:"));
    let address = address.and_then(|text| Address::parse(table.reading, &text));
    let place = table.place_of("address");
    let (encrypted, tls) = encryption(&mut table);
    let http2 = table.boolean("http2", true);
    let max_connections = table.integer("max_connections", 10_000, 1..=1_000_000);
    let max_requests = table.integer("max_requests", 10_000, 1..=1_000_000);
    let request_header_timeout = table.duration("request_header_timeout", "10s");
    let idle_timeout = table.duration("idle_timeout", "60s");
    let max_header_bytes = table.size("max_header_bytes", "128KiB");
    let drain_timeout = table.duration_or_zero("drain_timeout", "25s");
    let threads = threads(table.integer("threads", 0, 0..=1024));
    let origin = public_origin(&mut table);
    let origin_place = table.place_of("public_origin");
    let listen = address.map(|address| Listen {
        address,
        tls,
        ask_certificate: false,
        http2,
        proxy_protocol: None,
        max_connections,
        max_requests,
        request_header_timeout,
        idle_timeout,
        max_header_bytes,
        drain_timeout,
        threads,
    });
    Listener { encrypted, place, is_unix, origin, origin_place, listen }
}

/// Exactly one of `plaintext = true` and the two files, so that nobody serves plaintext by forgetting a line.
fn encryption(table: &mut Table<'_>) -> (bool, Option<OwnCertificate>) {
    let (certificate, key) = (table.string("certificate_file"), table.string("private_key_file"));
    let plaintext = table.boolean("plaintext", false);
    let both = "write plaintext = true, or certificate_file and private_key_file";
    match (certificate, key) {
        _ if table.is_misread("certificate_file") || table.is_misread("private_key_file") => (true, None),
        (None, None) if plaintext || table.is_misread("plaintext") || !table.written => (false, None),
        (None, None) => {
            table.reading.fault(&table.place, "neither TLS nor plaintext is chosen", both);
            (false, None)
        }
        (Some(certificate), Some(key)) => {
            if plaintext {
                table.fault("plaintext", "plaintext is chosen beside TLS", both);
            }
            (true, OwnCertificate::load(table.reading, &certificate, &key))
        }
        (Some(_), None) => {
            table.fault("certificate_file", "the certificate has no key", "add private_key_file");
            (true, None)
        }
        (None, Some(_)) => {
            table.fault("private_key_file", "the key has no certificate", "add certificate_file");
            (true, None)
        }
    }
}

/// What clients call, which their proofs name.
fn public_origin(table: &mut Table<'_>) -> PublicOrigin {
    let Some(origin) = table.string("public_origin") else { return PublicOrigin::Forwarded };
    let remedy = "write it as https://api.bank.example";
    let bare = |uri: http::Uri| match uri.path() == "/" && uri.query().is_none() && !origin.value.ends_with('/') {
        true => Ok(()),
        false => Err(Wrong::new("an origin has no path", remedy)),
    };
    let url = address::url(&origin.value).map_err(|wrong| Wrong::new(wrong.what, remedy));
    table.reading.settle(&origin.place, url.and_then(bare));
    PublicOrigin::Fixed(origin.value.into())
}

/// 0 stands for the CPUs that this process may use, a cgroup's quota included.
fn threads(configured: usize) -> usize {
    match configured {
        0 => available_parallelism().map_or(1, usize::from),
        threads => threads,
    }
}
