//! The bank: an authorization server and an API, each behind a load balancer and a certbound of its own.

use std::{cell::RefCell, collections::BTreeMap};

use serde_json::{Value, json};

use crate::{
    call::Call,
    node::{Node, Provider},
    support::{
        balancer::{
            curl::{Answer, Curl},
            nginx::NGINX,
            server::Server,
        },
        bank::Bank,
        config::Config,
        pki::{Pki, pem},
        sidecar::Sidecar,
        token::{AUDIENCE, ISSUER},
    },
    tpp::{Token, Tpp},
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
        let (node, nginx) = (Node::find()?, NGINX.find()?);
        let (alice, mallory) = (Tpp::new("alice"), Tpp::new("mallory"));
        let clients = [alice.registered("certificate", "jwt"), mallory.registered("certificate", "jwt")];
        let settings = json!({"issuer": ISSUER, "api": AUDIENCE, "secret": SECRET, "clients": clients});
        let (provider, bank) = (Provider::start(&node, &settings), Bank::start());
        let front = |config: &Config| {
            let sidecar = config.start();
            let balancer = Server::start(&NGINX, &nginx, sidecar.address());
            Front { sidecar, balancer }
        };
        let (guard, api) = (front(&before_the_provider(&provider)), front(&before_the_api(&bank, &provider)));
        api.sidecar.await_admin("/readyz", 200);
        let transcript = RefCell::new(Transcript::new(title));
        let stage = Self { node, provider, bank, guard, api, alice, mallory, transcript, seen: RefCell::default() };
        stage.reached();
        Some(stage)
    }

    /// Makes the call, and holds the answer and what came of it to what is expected.
    pub(crate) fn hold(&self, call: &Call<'_>, expected: &str, reached: &[&str]) -> Answer {
        let front = if call.is_for("as.bank.example") { &self.guard } else { &self.api };
        let answer = call.send(&Curl::new(front.port()));
        let (said, arrived) = (words(&answer), self.reached());
        self.transcript.borrow_mut().note(&call.shown(), &said, &arrived);
        assert_eq!((said.as_str(), arrived), (expected, owned(reached)), "{}: {answer:?}", call.shown());
        answer
    }

    /// A token for this client, which openid-client asks for.
    pub(crate) fn token(&self, tpp: &Tpp) -> Token {
        let answer = self.node.run("token.js", &self.settings(tpp));
        let text = answer["access_token"].as_str().expect("a token").to_owned();
        let token = Token { name: format!("token of {}", tpp.id), text };
        let command = format!("node token.js, as {}", tpp.id);
        self.note(&command, &token.description(), &[TOKEN]);
        token
    }

    /// What a client script is told.
    fn settings(&self, tpp: &Tpp) -> Value {
        json!({
            "issuer": ISSUER,
            "api": AUDIENCE,
            "client": tpp.id,
            "certificate": tpp.certificate.pem(),
            "key": tpp.certificate.key_pem(),
            "authorities": pem(&Pki::get().infrastructure.der),
            "balancers": {"as.bank.example": self.guard.port(), "api.bank.example": self.api.port()},
        })
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

/// Clients reach the endpoints that are theirs, each with a certificate, and nothing else.
fn before_the_provider(provider: &Provider) -> Config {
    let route = |config: Config, path, more| config.route(&format!("path = {path:?}\n{more}"));
    let config = Config::to(&provider.address)
        .profile("nginx")
        .set("backend.headers", r#"{ "X-Client-Subject" = "{certificate.subject}" }"#);
    let config = route(config, "/.well-known/{*rest}", "methods = [\"GET\"]\nrequire = []");
    ["/token", "/request", "/token/revocation"]
        .into_iter()
        .fold(config, |config, path| route(config, path, "methods = [\"POST\"]\nkind = \"token\""))
}

/// Certificate, token, and binding are demanded everywhere.
fn before_the_api(bank: &Bank, provider: &Provider) -> Config {
    let keys = format!("http://{}/jwks", provider.address);
    Config::in_front_of(bank)
        .profile("nginx")
        .without_issuers()
        .without_file("keys.json")
        .issuer(&format!("issuer = {ISSUER:?}\naudiences = [{AUDIENCE:?}]\njwks = {keys:?}"))
}

/// The status, and the one word that matters in the body.
fn words(answer: &Answer) -> String {
    let body = answer.json();
    let word = ["code", "error"].iter().find_map(|name| body[name].as_str());
    let named = || ["request_uri", "client_id"].into_iter().find(|name| body[name].is_string());
    match word.or_else(named) {
        Some(word) => format!("{} {word}", answer.status),
        None => answer.status.to_string(),
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
const SECRET: &str = "the API's own, for introspection";
