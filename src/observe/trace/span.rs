//! The spans of one request, named by OpenTelemetry's conventions for HTTP.
//!
//! `url.path` and `url.full` are left out on purpose: paths hold account numbers, and the route's template stands for them.

use std::time::{Duration, UNIX_EPOCH};

use super::{Ended, SpanId, TraceId, TraceParent};

/// One span.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The trace.
    pub trace: TraceId,
    /// The span itself.
    pub id: SpanId,
    /// The span that it is part of.
    pub parent: Option<SpanId>,
    /// Whether that is another process's.
    pub remote: bool,
    /// Which side of a call it is.
    pub kind: Kind,
    /// Bounded: a method and a route's template, or what was asked.
    pub name: String,
    /// Since 1970.
    pub start: Duration,
    /// How long it took.
    pub took: Duration,
    /// What is known of it.
    pub attributes: Vec<(&'static str, Value)>,
    /// Whether it failed.
    pub failed: bool,
}

/// Which side of a call a span is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A part of certbound's own work, which may have waited for somebody else's question to be answered.
    Internal,
    /// A request that certbound answered.
    Server,
    /// A request that certbound sent.
    Client,
}

/// The value of an attribute.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
}

/// Where the backend is, as `server.address` and `server.port`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Server {
    /// A name, an IP address, or the path of a Unix socket.
    pub address: String,
    /// None for a Unix socket.
    pub port: Option<u16>,
}

impl Ended {
    /// The request's own span, then one for each question, then the backend's.
    pub fn spans(&self, server: &Server) -> Vec<Span> {
        let mut spans = vec![self.request()];
        spans.extend(self.trace.asked.iter().map(|asked| {
            let name = asked.what.to_owned();
            self.part(SpanId::new(), Kind::Internal, name, asked.after, asked.took)
        }));
        spans.extend(self.backend(server));
        spans
    }

    fn request(&self) -> Span {
        let method = if self.method == OTHER { "HTTP" } else { self.method };
        let name = self.route.as_ref().map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
        let mut attributes = vec![
            ("http.request.method", text(self.method)),
            ("certbound.decision", text(self.decision)),
            ("certbound.interaction_id", text(self.interaction_id)),
        ];
        attributes.extend(self.route.as_ref().map(|route| ("http.route", text(route))));
        attributes.extend(self.reason.map(|reason| ("certbound.reason", text(reason))));
        attributes.extend(self.status.map(|status| ("http.response.status_code", Value::Number(status.into()))));
        let failed = self.status.filter(|status| *status >= 500);
        attributes.extend(failed.map(|status| ("error.type", text(status))));
        let parent = self.trace.parent.map(|parent| parent.span);
        let whole = self.part(self.trace.request, Kind::Server, name, Duration::ZERO, self.took);
        Span { parent, remote: parent.is_some(), attributes, failed: failed.is_some(), ..whole }
    }

    /// Until the answer's header section came, or until the request ended without one.
    fn backend(&self, server: &Server) -> Option<Span> {
        let asked = self.backend.as_ref()?;
        let took = asked.took.unwrap_or_else(|| self.took.saturating_sub(asked.after));
        let status = self.status.filter(|_| asked.took.is_some());
        let error = match status {
            Some(status) => (status >= 400).then(|| text(status)),
            None => Some(text(self.reason.unwrap_or(OTHER))),
        };
        let mut attributes =
            vec![("http.request.method", text(self.method)), ("server.address", text(&server.address))];
        attributes.extend(server.port.map(|port| ("server.port", Value::Number(port.into()))));
        attributes.extend(status.map(|status| ("http.response.status_code", Value::Number(status.into()))));
        let failed = error.is_some();
        attributes.extend(error.map(|error| ("error.type", error)));
        let name = if self.method == OTHER { "HTTP" } else { self.method }.to_owned();
        let span = self.part(self.trace.backend, Kind::Client, name, asked.after, took);
        Some(Span { attributes, failed, ..span })
    }

    /// A part of the request.
    fn part(&self, id: SpanId, kind: Kind, name: String, after: Duration, took: Duration) -> Span {
        let start = self.time.duration_since(UNIX_EPOCH).unwrap_or_default() + after;
        let (trace, parent) = (self.trace.id, Some(self.trace.request));
        Span { trace, id, parent, remote: false, kind, name, start, took, attributes: Vec::new(), failed: false }
    }
}

impl Span {
    /// `trace-flags`, and whether the parent is another process's, as OTLP has them in one number.
    pub fn flags(&self) -> u32 {
        let known = if self.remote { PARENT_IS_KNOWN | PARENT_IS_REMOTE } else { PARENT_IS_KNOWN };
        u32::from(TraceParent::SAMPLED) | known
    }
}

fn text(value: impl ToString) -> Value {
    Value::Text(value.to_string())
}

const OTHER: &str = "_OTHER";
const PARENT_IS_KNOWN: u32 = 0x100;
const PARENT_IS_REMOTE: u32 = 0x200;
