//! The status page: what is in force, what is near its end, and what was decided in the last hour. For people on this
//! machine; nothing here is secret, and nothing can be changed.

mod chart;
mod markup;
mod page;
mod state;

use std::sync::{Arc, LazyLock};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
};
use http_body_util::Full;
use sha2::{Digest, Sha256};

pub use self::state::Listener;
use self::state::State;
use crate::{
    config::address::is_loopback,
    proxy::{
        World,
        pages::{Pages, text, typed},
    },
};

/// What the status listener answers from.
pub struct Status {
    world: Arc<World>,
    listeners: Vec<Listener>,
    /// Whether it listens on a port, where a browser can be led to.
    on_port: bool,
}

impl Status {
    /// Answers about `world`, which `listeners` serve. `on_port`: it listens on a port, not on a Unix socket.
    pub fn new(world: Arc<World>, listeners: Vec<Listener>, on_port: bool) -> Self {
        Self { world, listeners, on_port }
    }

    fn page(&self, request: &Request<()>) -> Response<Full<Bytes>> {
        if self.on_port && !names_this_machine(request.uri(), request.headers()) {
            return text(StatusCode::MISDIRECTED_REQUEST, "this page is for this machine: ask for localhost\n");
        }
        let state = || State::of(&self.world, &self.listeners);
        match request.uri().path() {
            "/" => {
                let refreshes = request.uri().query() != Some(page::PAUSED);
                typed(StatusCode::OK, "text/html; charset=utf-8", page::of(&state(), refreshes))
            }
            "/status.json" => match serde_json::to_vec(&state()) {
                Ok(json) => typed(StatusCode::OK, "application/json", json),
                Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "the state cannot be written\n"),
            },
            _ => text(StatusCode::NOT_FOUND, "not found: there are / and /status.json\n"),
        }
    }
}

impl Pages for Status {
    async fn answer(&self, request: &Request<()>) -> Response<Full<Bytes>> {
        let mut response = self.page(request);
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
        headers.insert(CONTENT_SECURITY_POLICY, POLICY.clone());
        response
    }
}

/// Whether the browser was asked for this machine. A page from elsewhere whose name was made to lead here would otherwise
/// read along (DNS rebinding): its requests still carry its own name.
fn names_this_machine(uri: &Uri, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let host = host.to_str().is_ok_and(is_this_machine);
    host && uri.authority().is_none_or(|authority| is_this_machine(authority.as_str()))
}

/// `localhost` or a loopback address, with or without a port.
fn is_this_machine(host: &str) -> bool {
    let bare = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    };
    is_loopback(bare)
}

/// Nothing but the page's own style is loaded or run, nothing is sent anywhere, and nobody shows the page in a frame.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = BASE64_STANDARD.encode(Sha256::digest(page::STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    // Base64 is visible ASCII.
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

#[cfg(test)]
mod tests;
