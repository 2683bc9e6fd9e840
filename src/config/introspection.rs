//! `[[token.issuer]]` `verify` and `introspection`: how an issuer is asked about tokens (RFC 7662).

use std::time::Duration;

use http::Uri;

use crate::{
    config::{
        address,
        reading::Placed,
        settings::{ClientAuthentication, OwnCertificate},
        table::Table,
    },
    token::Verify,
};

/// The table as read.
pub(super) struct Endpoint {
    pub(super) address: Uri,
    pub(super) client: ClientAuthentication,
    pub(super) cache_ttl: Duration,
}

/// How the issuer's JWTs are verified; read after [`read`], because whoever is to be asked has to be known.
pub(super) fn verify(table: &mut Table<'_>) -> Verify {
    let others = [("introspection", Verify::Introspection), ("both", Verify::Both)];
    let verify = table.choice("verify", ("jwt", Verify::Jwt), &others);
    if verify != Verify::Jwt && !table.is_given("introspection") {
        table.fault("verify", "nobody is there to be asked", "add introspection = { endpoint = \"…\", … }");
    }
    verify
}

/// None inside where the table is not written; none where something is at fault.
pub(super) fn read(mut table: Table<'_>) -> Option<Option<Endpoint>> {
    let endpoint = table.required("endpoint", "https://as.bank.example/introspect");
    let address = endpoint.as_ref().and_then(|text| table.reading.settle(&text.place, address::url(&text.value)));
    let client_id = table.required("client_id", "rs");
    let client = client(&mut table, client_id);
    let cache_ttl = table.duration_or_zero("cache_ttl", "30s");
    if !table.written {
        return Some(None);
    }
    let (endpoint, address, client) = (endpoint?, address?, client?);
    let plain = address.scheme_str() == Some("http");
    if plain && matches!(client, ClientAuthentication::Certificate { .. }) {
        let what = "without TLS no certificate is shown";
        table.reading.fault(&endpoint.place, what, "write an https:// address");
        return None;
    }
    if address::is_exposed(&address) {
        let what = "whoever is on the way reads tokens, and can answer in the issuer's place";
        table.reading.warn(&endpoint.place, what, "write an https:// address");
    }
    Some(Some(Endpoint { address, client, cache_ttl }))
}

/// Exactly one of a secret and a certificate with its key.
fn client(table: &mut Table<'_>, client_id: Option<Placed<String>>) -> Option<ClientAuthentication> {
    let reading = table.reading;
    let secret = table.string("client_secret_file");
    let (certificate, key) = (table.string("certificate_file"), table.string("private_key_file"));
    let remedy = "write client_secret_file, or certificate_file and private_key_file";
    match (secret, certificate, key) {
        (Some(file), None, None) => {
            let secret = reading.secret(&file)?;
            if secret.is_empty() {
                reading.fault(&file.place, "the secret is empty", "put the client's secret into this file");
                return None;
            }
            Some(ClientAuthentication::Secret { client_id: client_id?.value, secret })
        }
        (None, Some(certificate), Some(key)) => {
            let identity = OwnCertificate::load(reading, &certificate, &key)?;
            Some(ClientAuthentication::Certificate { client_id: client_id?.value, identity })
        }
        (None, None, None) if !table.written => None,
        (Some(_), ..) => {
            reading.fault(&table.place, "the client shows who it is in two ways", remedy);
            None
        }
        (None, ..) => {
            reading.fault(&table.place, "nothing shows who the client is", remedy);
            None
        }
    }
}
