//! Probes and metrics, on a listener of their own. Nothing here is secret, and nothing can be changed.

use std::{convert::Infallible, fmt::Write as _, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE},
};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls_pki_types::UnixTime;
use tokio::{sync::Semaphore, time::sleep};

use crate::proxy::{
    World,
    health::Health,
    listen::{Duplex, Socket},
};

/// What the admin listener answers from.
pub struct Admin {
    world: Arc<World>,
    /// None where the backend has no health check.
    health: Option<Health>,
}

/// One condition of readiness.
struct Check {
    name: &'static str,
    /// None: it holds.
    failure: Option<String>,
}

impl Admin {
    /// Answers about `world`.
    pub fn new(world: Arc<World>, health: Option<Health>) -> Self {
        Self { world, health }
    }

    /// Serves `socket` until dropped.
    pub async fn run(self, socket: Socket) {
        let admin = Arc::new(self);
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        // The semaphore is never closed.
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            let Ok((socket, _)) = socket.accept().await else {
                sleep(BREATH).await;
                continue;
            };
            let admin = Arc::clone(&admin);
            tokio::spawn(async move {
                admin.converse(socket).await;
                drop(place);
            });
        }
    }

    async fn converse(self: Arc<Self>, socket: Box<dyn Duplex>) {
        let answer = service_fn(|request: Request<Incoming>| {
            let admin = Arc::clone(&self);
            async move { Ok::<_, Infallible>(admin.answer(&request).await) }
        });
        // Also ends a connection on which no further request comes.
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(LONGEST_HEADER);
        // A client that left has nothing to be told.
        let _ = http.serve_connection(TokioIo::new(socket), answer).await;
    }

    async fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut refusal = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
            refusal.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refusal;
        }
        match (request.uri().path(), &self.health) {
            ("/livez", _) => text(StatusCode::OK, "ok\n"),
            ("/startupz", _) if self.world.activity.is_started() => text(StatusCode::OK, "ok\n"),
            ("/startupz", _) => text(StatusCode::SERVICE_UNAVAILABLE, "a listener is not bound yet\n"),
            ("/readyz", _) => ready(&self.checks(), wants_list(request.uri().query())),
            ("/metrics", _) => {
                let (exposition, kind) = self.world.metrics.encode();
                typed(StatusCode::OK, kind, exposition)
            }
            ("/backend/healthz", Some(health)) => text(health.ask().await, ""),
            _ => text(StatusCode::NOT_FOUND, "not found\n"),
        }
    }

    /// What readiness depends on. The backend is not among it: its own probes speak for it.
    fn checks(&self) -> [Check; 3] {
        let now = UnixTime::now();
        let generation = self.world.generation();
        let mut anchors = generation.settings.gate.certificates.truststore().anchors();
        let anchors = anchors.any(|(_, not_after)| now <= not_after);
        let missing = generation.outside.keys.missing();
        [
            Check { name: "truststore", failure: (!anchors).then(|| "no anchor is in date".to_owned()) },
            Check { name: "keys", failure: (!missing.is_empty()).then(|| format!("none of {}", missing.join(", "))) },
            Check {
                name: "serving",
                failure: self.world.activity.is_draining().then(|| "the process is about to end".to_owned()),
            },
        ]
    }
}

/// 200 when every check holds, else 503; the list when it is asked for, and whenever one fails.
fn ready(checks: &[Check], list: bool) -> Response<Full<Bytes>> {
    let failed = checks.iter().any(|check| check.failure.is_some());
    let status = if failed { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    if !failed && !list {
        return text(status, "ok\n");
    }
    let mut lines = String::new();
    for check in checks {
        // Nothing fails to be written into a string.
        let _ = match &check.failure {
            None => writeln!(lines, "{}: ok", check.name),
            Some(failure) => writeln!(lines, "{}: fail: {failure}", check.name),
        };
    }
    text(status, lines)
}

fn wants_list(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|pair| pair.split('=').next() == Some("verbose")))
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    typed(status, "text/plain; charset=utf-8", body)
}

fn typed(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Probes and scrapers need a handful. More wait in the queue of the operating system.
const MOST_CONNECTIONS: usize = 256;
const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST_HEADER: usize = 16 * 1024;
const BREATH: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use http_body_util::BodyExt;

    use super::*;

    #[track_caller]
    fn check(failures: [Option<&str>; 2], list: bool, status: u16, body: &str) {
        let [first, second] = failures.map(|failure| failure.map(str::to_owned));
        let checks = [Check { name: "keys", failure: first }, Check { name: "serving", failure: second }];
        let answer = ready(&checks, list);
        assert_eq!(answer.status().as_u16(), status);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(answer.into_body().collect()).unwrap().to_bytes(), body);
    }

    #[test]
    fn readiness_names_what_fails_and_lists_on_request() {
        check([None, None], false, 200, "ok\n");
        check([None, None], true, 200, "keys: ok\nserving: ok\n");
        check([Some("none of a"), None], false, 503, "keys: fail: none of a\nserving: ok\n");
        check([None, Some("b")], true, 503, "keys: ok\nserving: fail: b\n");
    }

    #[test]
    fn list_is_asked_for_with_or_without_a_value() {
        for query in ["verbose", "verbose=1", "a=b&verbose"] {
            assert!(wants_list(Some(query)), "{query}");
        }
        for query in [None, Some(""), Some("verbosely"), Some("a=verbose")] {
            assert!(!wants_list(query), "{query:?}");
        }
    }
}
