//! Which route a request takes, and what that route demands.

use std::sync::Arc;

use http::Method;

use crate::{
    denial::Denial,
    token::{AccessToken, Grant},
};

/// A path that can be read in one way only: the exact bytes that are forwarded.
///
/// Only [`RequestPath::parse`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct RequestPath<'a>(&'a str);

impl<'a> RequestPath<'a> {
    /// Reads the path of an origin-form target, the query already cut off.
    ///
    /// # Errors
    /// `path_ambiguous`: `//`, `.` or `..` segments, `;`, `\`, encoded `/ \ . % NUL` or unreserved characters,
    /// invalid percent-encoding. `request_malformed`: raw space, control bytes, `#`, no leading `/`.
    pub fn parse(path: &'a [u8]) -> Result<Self, Denial> {
        todo!()
    }

    /// The path.
    pub fn as_str(&self) -> &'a str {
        self.0
    }
}

/// A path template: literal segments, `{Name}` (one or more bytes of one segment), `{*rest}` (zero or more of what is left).
#[derive(Clone, Debug)]
pub struct Template {
    text: Arc<str>,
    // segments
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong and how to write it.
    pub fn parse(text: &str) -> Result<Self, String> {
        todo!()
    }

    /// As written: the label for logs and metrics.
    pub fn as_str(&self) -> &Arc<str> {
        &self.text
    }

    /// Whether `path` fits.
    pub fn matches(&self, path: RequestPath<'_>) -> bool {
        todo!()
    }

    /// Whether every path that fits `other` fits `self` too, so that `other` after `self` is never reached.
    pub fn covers(&self, other: &Self) -> bool {
        todo!()
    }

    /// Whether it ends in `{*rest}`.
    pub fn is_open_ended(&self) -> bool {
        todo!()
    }
}

/// What a route demands before it forwards.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Demands {
    /// A client certificate.
    pub certificate: bool,
    /// An access token.
    pub token: bool,
    /// That the token is bound to the certificate. The configuration sets the other two with it.
    pub binding: bool,
}

/// Which grant a route takes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum GrantRule {
    /// Either.
    #[default]
    Any,
    /// Only this one.
    Only(Grant),
}

/// One route.
#[derive(Clone, Debug)]
pub struct Route {
    /// Which paths.
    pub path: Template,
    /// Which methods; empty: all (TRACE and CONNECT are on no route).
    pub methods: Vec<Method>,
    /// What is demanded.
    pub demands: Demands,
    /// Scopes, all of which the token must have, joined by single spaces for the challenge.
    pub scopes: Arc<str>,
    /// Which grant.
    pub grant: GrantRule,
    /// Whether `Upgrade: websocket` is passed on.
    pub websocket: bool,
}

impl Route {
    /// Judges the token by the route's policy: scopes, then grant.
    ///
    /// # Errors
    /// `scope_insufficient`, `grant_wrong`.
    pub fn authorize(&self, token: &AccessToken) -> Result<(), Denial> {
        todo!()
    }
}

/// The routes, in order.
#[derive(Debug)]
pub struct Routes(Vec<Arc<Route>>);

impl Routes {
    /// In the order in which they are tried.
    pub fn new(routes: Vec<Route>) -> Self {
        Self(routes.into_iter().map(Arc::new).collect())
    }

    /// The first route that fits path and method, with its place in the order.
    ///
    /// # Errors
    /// `method_not_allowed` with every method that would do; `route_unknown`.
    pub fn find(&self, path: RequestPath<'_>, method: &Method) -> Result<(usize, &Arc<Route>), Denial> {
        todo!()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.0.iter()
    }
}
