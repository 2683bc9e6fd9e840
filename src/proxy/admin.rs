//! Probes and metrics, on a listener of their own. Nothing here is secret, and nothing can be changed.

use std::{fmt::Write as _, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header::ACCEPT};
use http_body_util::Full;

use crate::proxy::{
    World,
    health::Health,
    pages::{Pages, text, typed},
    readiness::{self, Check},
};

/// What the admin listener answers from.
pub struct Admin {
    world: Arc<World>,
    /// None where the backend has no health check.
    health: Option<Health>,
}

impl Admin {
    /// Answers about `world`.
    pub fn new(world: Arc<World>, health: Option<Health>) -> Self {
        Self { world, health }
    }
}

impl Pages for Admin {
    async fn answer(&self, request: &Request<()>) -> Response<Full<Bytes>> {
        match (request.uri().path(), &self.health) {
            ("/livez", _) => told(&[Check { name: "process", failure: None }], request),
            ("/startupz", _) => {
                let waits = (!self.world.activity.is_started()).then(|| "not all are bound yet".to_owned());
                told(&[Check { name: "listeners", failure: waits }], request)
            }
            ("/readyz", _) => told(&readiness::checks(&self.world), request),
            ("/metrics", _) => {
                let metrics = &self.world.metrics;
                // What was so at the last probe may no longer be.
                metrics.ready(is_ready(&readiness::checks(&self.world)));
                let openmetrics = wants_openmetrics(request.headers());
                let (exposition, kind) = if openmetrics { metrics.encode() } else { metrics.encode_plain() };
                typed(StatusCode::OK, kind, exposition)
            }
            ("/backend/healthz", Some(health)) => text(health.ask().await, ""),
            _ => text(StatusCode::NOT_FOUND, "not found\n"),
        }
    }
}

/// 200 when every check holds, else 503; the list when it is asked for, and whenever one fails.
fn told(checks: &[Check], request: &Request<()>) -> Response<Full<Bytes>> {
    answer(checks, wants_list(request.uri().query()))
}

fn answer(checks: &[Check], list: bool) -> Response<Full<Bytes>> {
    let ready = is_ready(checks);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if ready && !list {
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

fn is_ready(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.failure.is_none())
}

fn wants_list(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|pair| pair.split('=').next() == Some("verbose")))
}

/// Whether it is named: a wildcard means the format that everybody reads.
fn wants_openmetrics(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/openmetrics-text"));
        named && !parts.any(is_refusal)
    })
}

/// Whether a parameter of `Accept` is a weight of zero (RFC 9110, section 12.4.2).
fn is_refusal(parameter: &str) -> bool {
    let weight = parameter.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    weight.is_some_and(|(_, weight)| weight.trim().parse() == Ok(0.0))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use http_body_util::BodyExt;

    use super::*;

    #[track_caller]
    fn check(failures: [Option<&str>; 2], list: bool, status: u16, body: &str) {
        let [first, second] = failures.map(|failure| failure.map(str::to_owned));
        let checks = [Check { name: "keys", failure: first }, Check { name: "serving", failure: second }];
        let answer = answer(&checks, list);
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
    fn openmetrics_is_for_who_names_it() {
        let check = |accepted: &[&str], expected: bool| {
            let headers: HeaderMap = accepted.iter().map(|value| (ACCEPT, value.parse().unwrap())).collect();
            assert_eq!(wants_openmetrics(&headers), expected, "{accepted:?}");
        };
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        check(&[prometheus], true);
        check(&["text/plain;q=1, Application/OpenMetrics-Text ; Q=0.001"], true);
        check(&["text/html", "application/openmetrics-text"], true);
        check(&[], false);
        for accepted in ["", "*/*", "text/plain", "application/*", "application/openmetrics-text-not"] {
            check(&[accepted], false);
        }
        for refused in ["application/openmetrics-text;q=0", "application/openmetrics-text; version=1.0.0; q = 0.000"] {
            check(&[refused], false);
        }
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
