//! The part of an authorization server that says what it knows of a token (RFC 7662).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use super::{
    config::Config,
    ocsp::{Reply, Responder},
    pki::Client,
    token::{AUDIENCE, ISSUER, now},
};

/// Knows tokens, and says that every other one is not active.
pub(crate) struct Introspector {
    responder: Responder,
    tokens: Arc<Mutex<HashMap<String, Value>>>,
}

impl Introspector {
    pub(crate) fn start() -> Self {
        let responder = Responder::start();
        let tokens = Arc::new(Mutex::new(HashMap::new()));
        let known = Arc::clone(&tokens);
        responder.says(TARGET, move |question| {
            let answer = known.lock().unwrap().get(&token(question)).cloned();
            Reply::Body(answer.unwrap_or_else(|| json!({"active": false})).to_string().into_bytes())
        });
        Self { responder, tokens }
    }

    /// From now on `answer` is what is said of this token.
    pub(crate) fn knows(&self, token: &str, answer: Value) {
        self.tokens.lock().unwrap().insert(token.to_owned(), answer);
    }

    /// From now on every question comes to this.
    pub(crate) fn says(&self, reply: impl Fn() -> Reply + Send + Sync + 'static) {
        self.responder.says(TARGET, move |_| reply());
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.responder.asked(TARGET)
    }

    /// Holds every answer back until [`Self::go_on`].
    pub(crate) fn hold(&self) {
        self.responder.hold();
    }

    pub(crate) fn go_on(&self) {
        self.responder.go_on();
    }

    /// Host and port.
    pub(crate) fn address(&self) -> String {
        self.responder.address()
    }

    /// The line of an issuer that is asked here, with more keys of its table.
    pub(crate) fn line(&self, more: &str) -> String {
        let endpoint = self.responder.at(TARGET);
        format!(
            "introspection = {{ endpoint = {endpoint:?}, client_id = \"rs\", client_secret_file = \"rs-secret\"{more} }}"
        )
    }

    /// `config` with the issuer of every token asked here, and more lines of it.
    pub(crate) fn asked_by(&self, config: Config, lines: &str) -> Config {
        let issuer = format!("issuer = {ISSUER:?}\naudiences = [{AUDIENCE:?}]\n{}\n{lines}", self.line(""));
        config.without_issuers().issuer(&issuer).file("rs-secret", "hunter2\n")
    }
}

/// What is said of a good token that is bound to this client's certificate.
pub(crate) fn active(client: &Client) -> Value {
    let now = now();
    json!({
        "active": true, "iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 300, "sub": "psu-7",
        "client_id": "tpp-1", "scope": "accounts payments", "token_type": "Bearer",
        "cnf": {"x5t#S256": client.thumbprint()},
    })
}

/// The same with a member set; `null` takes it away.
pub(crate) fn but(mut answer: Value, name: &str, value: impl Into<Value>) -> Value {
    match value.into() {
        Value::Null => answer.as_object_mut().unwrap().remove(name),
        value => answer.as_object_mut().unwrap().insert(name.to_owned(), value),
    };
    answer
}

/// The token in a form, as far as tests name them.
fn token(form: &[u8]) -> String {
    let form = String::from_utf8(form.to_vec()).unwrap();
    let value = form.split('&').find_map(|pair| pair.strip_prefix("token=")).unwrap();
    value.replace("%2F", "/").replace("%2B", "+").replace("%3D", "=")
}

const TARGET: &str = "/introspect";
