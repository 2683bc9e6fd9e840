//! `[[route]]`: which paths there are, and what each demands.

use http::Method;

use crate::{
    config::{
        errors,
        fault::Wrong,
        reading::{Place, Placed, Reading},
        table::{Table, among, nearest},
    },
    dialect::Dialect,
    route::{Demands, GrantRule, Kind, METHODS, ROLES, Route, Template},
    token::Grant,
};

/// A route and where it stands.
pub(super) type PlacedRoute = Placed<Route>;

/// The routes in order; without any, one that demands everything everywhere.
///
/// `proofs`: whether a token may be bound to a key, so that a binding needs no certificate.
pub(super) fn read(tables: Vec<Table<'_>>, reading: &Reading<'_>, proofs: bool) -> Vec<PlacedRoute> {
    if tables.is_empty() {
        return everywhere().into_iter().collect();
    }
    let routes: Vec<PlacedRoute> = tables.into_iter().filter_map(|table| route(table, proofs)).collect();
    warn_of_unreachable(&routes, reading);
    routes
}

fn everywhere() -> Option<PlacedRoute> {
    let route = Route::new(Template::parse("/{*rest}").ok()?, ALL);
    Some(Placed { value: route, place: Place::default() })
}

fn route(mut table: Table<'_>, proofs: bool) -> Option<PlacedRoute> {
    let path = table.required("path", "/accounts/{AccountId}");
    let template = path.as_ref().and_then(|path| {
        let parsed = Template::parse(&path.value).map_err(|why| no_template(&path.value, why));
        table.reading.settle(&path.place, parsed)
    });
    if let (Some(path), Some(_)) = (&path, &template) {
        warn_of_patterns(path, table.reading);
    }
    let methods = methods(&mut table);
    let kind = table.choice("kind", ("api", Written::Api), &KINDS);
    let demands = demands(&mut table, kind, proofs);
    let kind = self::kind(&mut table, kind, demands);
    let roles = roles(&mut table, demands);
    let bearers = Bearers::of(kind, demands, &methods, template.as_ref());
    let scopes = scopes(&mut table, bearers);
    let grant = grant(&mut table, bearers);
    let consent = consent(&mut table, kind, demands);
    let websocket = upgrade(&mut table, &methods);
    let errors = errors::of_route(&mut table);
    let (path, template) = (path?, template?);
    if demands == OPEN && template.is_open_ended() {
        let what = format!("everything under `{}` is forwarded without any check", path.value);
        table.reading.warn(&path.place, what, "name the paths that are open, or demand something");
    }
    let route = Route {
        path: template,
        methods,
        demands,
        roles,
        scopes: scopes.into(),
        grant,
        kind,
        consent,
        errors: errors.or(dialect(kind)),
        websocket,
    };
    Some(Placed { value: route, place: path.place })
}

fn no_template(path: &str, why: String) -> Wrong {
    if path.starts_with(['^', '~']) || path.contains(".*") {
        let what = format!("`{path}` has a regular expression, and none is read");
        return Wrong::new(what, "write it as /accounts/{AccountId}, or as /accounts/{*rest} for all below");
    }
    if path.starts_with('*') {
        return Wrong::new(format!("`{path}` does not begin with `/`"), "write it as /{*rest} for all paths");
    }
    match why.split_once("; ") {
        Some((what, remedy)) => Wrong::new(what, remedy),
        None => Wrong::new(why, "write it as /accounts/{AccountId}"),
    }
}

/// What stands for others in other tables of routes stands for itself here: no request fits, and a later route takes those
/// that were meant, perhaps with fewer demands.
fn warn_of_patterns(path: &Placed<String>, reading: &Reading<'_>) {
    for segment in path.value.split('/').filter(|segment| !segment.starts_with('{')) {
        let remedy = match segment.strip_prefix(':') {
            Some(name) if is_name(name) => format!("write {{{name}}} for one segment"),
            Some(_) => "write {Id} for one segment".to_owned(),
            None if segment.contains('*') || segment.contains(".+") => {
                "write {Id} for one segment, or {*rest} for all that is left".to_owned()
            }
            None => continue,
        };
        reading.warn(&path.place, format!("`{segment}` is literal here, and fits nothing but itself"), remedy);
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

fn methods(table: &mut Table<'_>) -> Vec<Method> {
    let Some(names) = table.strings("methods") else { return Vec::new() };
    if names.is_empty() {
        table.fault("methods", "no request would fit", "leave it out for all methods");
    }
    let mut methods: Vec<Method> = Vec::new();
    for name in names {
        let Some(method) = table.reading.settle(&name.place, method(&name.value)) else { continue };
        if methods.contains(&method) {
            table.reading.fault(&name.place, format!("`{method}` stands here twice"), "write it once");
        }
        methods.push(method);
    }
    methods
}

fn method(name: &str) -> Result<Method, Wrong> {
    if matches!(name, "TRACE" | "CONNECT") {
        return Err(Wrong::new(format!("`{name}` is on no route"), "leave it out"));
    }
    METHODS.iter().find(|known| known.as_str() == name).cloned().ok_or_else(|| {
        let near = nearest(&name.to_ascii_uppercase(), METHODS.iter().map(Method::as_str)).unwrap_or_default();
        Wrong::new(format!("`{name}` is not a method"), format!("the nearest is `{near}`"))
    })
}

/// What is behind the route, as it is written.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Written {
    Api,
    Token,
    Registration,
}

/// What the route demands, by default what its kind can be asked for.
fn demands(table: &mut Table<'_>, kind: Written, proofs: bool) -> Demands {
    let usual: &[&str] = match kind {
        Written::Api => &["certificate", "token", "binding"],
        Written::Token | Written::Registration => &["certificate"],
    };
    let demands = required(table, usual, proofs);
    if kind == Written::Token && demands.token {
        let what = "at the token endpoint `Authorization` is the client's own affair, and never read as a token";
        table.fault("require", what, "write require = [\"certificate\"]");
    }
    demands
}

/// A binding is between a token and a certificate, so it demands both; but a token may be bound to a key instead where `proofs`
/// says so, and the gate then demands a certificate of every other token.
fn required(table: &mut Table<'_>, usual: &[&str], proofs: bool) -> Demands {
    let mut demands = OPEN;
    for name in table.strings_or("require", usual) {
        match table.reading.settle(&name.place, among(&name.value, &DEMANDS)) {
            Some(Demand::Certificate) => demands.certificate = true,
            Some(Demand::Token) => demands.token = true,
            Some(Demand::Binding) if proofs => (demands.token, demands.binding) = (true, true),
            Some(Demand::Binding) => demands = ALL,
            // Reported; were it to count, a typing error must not open a route.
            None => demands = ALL,
        }
    }
    demands
}

fn kind(table: &mut Table<'_>, kind: Written, demands: Demands) -> Kind {
    let checks_issued = table.boolean("check_issued", false);
    if checks_issued && (kind != Written::Token || !demands.certificate) {
        let what = "only a token endpoint that demands a certificate has something to compare an issued token with";
        table.fault("check_issued", what, "write kind = \"token\", or leave it out");
    }
    match kind {
        Written::Api => Kind::Api,
        Written::Token => Kind::Token { checks_issued },
        // What is written counts for whoever registers; a client that is registered shows its token besides.
        Written::Registration if table.is_given("require") => {
            Kind::Registration { managing: Demands { token: true, ..demands } }
        }
        Written::Registration => Kind::Registration { managing: ALL },
    }
}

/// Whose requests show a token that something can be held to.
#[derive(Clone, Copy)]
enum Bearers {
    Nobody,
    /// Whoever registers has none yet.
    AllButPost,
    Everybody,
}

impl Bearers {
    /// No `path`: it is at fault, and whether POST registers there cannot be told.
    fn of(kind: Kind, demands: Demands, methods: &[Method], path: Option<&Template>) -> Self {
        let registers = path.is_some_and(|path| !path.ends_named());
        match (kind, methods) {
            _ if demands.token => Self::Everybody,
            (Kind::Api | Kind::Token { .. }, _) => Self::Nobody,
            (Kind::Registration { .. }, [Method::POST]) if registers => Self::Nobody,
            (Kind::Registration { .. }, []) if registers => Self::AllButPost,
            (Kind::Registration { .. }, methods) if registers && methods.contains(&Method::POST) => Self::AllButPost,
            (Kind::Registration { .. }, _) => Self::Everybody,
        }
    }

    /// Reports a `key` that asks something of the token where there is none. `what` is the token's.
    fn hold(self, table: &Table<'_>, key: &'static str, what: &str) {
        let remedy = "add \"token\" to require";
        match self {
            Self::Nobody => table.fault(key, format!("{what} the token's, and this route demands none"), remedy),
            Self::AllButPost => {
                let what = format!("{what} the token's, and POST registers without one: it is not held to this");
                table.reading.warn(
                    &table.place_of(key),
                    what,
                    format!("write POST as a route of its own, or {remedy}"),
                );
            }
            Self::Everybody => {}
        }
    }
}

/// Clients of these endpoints read OAuth errors.
fn dialect(kind: Kind) -> Option<Dialect> {
    match kind {
        Kind::Api => None,
        Kind::Token { .. } | Kind::Registration { .. } => Some(Dialect::OAuth),
    }
}

/// PSD2 roles, any of which the certificate must have.
fn roles(table: &mut Table<'_>, demands: Demands) -> Vec<&'static str> {
    let named = table.strings("roles").unwrap_or_default();
    if !named.is_empty() && !demands.certificate {
        table.fault(
            "roles",
            "roles are the certificate's, and this route demands none",
            "add \"certificate\" to require",
        );
    }
    let words = ROLES.map(|role| (role, role));
    named.iter().filter_map(|role| table.reading.settle(&role.place, among(&role.value, &words))).collect()
}

fn scopes(table: &mut Table<'_>, bearers: Bearers) -> String {
    let scopes = table.strings("scopes").unwrap_or_default();
    if !scopes.is_empty() {
        bearers.hold(table, "scopes", "scopes are");
    }
    for scope in &scopes {
        // RFC 6749, section 3.3.
        let fits = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if scope.value.is_empty() || !scope.value.bytes().all(fits) {
            table.reading.fault(&scope.place, format!("`{}` is not one scope", scope.value), "write each by itself");
        }
    }
    scopes.into_iter().map(|scope| scope.value).collect::<Vec<_>>().join(" ")
}

fn grant(table: &mut Table<'_>, bearers: Bearers) -> GrantRule {
    let (application, user) = (GrantRule::Only(Grant::Application), GrantRule::Only(Grant::User));
    let grant = table.choice("grant", ("any", GrantRule::Any), &[("application", application), ("user", user)]);
    if grant != GrantRule::Any {
        bearers.hold(table, "grant", "the grant is");
    }
    grant
}

/// Whether the consent service is asked: about the consent that a token names, for a request to an API.
fn consent(table: &mut Table<'_>, kind: Kind, demands: Demands) -> bool {
    let consent = table.boolean("consent", false);
    if !consent {
        return false;
    }
    if kind != Kind::Api {
        table.fault("consent", "a consent covers requests to an API, and this route is none", "leave it out");
    } else if !demands.token {
        table.fault("consent", "the token names the consent, and this route demands none", "add \"token\" to require");
    }
    // Where it is to be left out, nobody need be there to be asked.
    kind == Kind::Api
}

/// Whether `Upgrade: websocket` is passed on.
fn upgrade(table: &mut Table<'_>, methods: &[Method]) -> bool {
    let protocols = table.strings("upgrade").unwrap_or_default();
    for name in &protocols {
        table.reading.settle(&name.place, among(&name.value, &[("websocket", ())]));
    }
    if !protocols.is_empty() && !methods.is_empty() && !methods.contains(&Method::GET) {
        let what = "a WebSocket is opened by GET (RFC 6455, section 4.1), which the route does not take";
        table.reading.warn(&table.place_of("upgrade"), what, "add \"GET\" to methods, or leave it out");
    }
    !protocols.is_empty()
}

/// A route is never reached when earlier ones take every method of it on every path of it.
fn warn_of_unreachable(routes: &[PlacedRoute], reading: &Reading<'_>) {
    for (place, route) in routes.iter().enumerate() {
        let covering: Vec<&Route> =
            routes.iter().take(place).map(|r| &r.value).filter(|r| r.path.covers(&route.value.path)).collect();
        let takes = |method: &Method| covering.iter().any(|r| r.takes(method));
        let reached = match route.value.methods.as_slice() {
            [] => !covering.iter().any(|r| r.methods.is_empty()),
            methods => !methods.iter().all(takes),
        };
        if !reached {
            let what =
                format!("`{}` is never reached: earlier routes take all its requests", route.value.path.as_str());
            reading.warn(&route.place, what, "move it up, or leave it out");
        }
    }
}

#[derive(Clone, Copy)]
enum Demand {
    Certificate,
    Token,
    Binding,
}

const DEMANDS: [(&str, Demand); 3] =
    [("certificate", Demand::Certificate), ("token", Demand::Token), ("binding", Demand::Binding)];

const KINDS: [(&str, Written); 2] = [("token", Written::Token), ("registration", Written::Registration)];

const ALL: Demands = Demands { certificate: true, token: true, binding: true };
const OPEN: Demands = Demands { certificate: false, token: false, binding: false };
