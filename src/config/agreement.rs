//! What tables say about each other.

use rustls_pki_types::CertificateDer;

use crate::{
    certificate::qualified::Requirement,
    config::{
        Tables,
        balancer::LoadBalancer,
        client_certificate::ClientCertificate,
        consent::Consents,
        listen::Listener,
        names,
        reading::{Place, Reading},
        registration,
        routes::PlacedRoute,
        settings::Address,
        token::Tokens,
    },
    gate::PublicOrigin,
    route::{Demands, Kind, Route},
};

/// Reports what does not fit together, and what could not work.
pub(super) fn check(reading: &Reading<'_>, tables: &Tables) {
    let Tables { listener, balancer, client, tokens, consents, routes, registrations, .. } = tables;
    addresses(reading, tables);
    handshake(reading, listener, balancer, client);
    proofs(reading, listener, balancer, client);
    networks(reading, listener, balancer, client);
    balancers(reading, balancer, tables);
    secret_header(reading, balancer, client);
    issuers(reading, tokens, routes);
    origin(reading, listener, tokens);
    consents_asked_for(reading, consents, routes);
    qualification(reading, tables);
    websockets(reading, tables);
    registrations.check(reading, routes, tokens);
}

/// An address has one owner. The status page gives way by itself where nobody chose its address.
fn addresses(reading: &Reading<'_>, tables: &Tables) {
    let data = tables.listener.listen.as_ref().map(|listen| (&listen.address, &tables.listener.place));
    let admin = tables.admin.as_ref().map(|admin| (&admin.value, &admin.place));
    let status = tables.status.as_ref().filter(|status| status.value.chosen);
    let status = status.map(|status| (&status.value.address, &status.place));
    let backend = tables.backend.as_ref().map(|backend| (&backend.value.address, &backend.place));
    if let Some(((data, _), (backend, place))) = data.zip(backend)
        && data.receives(backend)
    {
        reading.fault(place, "certbound would forward to itself", "write the address of the API");
    }
    let mut taken: Vec<(&Address, &Place)> = Vec::new();
    for (address, place) in [data, admin, status].into_iter().flatten() {
        if let Some((_, other)) = taken.iter().find(|(other, _)| other.takes(address)) {
            let other = other.key.as_deref().unwrap_or_default();
            reading.fault(place, format!("`{other}` has this address already"), "write another port");
        }
        taken.push((address, place));
    }
}

/// A certificate in the handshake needs a handshake, and says either who the balancer is or who the client is.
fn handshake(reading: &Reading<'_>, listener: &Listener, balancer: &LoadBalancer, client: &ClientCertificate) {
    let tls = "write certificate_file and private_key_file in [listen]";
    if let Some(place) = &balancer.client_ca {
        if !listener.encrypted {
            reading.fault(place, "without TLS the balancer shows no certificate", tls);
        }
        if client.is_connection() {
            let what = "the certificate of the handshake is the client's, with source = \"connection\"";
            reading.fault(place, what, "leave it out");
        }
    }
    if client.is_connection() && !listener.encrypted {
        reading.fault(&client.place, "without TLS clients show no certificate", tls);
    }
}

/// What a load balancer says is believed, so something has to prove that it is one.
fn proofs(reading: &Reading<'_>, listener: &Listener, balancer: &LoadBalancer, client: &ClientCertificate) {
    if !balancer.has_proof && !client.is_connection() && !listener.is_unix {
        let what = "nothing says who is a load balancer, and anyone could forward a certificate";
        reading.fault(&balancer.place, what, "write trusted_networks, client_ca_file, or secret_header");
    }
    if !balancer.has_proof && balancer.peers.refuse_strangers && client.is_connection() && !listener.is_unix {
        let what = "with nothing to prove a load balancer by, everyone is a stranger and would be refused";
        reading.fault(&balancer.on_untrusted, what, "leave it out, or write trusted_networks");
    }
    let (protocol, place) = &balancer.proxy_protocol;
    if protocol.is_some() && balancer.networks.is_none() && !listener.is_unix {
        reading.fault(place, "a PROXY header is believed only from a trusted network", "write trusted_networks");
    }
}

/// A proof that nobody can give, and one that is not asked for.
fn networks(reading: &Reading<'_>, listener: &Listener, balancer: &LoadBalancer, client: &ClientCertificate) {
    let Some(place) = balancer.networks.as_ref().filter(|_| !client.is_connection()) else { return };
    if balancer.peers.networks.as_ref().is_some_and(Vec::is_empty) {
        let what = "nobody is believed, so that no forwarded certificate counts";
        reading.warn(place, what, "write the networks of your load balancers");
    } else if listener.is_unix {
        let what = "whoever may open the Unix socket is believed, and has no address to be in a network";
        reading.warn(place, what, "leave it out, and look at the permissions of the socket");
    }
}

/// A proof that every client can give.
fn balancers(reading: &Reading<'_>, balancer: &LoadBalancer, Tables { truststore, .. }: &Tables) {
    let is_anchor = |authority: &CertificateDer<'_>| truststore.as_ref().is_some_and(|store| store.leads_to(authority));
    if let Some(place) = balancer.client_ca.as_ref().filter(|_| balancer.nameless.iter().any(is_anchor)) {
        let what = "clients have certificates of this authority too, so that any of them makes a load balancer";
        reading.warn(place, what, "write client_names, or give load balancers an authority of their own");
    }
}

/// The secret has a header of its own.
fn secret_header(reading: &Reading<'_>, balancer: &LoadBalancer, client: &ClientCertificate) {
    let Some(secret) = &balancer.secret_header else { return };
    let others = [Some(&client.header), client.chain_header.as_ref()];
    if others.into_iter().flatten().any(|other| names::folded(&other.value) == names::folded(&secret.value)) {
        reading.fault(&secret.place, "this header carries the certificate", "choose another name");
    }
}

fn issuers(reading: &Reading<'_>, tokens: &Tokens, routes: &[PlacedRoute]) {
    if !tokens.written && routes.iter().any(|route| demands_token(&route.value)) {
        let remedy = "write [[token.issuer]] with issuer and audiences";
        reading.fault(&tokens.place, "a route demands a token, and no issuer is configured", remedy);
    }
}

/// A proof of possession is for one address, so the client must not be the one who says which.
fn origin(reading: &Reading<'_>, listener: &Listener, tokens: &Tokens) {
    if tokens.binding.proof.is_some() && matches!(listener.origin, PublicOrigin::Forwarded) {
        let what = "a proof that was made for another server holds here for whoever sends its name in Host";
        reading.warn(&listener.origin_place, what, "write public_origin = \"https://api.bank.example\" in [listen]");
    }
}

/// Who asks for consents needs somebody to ask; and a service that is never asked protects nothing, whatever its operator
/// thinks.
fn consents_asked_for(reading: &Reading<'_>, consents: &Consents, routes: &[PlacedRoute]) {
    match (routes.iter().any(|route| route.value.consent), consents.written) {
        (true, false) => {
            let remedy = "write endpoint = \"http://127.0.0.1:9446/validate\" in [consent]";
            reading.fault(&consents.place, "is missing, and a route asks for consents", remedy);
        }
        (false, true) => {
            let remedy = "write consent = true in each [[route]] that needs one";
            reading.warn(&consents.place, "no route asks for consents", remedy);
        }
        (true, true) | (false, false) => {}
    }
}

/// Who is not asked for a certificate need not have a qualified one.
fn qualification(reading: &Reading<'_>, Tables { eidas, routes, .. }: &Tables) {
    let is_asked =
        routes.iter().any(|route| demands(&route.value).any(|demands| demands.certificate || demands.binding));
    if eidas.value.require != Requirement::Off && !is_asked {
        let what = "no route demands a certificate, so nobody needs one that is qualified";
        reading.warn(&eidas.place, what, "add \"certificate\" to require in [[route]], or leave it out");
    }
}

/// A WebSocket begins in HTTP/1.1 alone, and without TLS nothing tells in which version the API is spoken to.
fn websockets(reading: &Reading<'_>, Tables { backend, routes, .. }: &Tables) {
    let plain_http2 = backend.as_ref().is_some_and(|backend| backend.value.http2 && backend.value.tls.is_none());
    if let Some(route) = routes.iter().find(|route| plain_http2 && route.value.websocket) {
        let what = "its WebSockets are opened in HTTP/1.1, and `backend.http2` is true without TLS: an API that speaks HTTP/2 \
                    alone there answers each with 502";
        reading.warn(&route.place, what, "write http2 = false in [backend], or see that the API speaks both");
    }
}

/// Whether of any method.
fn demands_token(route: &Route) -> bool {
    demands(route).any(|demands| demands.token)
}

/// What is demanded, by one method or another.
fn demands(route: &Route) -> impl Iterator<Item = Demands> {
    let managing = match route.kind {
        Kind::Registration { managing } if registration::manages(route) => Some(managing),
        Kind::Api | Kind::Token { .. } | Kind::Registration { .. } => None,
    };
    [route.demands].into_iter().chain(managing)
}
