//! What clients try, honest and otherwise, and what certbound promises to each.

use crate::{
    CERTIFICATE_HEADER, Stage,
    support::{
        bank::Seen,
        connection::{Answer, Connection, Request},
        forms::percent_pem,
        pki::Client,
        tls::client_config,
        token::Token,
    },
};

/// Nothing where the request is to pass; else the code of the refusal.
type Promise = Option<&'static str>;

struct Attempt<'a> {
    sent: &'static str,
    /// The certificate of the TLS handshake.
    shown: Option<&'a Client>,
    request: Request<'a>,
    way: Way,
    promise: Promise,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Way {
    ThroughTheBalancer,
    PastTheBalancer,
}

/// Makes every attempt and prints what came of it; whether all came out as promised.
pub(crate) fn print_all(stage: &Stage) -> bool {
    println!("{:<58} {:<28} the bank saw", "sent", "answered");
    let mut as_promised = true;
    for attempt in attempts(stage) {
        let answer = attempt.make(stage);
        let seen = stage.bank.take();
        let kept = attempt.is_kept(stage, &answer, &seen);
        let answered = format!("{} {}", answer.status, answer.code());
        let mark = if kept { "" } else { "   <-- NOT AS PROMISED" };
        println!("{:<58} {:<28} {}{mark}", attempt.sent, answered, told(stage, &seen));
        as_promised &= kept;
    }
    as_promised
}

fn attempts(stage: &Stage) -> Vec<Attempt<'_>> {
    let pki = stage.pki;
    let (alice, mallory) = (&pki.alice, &pki.mallory);
    let token = |client| stage.token(client).sign();
    let bearing = |token: String| stage.sidecar.get("/accounts").bearing(token);
    let hers = percent_pem(&alice.der);
    let attempt =
        |sent, shown, request, promise| Attempt { sent, shown, request, way: Way::ThroughTheBalancer, promise };
    vec![
        attempt("alice's certificate and token", Some(alice), bearing(token(alice)), None),
        attempt("no certificate, alice's token", None, bearing(token(alice)), Some("certificate_missing")),
        attempt("mallory's certificate, alice's token", Some(mallory), bearing(token(alice)), Some("binding_mismatch")),
        attempt(
            "the same, alice's certificate spoofed in the header",
            Some(mallory),
            bearing(token(alice)).header(CERTIFICATE_HEADER, &hers),
            Some("binding_mismatch"),
        ),
        attempt(
            "no certificate, alice's spoofed as X_SSL_Client_Cert",
            None,
            bearing(token(alice)).header("X_SSL_Client_Cert", &hers),
            Some("certificate_missing"),
        ),
        Attempt {
            sent: "past the balancer: alice's certificate in the header",
            shown: None,
            request: bearing(token(alice)).header(CERTIFICATE_HEADER, &hers),
            way: Way::PastTheBalancer,
            promise: Some("certificate_missing"),
        },
        attempt(
            "an expired certificate",
            Some(&pki.expired),
            bearing(token(&pki.expired)),
            Some("certificate_expired"),
        ),
        attempt(
            "a certificate of a foreign authority in alice's name",
            Some(&pki.stranger),
            bearing(token(&pki.stranger)),
            Some("certificate_untrusted"),
        ),
        attempt(
            "alice's certificate, an expired token",
            Some(alice),
            bearing(stage.token(alice).expired().sign()),
            Some("token_expired"),
        ),
        attempt(
            "alice's certificate, a token without cnf",
            Some(alice),
            bearing(stage.token(alice).without("cnf").sign()),
            Some("binding_missing"),
        ),
    ]
}

impl Stage {
    /// A good token of this client, from the issuer on the stage.
    pub(crate) fn token(&self, client: &Client) -> Token {
        Token::of(client).claim("iss", self.issuer.url.as_str())
    }
}

impl Attempt<'_> {
    fn make(&self, stage: &Stage) -> Answer {
        if self.way == Way::PastTheBalancer {
            return self.request.send();
        }
        let tls = client_config(&stage.pki.infrastructure, self.shown);
        self.request.send_on(&mut Connection::tls(stage.balancer.address, "localhost", tls))
    }

    /// A refusal has the promised code, and nothing reached the bank; a permit brought the verified certificate there.
    fn is_kept(&self, stage: &Stage, answer: &Answer, seen: &[Seen]) -> bool {
        match (self.promise, seen) {
            (Some(code), []) => answer.code() == code,
            (None, [request]) => answer.status == 200 && request.identity() == verified(&stage.pki.alice),
            _ => false,
        }
    }
}

/// Every identity header that the bank is to see with a request of this client.
fn verified(client: &Client) -> Vec<(String, String)> {
    vec![("x-client-id".to_owned(), "tpp-1".to_owned()), (CERTIFICATE_HEADER.to_lowercase(), percent_pem(&client.der))]
}

/// What the bank saw, in a few words.
pub(crate) fn told(stage: &Stage, seen: &[Seen]) -> String {
    let words: Vec<_> = seen.iter().flat_map(Seen::identity).map(|(name, value)| short(stage, &name, value)).collect();
    match (seen, words.as_slice()) {
        ([], _) => "nothing".to_owned(),
        (_, []) => "a request without any identity".to_owned(),
        (_, words) => words.join(", "),
    }
}

/// A certificate is named by its holder: nobody reads PEM.
fn short(stage: &Stage, name: &str, value: String) -> String {
    let clients = [&stage.pki.alice, &stage.pki.mallory];
    let holder = clients.into_iter().find(|client| value == percent_pem(&client.der));
    let value = holder.map_or(value, |client| format!("<{}'s certificate>", client.name));
    format!("{name}: {value}")
}
