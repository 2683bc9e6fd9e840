//! The bank: an authorization server and an API, each behind a load balancer and a certbound of its own.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    call::Call,
    node::{Node, Provider},
    plan::Plan,
    support::{
        balancer::{
            curl::{Answer, Curl},
            nginx::NGINX,
            server::Server,
        },
        bank::Bank,
        config::Config,
        pki::{Pki, pem},
        sidecar::{DEADLINE, Sidecar},
        token::{AUDIENCE, ISSUER},
    },
    tpp::{Proofs, Token, Tpp},
    traffic,
    transcript::Transcript,
};

/// Everyone on the stage.
pub(crate) struct Stage {
    node: Node,
    pub(crate) provider: Provider,
    bank: Bank,
    /// Before the authorization server.
    pub(crate) guard: Front,
    /// Before the API.
    pub(crate) api: Front,
    pub(crate) alice: Tpp,
    pub(crate) mallory: Tpp,
    /// Gets opaque tokens.
    pub(crate) olga: Tpp,
    /// Gets tokens that are bound to a key.
    pub(crate) dora: Tpp,
    /// Gets tokens that are bound to nothing.
    pub(crate) ulf: Tpp,
    transcript: RefCell<Transcript>,
    /// What the authorization server has said of itself last.
    seen: RefCell<BTreeMap<String, u64>>,
}

/// A load balancer, and certbound behind it.
pub(crate) struct Front {
    pub(crate) sidecar: Sidecar,
    balancer: Server,
}

impl Stage {
    /// None, said loudly, where a program is missing; in CI that is a failure.
    pub(crate) fn set(title: &'static str) -> Option<Self> {
        Plan::new(title).map(Self::on)
    }

    pub(crate) fn on(plan: Plan) -> Self {
        let front = |config: &Config| {
            let sidecar = config.start();
            let balancer = Server::start(&NGINX, &plan.nginx, sidecar.address());
            Front { sidecar, balancer }
        };
        let (guard, api) = (front(&plan.guard), front(&plan.api_with_issuer()));
        api.sidecar.await_admin("/readyz", 200);
        let Plan { node, provider, bank, alice, mallory, olga, dora, ulf, transcript, .. } = plan;
        let (transcript, seen) = (RefCell::new(transcript), RefCell::default());
        let stage = Self { node, provider, bank, guard, api, alice, mallory, olga, dora, ulf, transcript, seen };
        stage.reached();
        stage
    }

    /// Makes the call, and holds the answer and what came of it to what is expected.
    pub(crate) fn hold(&self, call: &Call<'_>, expected: &str, reached: &[&str]) -> Answer {
        let (answer, said) = self.send(call);
        self.note(&call.shown(), &said, reached);
        assert_eq!(said, expected, "{}: {answer:?}", call.shown());
        answer
    }

    /// The same, as soon as the answer is no longer what it is `meanwhile`.
    pub(crate) fn hold_soon(&self, call: &Call<'_>, meanwhile: &str, expected: &str, reached: &[&str]) {
        let until = Instant::now() + DEADLINE;
        loop {
            self.reached();
            let (answer, said) = self.send(call);
            if said != meanwhile {
                assert_eq!(said, expected, "{}: {answer:?}", call.shown());
                return self.note(&format!("{}, again and again", call.shown()), &said, reached);
            }
            assert!(Instant::now() < until, "{} stays at {meanwhile}", call.shown());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// The answer, and what it says: the status, the one word that matters in the body, and the reason in certbound's audit
    /// line, if it is another.
    fn send(&self, call: &Call<'_>) -> (Answer, String) {
        let front = self.front(call);
        let answer = call.send(&Curl::new(front.port()));
        let reason = front.sidecar.audit_of(answer.interaction().expect("certbound has seen it"))["reason"].take();
        let (body, status) = (answer.json(), answer.status.to_string());
        let word = ["code", "error"].iter().find_map(|name| body[name].as_str().map(str::to_owned));
        let named = || ["request_uri", "client_id"].into_iter().find(|name| body[name].is_string()).map(str::to_owned);
        let reason = reason.as_str().filter(|&reason| word.as_deref() != Some(reason));
        let reason = reason.map(|reason| format!("({reason})"));
        let words: Vec<_> = [Some(status), word.or_else(named), reason].into_iter().flatten().collect();
        (answer, words.join(" "))
    }

    fn front(&self, call: &Call<'_>) -> &Front {
        if call.is_for("as.bank.example") { &self.guard } else { &self.api }
    }

    /// A token for this client, which openid-client asks for.
    pub(crate) fn token(&self, tpp: &Tpp) -> Token {
        let token = Token::of(tpp, &self.run("token.js", tpp, json!({})));
        self.note(&format!("node token.js, as {}", tpp.id), &token.description(), &[TOKEN]);
        token
    }

    /// The same, bound to a key of the client, with proofs of that key. openid-client has made a call to the API by itself.
    pub(crate) fn token_with_proofs(&self, tpp: &Tpp) -> (Token, Proofs) {
        let answer = self.run("token.js", tpp, json!({"dpop": true}));
        let token = Token::of(tpp, &answer);
        let said = format!("{}; {}", token.description(), answer["called"]);
        self.note(&format!("node token.js, as {}, then GET {API}", tpp.id), &said, &[TOKEN, ACCOUNTS]);
        (token, serde_json::from_value(answer["proofs"].clone()).unwrap())
    }

    /// Runs a client script as this client.
    pub(crate) fn run(&self, script: &str, tpp: &Tpp, more: Value) -> Value {
        let mut settings = json!({
            "issuer": ISSUER,
            "api": AUDIENCE,
            "client": tpp.id,
            "certificate": tpp.certificate.pem(),
            "key": tpp.certificate.key_pem(),
            "authorities": pem(&Pki::get().infrastructure.der),
            "balancers": {"as.bank.example": self.guard.port(), "api.bank.example": self.api.port()},
        });
        let Value::Object(more) = more else { panic!("settings are named") };
        settings.as_object_mut().unwrap().extend(more);
        self.node.run(script, &settings)
    }

    /// Writes down what was done, and holds what came of it to what is expected.
    pub(crate) fn note(&self, command: &str, answer: &str, reached: &[&str]) {
        let arrived = self.reached();
        self.transcript.borrow_mut().note(command, answer, &arrived);
        assert_eq!(arrived, owned(reached), "{command}");
    }

    /// What arrived behind the two certbounds since the last time.
    fn reached(&self) -> Vec<String> {
        let mut seen: BTreeMap<String, u64> = serde_json::from_value(self.provider.seen()).unwrap();
        // Metadata is anyone's; for the rest of these it is certbound that asks.
        let aside = ["GET /.well-known", "GET /jwks", "POST /token/introspection"];
        seen.retain(|what, _| !aside.iter().any(|aside| what.starts_with(aside)));
        let before = self.seen.replace(seen.clone());
        let of_provider = seen.into_iter().filter(|(what, count)| before.get(what) != Some(count));
        let of_provider = of_provider.map(|(what, _)| format!("provider: {what}"));
        let of_bank = self.bank.take().into_iter().filter(|seen| seen.target != traffic::TARGET);
        let of_bank = of_bank.map(|seen| format!("bank: {} {}", seen.method, seen.target));
        of_provider.chain(of_bank).collect()
    }
}

impl Front {
    /// Of the load balancer.
    pub(crate) fn port(&self) -> u16 {
        self.balancer.port
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// What reaches the authorization server with a request for a token.
pub(crate) const TOKEN: &str = "provider: POST /token";
/// What reaches the bank with a good request.
pub(crate) const ACCOUNTS: &str = "bank: GET /accounts";
pub(crate) const TOKEN_ENDPOINT: &str = "https://as.bank.example/token";
pub(crate) const API: &str = "https://api.bank.example/accounts";
