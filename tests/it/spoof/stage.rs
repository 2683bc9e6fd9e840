//! certbound in front of one bank six times: for each peer, in plaintext and by TLS.

use std::mem;

use super::plan::{Case, Kind, Peer, Place, Protocol, SECRET_HEADER};
use crate::{
    consent::service::Service,
    http2::{self, Message},
    support::{
        bank::{Bank, Seen},
        config::Config,
        connection::{Answer, CERTIFICATE_HEADER, Connection},
        forms::percent_pem,
        pki::Pki,
        sidecar::Sidecar,
        tls::client_config,
        token::Token,
    },
};

pub(super) struct Stage {
    pub(super) bank: Bank,
    /// Held, so that it answers.
    _consents: Service,
    entrances: Vec<Entrance>,
    /// The `Authorization` of each kind of route.
    authorizations: [String; Kind::ALL.len()],
    certificate: String,
}

/// One certbound, and the connections to it that are still good.
struct Entrance {
    protocol: Protocol,
    peer: Peer,
    sidecar: usize,
    http1: Option<Connection>,
    http2: Option<http2::Client>,
}

impl Stage {
    /// The sidecars live as long as their addresses are used, so they stay with the caller.
    pub(super) fn set() -> (Self, Vec<Sidecar>) {
        let (bank, consents) = (Bank::start(), Service::start());
        let (mut sidecars, mut entrances) = (Vec::new(), Vec::new());
        for peer in Peer::ALL {
            let config = config(&bank, &consents.endpoint(), peer);
            for (config, protocols) in
                [(config.clone(), &[Protocol::Http1, Protocol::H2c][..]), (config.with_tls(), &[Protocol::H2])]
            {
                for protocol in protocols {
                    let sidecar = sidecars.len();
                    entrances.push(Entrance { protocol: *protocol, peer, sidecar, http1: None, http2: None });
                }
                sidecars.push(config.start());
            }
        }
        let certificate = percent_pem(&Pki::get().alice.der);
        let stage =
            Self { bank, _consents: consents, entrances, authorizations: Kind::ALL.map(authorization), certificate };
        (stage, sidecars)
    }

    /// Sends it on a connection that is kept as long as certbound keeps it.
    pub(super) fn send(&mut self, case: &Case, sidecars: &[Sidecar]) -> Answer {
        let fields = self.fields(case);
        let mut of_case =
            self.entrances.iter_mut().filter(|one| (one.protocol, one.peer) == (case.protocol, case.peer));
        let entrance = of_case.next().unwrap();
        let sidecar = &sidecars[entrance.sidecar];
        match case.protocol {
            Protocol::Http1 => over_http1(case, &fields, sidecar, &mut entrance.http1),
            Protocol::H2c | Protocol::H2 => {
                let tls = (case.protocol == Protocol::H2).then(|| client_config(&Pki::get().infrastructure, None));
                let client = entrance.http2.get_or_insert_with(|| http2::Client::connect(sidecar.address(), tls));
                client.send(&message(case, &fields))
            }
        }
    }

    /// What the load balancer sends, and what is forged.
    fn fields(&self, case: &Case) -> Vec<(String, String)> {
        let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut fields = vec![own(SECRET_HEADER, SECRET), own(CERTIFICATE_HEADER, &self.certificate)];
        let authorization = &self.authorizations[case.kind as usize];
        if !authorization.is_empty() {
            fields.push(own("Authorization", authorization));
        }
        let mut forged = match case.place {
            Place::Trailer => Vec::new(),
            Place::Field => vec![own(&case.name, &case.marker)],
            Place::TwoFields => vec![own(&case.name, &case.marker); 2],
            Place::Connection => {
                vec![own("Connection", &format!("keep-alive, {}", case.name)), own(&case.name, &case.marker)]
            }
        };
        if case.first {
            mem::swap(&mut fields, &mut forged);
        }
        fields.extend(forged);
        fields
    }

    /// Every identity header that certbound itself writes for the bank.
    pub(super) fn written(&self, case: &Case) -> Vec<(String, String)> {
        if !case.kind.judges_certificates() || case.peer == Peer::Reported {
            return Vec::new();
        }
        let thumbprint = ("x-client-thumbprint".to_owned(), Pki::get().alice.thumbprint());
        vec![(CERTIFICATE_HEADER.to_lowercase(), self.certificate.clone()), thumbprint]
    }
}

fn config(bank: &Bank, consents: &str, peer: Peer) -> Config {
    let mode = if peer == Peer::Reported { r#""report""# } else { r#""enforce""# };
    let networks = if peer == Peer::Balancer { r#"["127.0.0.0/8"]"# } else { r#"["10.0.0.0/8"]"# };
    Config::in_front_of(bank)
        .set("mode", mode)
        .set("load_balancer.trusted_networks", networks)
        .set("load_balancer.secret_header", &format!("{{ name = {SECRET_HEADER:?}, value_file = \"secret\" }}"))
        .file("secret", SECRET)
        .set("client_certificate.strip", r#"["X-Bank-Edge-Identity"]"#)
        .set("backend.headers", r#"{ "X-Client-Thumbprint" = "{certificate.thumbprint}" }"#)
        .set("consent.endpoint", &format!("{consents:?}"))
        .set("registration.directory_jwks", r#""keys.json""#)
        .route("path = \"/open\"\nrequire = []")
        .route("path = \"/shown\"\nrequire = [\"certificate\"]")
        .route("path = \"/borne\"\nrequire = [\"token\"]")
        .route("path = \"/token\"\nkind = \"token\"")
        .route("path = \"/register/{ClientId}\"\nkind = \"registration\"\nmethods = [\"GET\"]")
        .route("path = \"/socket\"\nupgrade = [\"websocket\"]")
        .route("path = \"/consented\"\nconsent = true")
        .route("path = \"/{*rest}\"")
}

fn target(kind: Kind) -> &'static str {
    match kind {
        Kind::Open => "/open",
        Kind::Certificate => "/shown",
        Kind::Token => "/borne",
        Kind::Binding => "/accounts",
        Kind::TokenEndpoint => "/token",
        Kind::Registration => "/register/tpp-1",
        Kind::WebSocket => "/socket",
        Kind::Consent => "/consented",
    }
}

fn authorization(kind: Kind) -> String {
    let alice = &Pki::get().alice;
    let token = match kind {
        Kind::Open | Kind::Certificate => return String::new(),
        Kind::TokenEndpoint => return "Basic dHBwLTE6c2VjcmV0".to_owned(),
        Kind::Token => Token::unbound(),
        Kind::Binding | Kind::WebSocket => Token::of(alice),
        Kind::Registration => Token::of(alice).claim("client_id", "tpp-1"),
        Kind::Consent => Token::of(alice).claim("consent_id", "aac-7"),
    };
    format!("Bearer {}", token.sign())
}

fn over_http1(case: &Case, fields: &[(String, String)], sidecar: &Sidecar, kept: &mut Option<Connection>) -> Answer {
    let mut request = sidecar.get(target(case.kind));
    for (name, value) in fields {
        request = request.header(name, value);
    }
    if case.upgrades() {
        request = request.header("Connection", "Upgrade").header("Upgrade", "websocket");
        request = request.header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==").header("Sec-WebSocket-Version", "13");
    }
    let bytes = if case.place == Place::Trailer {
        let head = request.header("Trailer", &case.name).header("Transfer-Encoding", "chunked").bytes();
        let rest = format!("2\r\n{BODY}\r\n0\r\n{}: {}\r\n\r\n", case.name, case.marker);
        [head, rest.into_bytes()].concat()
    } else {
        request.bytes()
    };
    let mut connection = kept.take().unwrap_or_else(|| sidecar.connect());
    connection.write(&bytes);
    let answer = connection.answer("GET");
    let closes = answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    // What is left of a body when it is refused ends the connection.
    let ends = closes || case.upgrades() || (answer.status >= 400 && case.place == Place::Trailer);
    if !ends {
        *kept = Some(connection);
    }
    answer
}

fn message<'a>(case: &'a Case, fields: &'a [(String, String)]) -> Message<'a> {
    let headers = fields.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let in_trailer = case.place == Place::Trailer;
    let trailers = if in_trailer { vec![(case.name.as_str(), case.marker.clone())] } else { Vec::new() };
    let body = if in_trailer { BODY } else { "" };
    Message { method: "GET", target: target(case.kind), headers, body, trailers }
}

/// Whether a byte of what is forged is anywhere in what the bank was sent.
pub(super) fn holds(seen: &Seen, marker: &str) -> bool {
    let has = |bytes: &[u8]| bytes.windows(marker.len()).any(|window| window == marker.as_bytes());
    let trailers = seen.trailers.0.iter().any(|(name, value)| has(name.as_bytes()) || has(value.as_bytes()));
    has(&seen.raw) || has(&seen.body) || trailers
}

pub(super) const BODY: &str = "hi";
const SECRET: &str = "a-secret-of-the-balancer";
