//! Which route a request takes, and what that route demands.

mod path;
mod template;
mod tree;

use std::sync::Arc;

use http::Method;
use percent_encoding::percent_decode_str;

use crate::{
    certificate::{
        ClientCertificate,
        qualified::{Qualification, Role},
    },
    denial::Denial,
    dialect::Dialect,
    token::{AccessToken, Grant},
};

pub use path::RequestPath;
pub use template::Template;
use tree::Tree;

/// What a route demands before it forwards.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Demands {
    /// A client certificate.
    pub certificate: bool,
    /// An access token.
    pub token: bool,
    /// That the token is bound to the certificate, or to the key of a proof. The configuration sets `token` with it, and
    /// `certificate` where proofs are not looked at.
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

/// What is behind a route.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Kind {
    /// A resource server.
    #[default]
    Api,
    /// The token endpoint: `Authorization` is the client's own affair there.
    Token {
        /// Whether a token that the authorization server issues is looked at, whether it is bound to the certificate.
        checks_issued: bool,
    },
    /// Dynamic client registration (RFC 7591, RFC 7592).
    Registration {
        /// What is demanded of requests about a client that is registered.
        managing: Demands,
    },
}

/// Proof that a route's policy lets a request through. Only [`Route::authorize`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Authorized(());

/// Proof that a client asks about its own registration. Only [`Route::admit_client`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct OwnRegistration(());

/// One route.
#[derive(Clone, Debug)]
pub struct Route {
    /// Which paths.
    pub path: Template,
    /// Which methods; empty: all (TRACE and CONNECT are on no route).
    pub methods: Vec<Method>,
    /// What is demanded; of a registration, of those who are not registered yet.
    pub demands: Demands,
    /// What is behind it.
    pub kind: Kind,
    /// Whether the consent service is asked.
    pub consent: bool,
    /// How refusals are written here; none: as everywhere.
    pub errors: Option<Dialect>,
    /// PSD2 roles, any of which the certificate must have; empty: not asked. Of [`ROLES`].
    pub roles: Vec<&'static str>,
    /// Scopes, all of which the token must have, joined by single spaces for the challenge.
    pub scopes: Arc<str>,
    /// Which grant.
    pub grant: GrantRule,
    /// Whether `Upgrade: websocket` is passed on.
    pub websocket: bool,
}

impl Route {
    /// To an API, by every method, for whoever has what is demanded.
    pub fn new(path: Template, demands: Demands) -> Self {
        Self {
            path,
            methods: Vec::new(),
            demands,
            kind: Kind::Api,
            consent: false,
            errors: None,
            roles: Vec::new(),
            scopes: "".into(),
            grant: GrantRule::Any,
            websocket: false,
        }
    }

    /// What is demanded of a request.
    pub fn demands(&self, method: &Method) -> Demands {
        match self.kind {
            Kind::Registration { managing } if self.manages(method) => managing,
            Kind::Api | Kind::Token { .. } | Kind::Registration { .. } => self.demands,
        }
    }

    /// Whether a request is about a client that is registered (RFC 7592): by any method but POST, and by POST where the path
    /// ends in a name, because some servers take that for a change. What `{*rest}` stands for may be the place of a client or
    /// of the endpoint: nothing says which, so POST registers there.
    pub fn manages(&self, method: &Method) -> bool {
        matches!(self.kind, Kind::Registration { .. }) && (*method != Method::POST || self.path.ends_named())
    }

    /// Whether `client` is the one that the path names: what the last place of the template stands for.
    ///
    /// # Errors
    /// `client_mismatch`; also where the template has no place, or nobody knows who the client is.
    pub fn admit_client(&self, path: RequestPath<'_>, client: Option<&str>) -> Result<OwnRegistration, Denial> {
        let named = self.path.last_place(path).and_then(|named| percent_decode_str(named).decode_utf8().ok());
        let is_same = named.zip(client).is_some_and(|(named, client)| !named.is_empty() && *named == *client);
        is_same.then_some(OwnRegistration(())).ok_or(Denial::ClientMismatch)
    }

    /// Judges what was believed by the route's policy: roles, then scopes, then grant.
    ///
    /// # Errors
    /// `role_missing`, or `certificate_not_qualified` where the statements cannot be read; `scope_insufficient`;
    /// `grant_wrong`.
    pub fn authorize(
        &self,
        certificate: Option<&ClientCertificate>,
        token: Option<&AccessToken>,
    ) -> Result<Authorized, Denial> {
        if !self.roles.is_empty() {
            self.authorize_roles(certificate.ok_or(Denial::CertificateMissing { why: "roles stand in it" })?)?;
        }
        token.map_or(Ok(()), |token| self.authorize_token(token))?;
        Ok(Authorized(()))
    }

    /// One of the roles is enough. A certificate without a PSD2 statement has none.
    fn authorize_roles(&self, certificate: &ClientCertificate) -> Result<(), Denial> {
        let qualification = certificate.qualification();
        if let Qualification::Malformed(why) = qualification {
            return Err(Denial::CertificateNotQualified { why });
        }
        let granted = qualification.roles().any(|role| matches!(role, Role::Known(name) if self.roles.contains(name)));
        granted.then_some(()).ok_or(Denial::RoleMissing)
    }

    fn authorize_token(&self, token: &AccessToken) -> Result<(), Denial> {
        let claims = token.claims();
        let granted = token.scope().unwrap_or_default();
        let has = |scope: &str| granted.split(' ').any(|granted| granted == scope);
        if !self.scopes.split(' ').filter(|scope| !scope.is_empty()).all(has) {
            return Err(Denial::ScopeInsufficient { scope: Arc::clone(&self.scopes) });
        }
        match self.grant {
            GrantRule::Only(grant) if claims.grant() != Some(grant) => Err(Denial::GrantWrong),
            GrantRule::Any | GrantRule::Only(_) => Ok(()),
        }
    }

    /// Whether its methods include this one.
    pub fn takes(&self, method: &Method) -> bool {
        self.methods.is_empty() || self.methods.contains(method)
    }

    /// The methods that it takes; where it takes all, those that are registered for everyday use.
    fn allowed(&self) -> &[Method] {
        if self.methods.is_empty() { &METHODS } else { &self.methods }
    }
}

/// The routes, in order.
#[derive(Debug)]
pub struct Routes {
    routes: Vec<Arc<Route>>,
    tree: Tree,
}

impl Routes {
    /// In the order in which they are tried.
    pub fn new(routes: Vec<Route>) -> Self {
        let tree = Tree::of(routes.iter().map(|route| &route.path));
        Self { routes: routes.into_iter().map(Arc::new).collect(), tree }
    }

    /// The first route that fits path and method, with its place in the order. `HEAD` is a method like any other.
    ///
    /// # Errors
    /// `method_not_allowed` with every method that would do, for TRACE and CONNECT whatever the path; `route_unknown`;
    /// `path_ambiguous` where a backend that decodes the path would find it on a route that comes first.
    pub fn find(&self, path: RequestPath<'_>, method: &Method) -> Result<(usize, &Arc<Route>), Denial> {
        let refused = is_refused(method);
        let mut first: Option<(usize, bool)> = None;
        self.tree.search(path, &mut |place, as_written| {
            let is_earlier = first.is_none_or(|(first, _)| place < first);
            if is_earlier && self.routes.get(place).is_some_and(|route| route.takes(method)) {
                first = Some((place, as_written));
            }
        });
        match first.and_then(|(place, as_written)| Some((place, self.routes.get(place)?, as_written))) {
            Some((place, route, true)) if !refused => Ok((place, route)),
            Some((.., false)) => Err(Denial::PathAmbiguous { why: "a route's literal, percent-encoded otherwise" }),
            _ => Err(self.refusal(path, refused)),
        }
    }

    /// For a request that no route takes.
    fn refusal(&self, path: RequestPath<'_>, refused: bool) -> Denial {
        let mut allowed: Vec<&str> = Vec::new();
        self.tree.search(path, &mut |place, as_written| {
            let route = self.routes.get(place).filter(|_| as_written);
            let methods = route.map(|route| route.allowed()).unwrap_or_default();
            allowed.extend(methods.iter().map(Method::as_str));
        });
        if allowed.is_empty() && !refused {
            return Denial::RouteUnknown;
        }
        allowed.sort_unstable();
        allowed.dedup();
        Denial::MethodNotAllowed { allow: allowed.join(", ").into() }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.routes.iter()
    }
}

/// Whether no route takes this method: TRACE would show the caller what the balancer added, and CONNECT asks for a tunnel,
/// not for a path. In no spelling, because some servers take methods whatever their case.
pub fn is_refused(method: &Method) -> bool {
    [Method::TRACE, Method::CONNECT].iter().any(|refused| method.as_str().eq_ignore_ascii_case(refused.as_str()))
}

/// What a route takes that takes every method, as `Allow` says it; no route takes another by name.
pub static METHODS: [Method; 7] =
    [Method::DELETE, Method::GET, Method::HEAD, Method::OPTIONS, Method::PATCH, Method::POST, Method::PUT];
/// PSD2 roles that a route can demand, of [`Role::KNOWN`].
pub const ROLES: [&str; 4] = ["PSP_AS", "PSP_PI", "PSP_AI", "PSP_IC"];

#[cfg(test)]
mod tests;
