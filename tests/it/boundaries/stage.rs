//! The bank, certbound in front of it in each way, and one stream sent.

use std::time::Duration;

use super::{
    bank::{Bank, Seen, stream_of},
    client::{Answer, Client},
    plan::{Credentials, Entrance, Plan, Step},
    reader::{self, End, Manner, Reading},
    verdict::reached,
};
use crate::{
    consent::service::Service,
    support::{config::Config, forms::percent_pem, pki::Pki, sidecar::Sidecar, tls::client_config, token::Token},
};

pub(super) struct Stage {
    bank: Bank,
    /// Held, so that it answers.
    _consents: Service,
    sidecars: Vec<(Entrance, Sidecar)>,
    pub(super) credentials: Credentials,
}

/// What became of one stream.
pub(super) struct Outcome {
    /// As certbound may read it.
    pub(super) reading: Reading,
    pub(super) seen: Vec<Seen>,
    pub(super) answers: Result<Vec<Answer>, String>,
    /// Whether certbound closed before the client did.
    pub(super) closed: bool,
    /// Whether it closed in the end, and let nobody wait before it did.
    pub(super) ended: bool,
}

impl Stage {
    pub(super) fn set(entrances: &[Entrance]) -> Self {
        let (bank, consents) = (Bank::start(), Service::start());
        let mut sidecars: Vec<(Entrance, Sidecar)> = Vec::new();
        for entrance in entrances {
            if sidecars.iter().all(|(other, _)| other != entrance) {
                sidecars.push((*entrance, config(&bank, &consents.endpoint(), *entrance).start()));
            }
        }
        let alice = &Pki::get().alice;
        let token = Token::of(alice).claim("consent_id", "aac-7").claim("exp", crate::support::token::now() + 7200);
        let credentials = Credentials { certificate: percent_pem(&alice.der), token: token.sign() };
        Self { bank, _consents: consents, sidecars, credentials }
    }

    pub(super) fn send(&self, plan: &Plan) -> Outcome {
        let reading = reader::read(&plan.bytes, Manner::AsDocumented);
        let methods: Vec<_> = reading.requests.iter().map(|request| request.method.as_str()).collect();
        let sidecar = &self.sidecars.iter().find(|(entrance, _)| *entrance == plan.entrance).unwrap().1;
        let tls = (plan.entrance == Entrance::Tls).then(|| client_config(&Pki::get().infrastructure, None));
        let mut client = Client::connect(sidecar.address(), tls);
        let is_tunnel = |answers: &[Answer]| answers.last().is_some_and(|last| last.status == 101);
        let has_answers = |client: &Client, count: usize| {
            client.answers(&methods).map_or(true, |answers| answers.len() >= count || is_tunnel(&answers))
        };
        let mut written = 0;
        for step in &plan.steps {
            match step {
                Step::Write(end) if *end > written => {
                    client.write(&plan.bytes[written..*end]);
                    written = *end;
                }
                Step::Write(_) => {}
                Step::Impatience(count) => drop(client.until(IMPATIENCE, |client| has_answers(client, *count))),
                Step::HalfClose => client.half_close(),
                Step::Open => self.bank.open(&plan.stream),
                Step::Answers(count) => drop(client.until(PATIENCE, |client| has_answers(client, *count))),
                Step::Bank(count) => {
                    let seen = |client: &Client| self.bank.count(&plan.stream) >= *count || has_answers(client, *count);
                    client.until(MOMENT, seen);
                }
            }
        }
        self.bank.open(&plan.stream);
        let settled = client.until(PATIENCE, |client| client.ended || has_answers(client, methods.len()));
        let is_over = reading.end != End::Open && client.answers(&methods).is_ok_and(|answers| !is_tunnel(&answers));
        let closed = if is_over { client.until(PATIENCE, |client| client.ended) } else { client.ended };
        client.half_close();
        client.until(PATIENCE, |client| client.ended);
        let (answers, ended) = (client.answers(&methods), settled && client.ended);
        drop(client);
        Outcome { seen: self.bank.take(&plan.stream), answers, closed, ended, reading }
    }

    /// What reached the bank after its stream was judged is judged too.
    pub(super) fn judge_the_late(&self, entrances: &[Entrance]) {
        for seen in self.bank.left() {
            let seed = stream_of(&seen.marker).strip_prefix('s').and_then(|seed| seed.parse().ok());
            let plan = seed.map(|seed| Plan::of(seed, entrances, &self.credentials));
            let reading = plan.map(|plan| reader::read(&plan.bytes, Manner::AsDocumented));
            let fault = reading.map_or(Some("of no stream".to_owned()), |reading| {
                reached(&reading, std::slice::from_ref(&seen), usize::MAX).err()
            });
            assert_eq!(fault, None, "{seen:?}");
        }
    }
}

fn config(bank: &Bank, consents: &str, entrance: Entrance) -> Config {
    // Not a port, which somebody else could have by then.
    let config = Config::to(if entrance == Entrance::Alone { "unix:/nowhere/bank.sock" } else { bank.address() })
        .set("mode", if entrance == Entrance::Reporting { r#""report""# } else { r#""enforce""# })
        .set("listen.idle_timeout", if entrance == Entrance::Reporting { r#""1s""# } else { r#""60s""# })
        .set("listen.max_header_bytes", r#""32KiB""#)
        .set("backend.max_body_bytes", r#""48KiB""#)
        .set("consent.endpoint", &format!("{consents:?}"))
        .set("consent.body", "true")
        .set("registration.directory_jwks", r#""keys.json""#)
        .route("path = \"/accounts/{*rest}\"")
        .route("path = \"/read-only/{*rest}\"\nmethods = [\"GET\"]")
        .route("path = \"/register\"\nkind = \"registration\"\nmethods = [\"POST\"]")
        .route("path = \"/consented/{*rest}\"\nconsent = true")
        .route("path = \"/token/{*rest}\"\nkind = \"token\"\ncheck_issued = true")
        .route("path = \"/sockets/{*rest}\"\nupgrade = [\"websocket\"]");
    if entrance == Entrance::Tls { config.with_tls() } else { config }
}

/// What certbound takes of a header section.
pub(super) const MOST_HEADER_BYTES: usize = 32 * 1024;
/// Longer than certbound waits for anything here.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longer than certbound waits for the rest of a body that it throws away, or where it is told to be short.
const IMPATIENCE: Duration = Duration::from_millis(1300);
/// For what may never come.
const MOMENT: Duration = Duration::from_millis(30);
