//! The stage before it is set: whoever is on it, and what certbound is told.

use std::path::PathBuf;

use serde_json::json;

use crate::{
    node::{Node, Provider},
    support::{
        balancer::nginx::NGINX,
        bank::Bank,
        config::Config,
        token::{AUDIENCE, ISSUER},
    },
    tpp::Tpp,
    transcript::Transcript,
};

/// A bank whose authorization server and API run already; the two certbounds can still be told otherwise.
pub(crate) struct Plan {
    pub(crate) node: Node,
    pub(crate) nginx: PathBuf,
    pub(crate) provider: Provider,
    pub(crate) bank: Bank,
    pub(crate) alice: Tpp,
    pub(crate) mallory: Tpp,
    /// Gets opaque tokens.
    pub(crate) olga: Tpp,
    /// Gets tokens that are bound to a key.
    pub(crate) dora: Tpp,
    /// Gets tokens that are bound to nothing.
    pub(crate) ulf: Tpp,
    /// Before the authorization server.
    pub(crate) guard: Config,
    /// Before the API.
    pub(crate) api: Config,
    /// More lines of `[[token.issuer]]`.
    issuer: String,
    pub(crate) transcript: Transcript,
}

impl Plan {
    /// None, said loudly, where a program is missing; in CI that is a failure.
    pub(crate) fn new(title: &'static str) -> Option<Self> {
        let (node, nginx) = (Node::find()?, NGINX.find()?);
        let [alice, mallory, olga, dora, ulf] = ["alice", "mallory", "olga", "dora", "ulf"].map(Tpp::new);
        let clients = [
            alice.registered("certificate", "jwt"),
            mallory.registered("certificate", "jwt"),
            olga.registered("certificate", "opaque"),
            dora.registered("key", "jwt"),
            ulf.registered("nothing", "jwt"),
        ];
        let settings = json!({"issuer": ISSUER, "api": AUDIENCE, "secret": SECRET, "clients": clients});
        let (provider, bank) = (Provider::start(&node, &settings), Bank::start());
        let (guard, api) = (before_the_provider(&provider, ""), before_the_api(&bank));
        let (issuer, transcript) = (String::new(), Transcript::new(title));
        Some(Self { node, nginx, provider, bank, alice, mallory, olga, dora, ulf, guard, api, issuer, transcript })
    }

    /// certbound looks at the tokens that are issued.
    pub(crate) fn checking_issued(self) -> Self {
        Self { guard: before_the_provider(&self.provider, "check_issued = true"), ..self }
    }

    /// certbound asks about opaque tokens, and remembers the answer for a second.
    pub(crate) fn introspecting(mut self) -> Self {
        let endpoint = self.provider.url("/token/introspection");
        self.issuer = format!(
            r#"introspection = {{ endpoint = {endpoint:?}, client_id = "rs", client_secret_file = "rs-secret", cache_ttl = "1s" }}"#
        );
        Self { api: self.api.file("rs-secret", SECRET), ..self }
    }

    pub(crate) fn api_with_issuer(&self) -> Config {
        let (keys, more) = (self.provider.url("/jwks"), &self.issuer);
        let issuer = format!("issuer = {ISSUER:?}\naudiences = [{AUDIENCE:?}]\njwks = {keys:?}\n{more}");
        self.api.clone().issuer(&issuer)
    }
}

/// Clients reach the endpoints that are theirs, each with a certificate, and nothing else.
fn before_the_provider(provider: &Provider, token: &str) -> Config {
    let config = Config::to(&provider.address)
        .profile("nginx")
        .set("backend.headers", r#"{ "X-Client-Subject" = "{certificate.subject}" }"#)
        .route("path = \"/.well-known/{*rest}\"\nmethods = [\"GET\"]\nrequire = []");
    [("/token", token), ("/request", ""), ("/token/revocation", "")].into_iter().fold(config, |config, (path, more)| {
        config.route(&format!("path = {path:?}\nmethods = [\"POST\"]\nkind = \"token\"\n{more}"))
    })
}

/// Certificate, token, and binding are demanded everywhere.
fn before_the_api(bank: &Bank) -> Config {
    Config::in_front_of(bank).profile("nginx").without_issuers().without_file("keys.json")
}

const SECRET: &str = "the API's own, for introspection";
