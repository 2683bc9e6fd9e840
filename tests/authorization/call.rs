//! A request by curl, and how it may be shown.

use crate::{
    support::balancer::curl::{Answer, Curl},
    tpp::{Proofs, Token, Tpp},
};

/// A command line in the making. Whatever is secret has a name that is shown in its place.
pub(crate) struct Call<'a> {
    shown: String,
    url: String,
    identity: Option<&'a Tpp>,
    arguments: Vec<String>,
}

impl<'a> Call<'a> {
    pub(crate) fn to(url: &str) -> Self {
        Self { shown: String::new(), url: url.to_owned(), identity: None, arguments: Vec::new() }
    }

    /// With this client's certificate in the handshake.
    pub(crate) fn by(mut self, tpp: &'a Tpp) -> Self {
        self.identity = Some(tpp);
        self
    }

    pub(crate) fn bearing(self, token: &Token) -> Self {
        self.authorized("Bearer", token)
    }

    /// With one of the proofs, if any.
    pub(crate) fn proving(self, token: &Token, proofs: &Proofs, proof: Option<&str>) -> Self {
        let call = self.authorized("DPoP", token);
        match proof {
            None => call,
            Some(name) => call.argument("-H", &format!("DPoP: <{name}>"), format!("DPoP: {}", proofs[name])),
        }
    }

    fn authorized(self, scheme: &str, token: &Token) -> Self {
        let shown = format!("Authorization: {scheme} <{}>", token.name);
        self.argument("-H", &shown, format!("Authorization: {scheme} {}", token.text))
    }

    /// A form, which has a name in the transcript.
    pub(crate) fn form(self, name: &str, members: &[(&str, &str)]) -> Self {
        let members: Vec<_> = members.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.argument("-d", &format!("<{name}>"), members.join("&"))
    }

    /// A JWS for a body.
    pub(crate) fn jwt(self, name: &str, text: &str) -> Self {
        let content_type = "Content-Type: application/jwt";
        let call = self.argument("-H", content_type, content_type.to_owned());
        call.argument("-d", &format!("<{name}>"), text.to_owned())
    }

    fn argument(mut self, option: &str, shown: &str, value: String) -> Self {
        let quote = if shown.contains(' ') { "'" } else { "" };
        self.shown += &format!(" {option} {quote}{shown}{quote}");
        self.arguments.extend([option.to_owned(), value]);
        self
    }

    /// What a reader is shown.
    pub(crate) fn shown(&self) -> String {
        let certificate = self.identity.map(|tpp| format!(" --cert {}", tpp.certificate.name)).unwrap_or_default();
        format!("curl{certificate}{} {}", self.shown, self.url)
    }

    /// Whether it goes to this host.
    pub(crate) fn is_for(&self, host: &str) -> bool {
        self.url.starts_with(&format!("https://{host}/"))
    }

    pub(crate) fn send(&self, curl: &Curl) -> Answer {
        let identity = self.identity.map(|tpp| &tpp.certificate);
        curl.call(&self.url, identity, &self.arguments).expect("an answer")
    }
}
