//! `[backend]`: the API, and what it is told.

use http::{HeaderName, uri::PathAndQuery};
use rustls_pki_types::ServerName;

use crate::{
    certificate::verdicts::Forward,
    config::{
        anchors,
        client_certificate::{ClientCertificate, profiles},
        fault::Wrong,
        names,
        reading::{Placed, as_read},
        settings::{Address, Backend, BackendTls, CertificateHeaders, HeaderTemplate, OwnCertificate},
        table::Table,
    },
    consent::Consent,
};

/// The backend where its address stands, none where something is at fault, and how certificates are written for it.
pub(super) fn read(mut table: Table<'_>, client: &ClientCertificate) -> (Option<Placed<Backend>>, Option<Forward>) {
    let address = address(&mut table);
    let tls = tls(&mut table, address.as_ref());
    let http2 = table.boolean("http2", false);
    let connect_timeout = table.duration("connect_timeout", "1s");
    let response_timeout = table.duration("response_timeout", "30s");
    let max_body_bytes = table.size_or_zero("max_body_bytes", "0");
    let certificate = certificate(&mut table, client);
    let chain = table.boolean("forward_chain", false);
    if chain && !certificate.as_ref().is_some_and(|headers| headers.profile.has_place_for_chain()) {
        let what = "what is written for the backend has no place for intermediates";
        table.reading.warn(
            &table.place_of("forward_chain"),
            what,
            "write forward_certificate = \"rfc9440\", or leave it out",
        );
    }
    let forward_authorization = table.boolean("forward_authorization", true);
    let headers = headers(&mut table, certificate.as_ref());
    let health = health(&mut table);
    let forward = certificate.as_ref().map(|headers| Forward { profile: headers.profile, chain });
    let backend = address.zip(tls).map(|(address, tls)| Backend {
        address,
        tls,
        http2,
        connect_timeout,
        response_timeout,
        max_body_bytes,
        certificate,
        forward_authorization,
        headers,
        health,
    });
    let place = table.place_of("address");
    (backend.map(|value| Placed { value, place }), forward)
}

/// What certbound has proven is true only for what comes through it, so the API must not be reachable past it.
fn address(table: &mut Table<'_>) -> Option<Address> {
    let address = table.required("address", "127.0.0.1:8080");
    let address = address.and_then(|text| Address::parse(table.reading, &text));
    let loopback = table.boolean("require_loopback", true);
    if address.as_ref().is_some_and(|address| address.port() == Some(0)) {
        table.fault("address", "port 0 cannot be connected to", "write the port of the API");
    }
    if loopback && address.as_ref().is_some_and(|address| !address.is_local()) {
        let remedy = "write 127.0.0.1:PORT or unix:PATH, or require_loopback = false if nothing else can reach it";
        table.fault("address", "the backend is outside this pod", remedy);
    }
    address
}

/// None where something is at fault; none inside for plaintext.
fn tls(table: &mut Table<'_>, address: Option<&Address>) -> Option<Option<BackendTls>> {
    let reading = table.reading;
    let mut tls = table.table("tls");
    let name = tls.string("server_name");
    let authorities = tls.string("ca_file").map(|file| anchors::authorities(reading, &file));
    let (certificate, key) = (tls.string("certificate_file"), tls.string("private_key_file"));
    if !tls.written {
        return Some(None);
    }
    let misread = tls.is_misread("certificate_file") || tls.is_misread("private_key_file");
    if certificate.is_some() != key.is_some() && !misread {
        reading.fault(&tls.place, "certificate and key belong together", "write certificate_file and private_key_file");
    }
    let identity = certificate.zip(key).map(|(certificate, key)| OwnCertificate::load(reading, &certificate, &key));
    let host = address.and_then(Address::host).map(str::to_owned);
    let (name, place) = match name {
        Some(name) => (name.value, name.place),
        None if host.is_none() && address.is_none() => return None,
        None => (host.unwrap_or_default(), tls.place_of("server_name")),
    };
    let wrong = |_| Wrong::new(format!("`{name}` is not a server name"), "write server_name = \"api.bank.internal\"");
    let server_name = reading.settle(&place, ServerName::try_from(name.clone()).map_err(wrong))?;
    Some(Some(BackendTls { server_name, authorities: as_read(authorities)?, identity: as_read(identity)? }))
}

/// Under which names the certificate goes to the backend; none: not at all.
fn certificate(table: &mut Table<'_>, client: &ClientCertificate) -> Option<CertificateHeaders> {
    let same = CertificateHeaders {
        profile: client.profile,
        certificate: client.header.value.clone(),
        chain: client.chain_header.as_ref().map(|chain| chain.value.clone()),
    };
    let profiles = profiles().map(|(name, profile)| (name, Form::Profile(profile)));
    let others = [[("off", Form::Off)].as_slice(), &profiles].concat();
    match table.choice("forward_certificate", ("same", Form::Same), &others) {
        Form::Same => Some(same),
        Form::Off => None,
        Form::Profile(profile) => {
            Some(CertificateHeaders { profile, certificate: profile.header(), chain: profile.chain_header() })
        }
    }
}

#[derive(Clone, Copy)]
enum Form {
    Same,
    Off,
    Profile(crate::certificate::Profile),
}

fn headers(table: &mut Table<'_>, certificate: Option<&CertificateHeaders>) -> Vec<(HeaderName, HeaderTemplate)> {
    let reading = table.reading;
    let mut headers: Vec<(HeaderName, HeaderTemplate)> = Vec::new();
    let ours = certificate.into_iter().flat_map(|c| [Some(&c.certificate), c.chain.as_ref()]).flatten();
    let mut taken: Vec<String> = ours.chain([&Consent::INFORMATION]).map(names::folded).collect();
    for (name, value) in table.table("headers").remaining_strings() {
        let template = reading.settle(&value.place, HeaderTemplate::parse(&value.value));
        let header = names::written(reading, &name);
        let Some((header, template)) = header.zip(template) else { continue };
        if taken.contains(&names::folded(&header)) {
            let what = "this header is written already; `.`, `_`, and case make no difference";
            reading.fault(&name.place, what, "choose another name");
        }
        taken.push(names::folded(&header));
        headers.push((header, template));
    }
    headers
}

fn health(table: &mut Table<'_>) -> Option<String> {
    let path = table.string("health")?;
    let parsed = match path.value.parse::<PathAndQuery>() {
        Ok(_) if path.value.starts_with('/') && !path.value.contains('#') => Ok(path.value),
        _ => Err(Wrong::new(format!("`{}` is not a path", path.value), "write it as /health")),
    };
    table.reading.settle(&path.place, parsed)
}
