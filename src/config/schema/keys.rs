//! The rows: a function for each table, in the order of the sample.
//!
//! A new key is a new row. `cargo test --lib schema` names the row that is missing, and what differs from the walker.

use http::Method;

use super::{Form, Key, Least, Presence};
use crate::{
    certificate::Profile,
    denial::Denial,
    dialect::Dialect,
    route::{METHODS, ROLES},
    token::Algorithm,
};

pub(super) fn every() -> Vec<Key> {
    let mut keys = vec![choice(
        "mode",
        words(["enforce", "report"]),
        "`report` records refusals as `would_deny` and forwards all the same. What is stripped, and which requests and paths are understood, stays.",
    )];
    let tables: [fn() -> Vec<Key>; 22] = [
        listen,
        load_balancer,
        client_certificate,
        truststore,
        eidas,
        revocation,
        token,
        dpop,
        issuer,
        introspection,
        replay,
        cache,
        route,
        backend,
        backend_tls,
        consent,
        registration,
        errors,
        log,
        audit,
        admin,
        tracing,
    ];
    tables.into_iter().for_each(|table| keys.extend(table()));
    keys
}

#[rustfmt::skip]
fn listen() -> Vec<Key> {
    vec![
        required("listen", Form::Table, "", "Where the load balancer connects to. Exactly one of `plaintext = true` and the two files is written."),
        required("listen.address", ADDRESS, "0.0.0.0:8443", "Where connections are taken; port 0 takes a free one."),
        row("listen.certificate_file", FILE, "", "The certificate for TLS 1.2 and 1.3 between the balancer and here: PEM, leaf first."),
        row("listen.private_key_file", FILE, "", "Its key, PEM."),
        row("listen.plaintext", Form::Boolean, "false", "Serves without TLS, which has to be written out."),
        row("listen.http2", Form::Boolean, "true", "HTTP/2: by ALPN under TLS, by prior knowledge on plaintext."),
        row("listen.max_connections", Form::Integer(1, 1_000_000), "10000", "Connections at a time; more are turned away."),
        row("listen.max_requests", Form::Integer(1, 1_000_000), "10000", "Requests under way at a time, on all connections; more are answered with `overloaded`."),
        row("listen.request_header_timeout", DURATION, "10s", "From the first byte of a request to the end of its header section."),
        row("listen.idle_timeout", DURATION, "60s", "How long a kept connection may be without a request."),
        row("listen.max_header_bytes", SIZE, "128KiB", "Request line and header section together; more is `header_too_large`."),
        row("listen.drain_timeout", DURATION_OR_ZERO, "25s", "How long requests under way may take after SIGTERM."),
        row("listen.threads", Form::Integer(0, 1024), "0", "Threads that serve; 0 is the CPUs that this process may use, a cgroup's quota included."),
        row("listen.public_origin", ORIGIN, "", "What clients call, for the `htu` of DPoP proofs. Left out, it is what a trusted peer says in `X-Forwarded-Proto` and `-Host`, else https and `Host`."),
    ]
}

#[rustfmt::skip]
fn load_balancer() -> Vec<Key> {
    vec![
        table("load_balancer", "Whose word about certificates is taken. Every proof that is given must hold, and one is required unless clients connect here themselves or the listener is a Unix socket."),
        optional("load_balancer.trusted_networks", Form::Texts(Least::None), "Networks as CIDR that the TCP peer has to be in. Left out, this is not asked; an empty list is nobody."),
        row("load_balancer.client_ca_file", FILE, "", "Authorities of the certificate that the balancer itself shows to this listener."),
        row("load_balancer.client_names", Form::Texts(Least::None), "[]", "DNS or URI names, one of which is in that certificate; empty takes any certificate of those authorities."),
        table("load_balancer.secret_header", "A header that only the balancer can send. It is compared in constant time and taken out."),
        required("load_balancer.secret_header.name", TEXT, "X-LB-Auth", "The header."),
        required("load_balancer.secret_header.value_file", FILE, "lb-secret", "One secret a line, so that it can be rotated."),
        choice("load_balancer.proxy_protocol", words(["off", "v1", "v2"]), "The PROXY header by which a trusted network says who connected to it."),
        choice("load_balancer.on_untrusted", words(["strip", "refuse"]), "For other peers: `strip` goes on as if no certificate was sent, `refuse` answers `peer_untrusted`."),
    ]
}

#[rustfmt::skip]
fn client_certificate() -> Vec<Key> {
    vec![
        table("client_certificate", "Where the client's certificate is found."),
        choice("client_certificate.source", words(["header", "connection"]), "`connection`: clients do mTLS with certbound itself, and all headers are stripped."),
        choice("client_certificate.profile", profiles(), "The form in which the load balancer forwards certificates; `certbound detect` names the one that a captured value fits."),
        row("client_certificate.header", TEXT, "", "The header with the certificate; left out, the profile's."),
        row("client_certificate.chain_header", TEXT, "", "The header with the intermediates; left out, the profile's where it has one."),
        row("client_certificate.max_bytes", SIZE, "16KiB", "Of the certificate's header; the chain's may have four times as many."),
        row("client_certificate.strip", Form::Texts(Least::None), "[]", "Headers to take out of requests, each by its whole name, besides those of all profiles, which always are."),
    ]
}

#[rustfmt::skip]
fn truststore() -> Vec<Key> {
    vec![
        required("truststore", Form::Table, "", "The authorities of clients' certificates, and what is demanded of a path to one."),
        required("truststore.paths", Form::Texts(Least::One), "[\"trust/\"]", "Files and folders with authorities: PEM, DER, PKCS#12, or JKS, told apart by content. Of a folder with `tls.crt`, `tls.key`, and `ca.crt` the last alone."),
        row("truststore.password_file", FILE, "", "The password of PKCS#12 and JKS files."),
        row("truststore.minimum_rsa_bits", Form::Integer(2048, 8192), "2048", "Of every RSA key on the path."),
        row("truststore.max_intermediates", Form::Integer(0, 10), "5", "How many may be sent along with a certificate."),
        row("truststore.require_client_auth", Form::Boolean, "true", "Whether a certificate without extended key usage is refused. One with others only always is."),
    ]
}

#[rustfmt::skip]
fn eidas() -> Vec<Key> {
    vec![
        table("eidas", "Qualified statements that every certificate has to make."),
        choice("eidas.require", words(["off", "psd2", "qwac"]), "`psd2`: the PSD2 statement. `qwac`: QcCompliance and QcType web as well."),
        row("eidas.authorities", Form::Texts(Least::None), "[]", "Competent authorities whose licences count, like `DE-BAFIN`; empty takes any."),
    ]
}

#[rustfmt::skip]
fn revocation() -> Vec<Key> {
    vec![
        table("revocation", "Whether a certificate was withdrawn, and whom that is asked."),
        row("revocation.methods", Form::Words(words(["ocsp", "crl"]), Least::None), "[\"ocsp\",\"crl\"]", "In this order, the next when one gives no answer. An empty list lets revoked certificates pass."),
        choice("revocation.on_unavailable", words(["deny", "allow", "stale"]), "When nobody answers: `stale` takes the last answer up to `max_stale`, `allow` lets the certificate pass."),
        row("revocation.max_stale", DURATION, "24h", "How old the last answer may be."),
        row("revocation.timeout", DURATION, "2s", "For one question."),
        row("revocation.cache_ttl", DURATION, "1h", "How long an answer serves at most; never past its own end."),
        row("revocation.crl_files", Form::Texts(Least::None), "[]", "Files and folders with CRLs, asked before any address in a certificate."),
        row("revocation.crl_refresh", DURATION, "1h", "How long a list from the network serves, at most; it is fetched anew when a certificate is asked about."),
        row("revocation.allowed_hosts", Form::Texts(Least::None), "[]", "Where addresses in certificates may lead; empty is any public host."),
        row("revocation.allow_private_addresses", Form::Boolean, "false", "Whether they may lead to loopback and private addresses."),
        choice("revocation.check", words(["leaf", "chain"]), "`chain` asks about the intermediates too."),
    ]
}

#[rustfmt::skip]
fn token() -> Vec<Key> {
    vec![
        table("token", "Which access tokens are taken."),
        row("token.algorithms", Form::Words(algorithms(), Least::One), "[\"PS256\",\"ES256\"]", "Signatures that are accepted; never `none`, never a shared secret."),
        row("token.clock_skew", DURATION_OR_ZERO, "30s", "Between the issuer's clock and this one."),
        row("token.types", Form::Texts(Least::One), "[\"at+jwt\",\"JWT\"]", "Values of `typ`; an empty string takes tokens without it."),
        row("token.required_claims", Form::Texts(Least::None), "[\"iss\",\"aud\",\"exp\"]", "Claims without which a token is refused."),
        row("token.fetch_timeout", DURATION, "2s", "For keys, discovery, and introspection."),
        row("token.binding", Form::Words(words(["x5t#S256", "jkt"]), Least::One), "[\"x5t#S256\"]", "How a token may be bound: to the certificate (RFC 8705), or to a key by DPoP (`jkt`, RFC 9449)."),
    ]
}

#[rustfmt::skip]
fn dpop() -> Vec<Key> {
    vec![
        table("token.dpop", "Proofs of possession (RFC 9449), with `jkt` in `binding`."),
        row("token.dpop.algorithms", Form::Words(algorithms(), Least::One), "[\"ES256\",\"PS256\",\"EdDSA\"]", "Signatures of proofs."),
        row("token.dpop.max_age", DURATION, "60s", "Of a proof; `clock_skew` is granted on the other side."),
        row("token.dpop.nonce", Form::Boolean, "false", "Whether a proof has to hold a nonce that was handed out lately."),
        row("token.dpop.nonce_secret_file", FILE, "", "32 bytes or more, the same for sidecars of one API; left out, random and for this process alone."),
    ]
}

#[rustfmt::skip]
fn issuer() -> Vec<Key> {
    vec![
        optional("token.issuer", Form::Tables, "Who issues tokens: one table each, one at least where any route demands a token."),
        required("token.issuer.issuer", URL, "https://as.bank.example", "The token's `iss`, byte for byte."),
        required("token.issuer.audiences", Form::Texts(Least::One), "[\"https://api.bank.example\"]", "One of these has to be in `aud`."),
        row("token.issuer.jwks", TEXT, "discovery", "Where the keys are: `discovery`, an address, or a file. Readiness does not wait for keys where nobody wrote this nor `verify`, and `introspection` is there."),
        row("token.issuer.jwks_refresh", DURATION, "10m", "How often they are fetched anew; an unknown `kid` asks sooner."),
        row("token.issuer.ca_file", FILE, "", "Authorities of its https; left out, the public ones."),
        choice("token.issuer.verify", words(["jwt", "introspection", "both"]), "How its JWTs are verified: by signature, by asking the issuer, or both. With `both` the signed claims are used; of the answer `active`, `token_type`, `cnf`, and where they are there `iss`, `aud`, dates have to hold as well, `client_id` and `sub` have to be the signed ones, and a scope counts that both name. Opaque tokens are always asked about."),
    ]
}

#[rustfmt::skip]
fn introspection() -> Vec<Key> {
    vec![
        table("token.issuer.introspection", "Where the issuer tells about tokens (RFC 7662). The client authenticates by a secret, or by a certificate and its key."),
        required("token.issuer.introspection.endpoint", URL, "https://as.bank.example/introspect", "The address."),
        required("token.issuer.introspection.client_id", TEXT, "rs", "Who asks."),
        row("token.issuer.introspection.client_secret_file", FILE, "", "The client's secret, for HTTP Basic, sent percent-encoded as RFC 6749 has it."),
        row("token.issuer.introspection.certificate_file", FILE, "", "The client's certificate, for mTLS: PEM, leaf first."),
        row("token.issuer.introspection.private_key_file", FILE, "", "Its key, PEM."),
        row("token.issuer.introspection.cache_ttl", DURATION_OR_ZERO, "30s", "How long an answer serves at most; zero is for one request."),
    ]
}

#[rustfmt::skip]
fn replay() -> Vec<Key> {
    vec![
        table("replay", "What may be used once: DPoP proofs and registrations."),
        row("replay.entries", Form::Integer(1, 10_000_000), "100000", "Remembered in this process; when it is full, new ones are refused."),
        row("replay.redis", Form::Text("(rediss?://|unix:).+", "`redis://`, `rediss://`, or `unix:PATH`"), "", "A Redis or Valkey server, where several instances serve one API. Its maxmemory-policy has to be noeviction."),
        row("replay.ca_file", FILE, "", "Authorities of its TLS; left out, the public ones."),
        row("replay.username", TEXT, "", "An account there that may SET `certbound:used:*`."),
        row("replay.password_file", FILE, "", "Its password."),
        row("replay.timeout", DURATION, "500ms", "Without an answer by then the request is refused."),
    ]
}

#[rustfmt::skip]
fn cache() -> Vec<Key> {
    vec![
        table("cache", "Memory at most. \"0\" switches one off; no verdict depends on them."),
        row("cache.certificates", SIZE_OR_ZERO, "32MiB", "For verified certificates."),
        row("cache.tokens", SIZE_OR_ZERO, "64MiB", "For verified tokens."),
    ]
}

#[rustfmt::skip]
fn route() -> Vec<Key> {
    vec![
        optional("route", Form::Tables, "The paths there are, and what each demands. The first that fits answers; without any, there is one for `/{*rest}` that demands everything."),
        required("route.path", Form::Text("/.*", "path"), "/accounts/{AccountId}", "Literal segments, `{Name}` for one, `{*rest}` for all that is left."),
        optional("route.methods", Form::Words(METHODS.iter().map(Method::as_str).collect(), Least::One), "All, unless written."),
        row("route.require", Form::Words(words(["certificate", "token", "binding"]), Least::None), "[\"certificate\",\"token\",\"binding\"]", "What a request has to show. `binding` implies `token`, and `certificate` unless the token is bound by `jkt`; an empty list is open to everyone. Only `[\"certificate\"]` by default where `kind` is another than `api`."),
        row("route.roles", Form::Words(words(ROLES), Least::None), "[]", "PSD2 roles, one of which the certificate has to have."),
        row("route.scopes", Form::Texts(Least::None), "[]", "All of these have to be in the token."),
        choice("route.grant", words(["any", "application", "user"]), "For whom the client obtained the token: for itself, or for a user."),
        row("route.consent", Form::Boolean, "false", "Whether `[consent]` is asked before each request; the token names the consent."),
        choice("route.kind", words(["api", "token", "registration"]), "What is there: `token` the token endpoint, where `Authorization` is never read; `registration` dynamic client registration, where methods other than POST demand the client's own token too."),
        row("route.check_issued", Form::Boolean, "false", "At a token endpoint: a JWT that is issued without being bound to the certificate is a 502."),
        row("route.upgrade", Form::Words(words(["websocket"]), Least::None), "[]", "Upgrades that are let through; to the API in HTTP/1.1, whatever `[backend] http2` says."),
        choice("route.errors", [vec![""], formats()].concat(), "The form of refusals on this route; empty is `[errors] format`, and `oauth` where `kind` is another than `api`."),
    ]
}

#[rustfmt::skip]
fn backend() -> Vec<Key> {
    vec![
        required("backend", Form::Table, "", "The API, and what it is told."),
        required("backend.address", ADDRESS, "127.0.0.1:8080", "Where it is."),
        row("backend.require_loopback", Form::Boolean, "true", "Refuses to start with a backend outside this pod, which something else could reach past certbound."),
        row("backend.http2", Form::Boolean, "false", "Whether it is spoken to in HTTP/2. All clients share its connections then, and an API may end one over what some of them do: leave it off where they do not trust each other."),
        row("backend.connect_timeout", DURATION, "1s", "To connect; then it is `backend_unreachable`."),
        row("backend.response_timeout", DURATION, "30s", "To the answer's header section, and between parts of its body."),
        row("backend.max_body_bytes", SIZE_OR_ZERO, "0", "Of a request; 0 is no limit, since bodies are streamed."),
        choice("backend.forward_certificate", [vec!["same", "off"], profiles()].concat(), "How the validated certificate is written: `same` is header and profile as they came."),
        row("backend.forward_chain", Form::Boolean, "false", "Whether the verified intermediates follow, where the profile has a place for them."),
        row("backend.forward_authorization", Form::Boolean, "true", "Whether the API gets the token too; an authorization server (`kind = \"token\"` and `\"registration\"`) always gets what is sent."),
        optional("backend.headers", Form::Named, "More headers, with `{certificate.thumbprint}`, `{certificate.subject}`, `{certificate.serial}`, `{certificate.organization_identifier}`, `{certificate.roles}`, `{token.client_id}`, `{token.subject}`, `{token.scope}`, `{token.issuer}`, `{consent.id}`. One without a value is left out."),
        row("backend.health", Form::Text("/.*", "path"), "", "What is asked of the API for `/backend/healthz` on `[admin]`."),
    ]
}

#[rustfmt::skip]
fn backend_tls() -> Vec<Key> {
    vec![
        table("backend.tls", "TLS to the API, where this table is written."),
        row("backend.tls.server_name", TEXT, "", "Its name; left out, the host of `address`."),
        row("backend.tls.ca_file", FILE, "", "Its authorities; left out, those of the operating system."),
        row("backend.tls.certificate_file", FILE, "", "The certificate that certbound shows: PEM, leaf first."),
        row("backend.tls.private_key_file", FILE, "", "Its key, PEM."),
    ]
}

#[rustfmt::skip]
fn consent() -> Vec<Key> {
    vec![
        table("consent", "Who is asked whether a consent covers a request; see [consent](consent.md)."),
        row("consent.endpoint", URL, "", "The address; left out, nobody is asked."),
        row("consent.claim", TEXT, "consent_id", "The token's claim that names the consent."),
        row("consent.signing_key_file", FILE, "", "RSA, P-256, or Ed25519, PEM: the question is a JWS; left out, JSON."),
        row("consent.ca_file", FILE, "", "Authorities of its https; left out, the public ones."),
        row("consent.body", Form::Boolean, "false", "Whether the service is told the request's body, 64 KiB at most."),
        row("consent.timeout", DURATION, "2s", "Without an answer by then it is `consent_unavailable`."),
    ]
}

#[rustfmt::skip]
fn registration() -> Vec<Key> {
    vec![
        table("registration", "Who may register clients (RFC 7591); see [registration](registration.md)."),
        row("registration.directory_jwks", TEXT, "", "Who signs software statements: a file or an address. Required where a route has `kind = \"registration\"`."),
        row("registration.directory_issuer", TEXT, "OpenBanking Ltd", "The `iss` of software statements."),
        row("registration.allowed_jwks_hosts", Form::Texts(Least::None), "[]", "Hosts where a verified statement may say that keys are, private ones too; empty is nowhere."),
        row("registration.ca_file", FILE, "", "Authorities for https there and to the directory; left out, the public ones."),
        row("registration.audiences", Form::Texts(Least::None), "[]", "The `aud` of requests, any of these; empty is the issuers of `[[token.issuer]]`."),
        choice("registration.subject_rule", words(["obie", "organization_identifier", "off"]), "What the certificate's subject has to say: `obie` is CN = software_id and OU = org_id."),
    ]
}

#[rustfmt::skip]
fn errors() -> Vec<Key> {
    vec![
        table("errors", "How refusals are written; see [error formats](error-formats.md)."),
        choice("errors.format", formats(), "The form of the body."),
        choice("errors.detail", words(["minimal", "full"]), "`full` tells callers what exactly was wrong."),
        optional("errors.status", Form::Statuses(codes()), "Other statuses than those of the table of refusals."),
    ]
}

#[rustfmt::skip]
fn log() -> Vec<Key> {
    vec![
        table("log", "The program's own lines and those of requests, on standard output."),
        choice("log.level", words(["info", "error", "warn", "debug", "trace"]), "From which severity on."),
        choice("log.format", words(["json", "text"]), "For programs or for people."),
        choice("log.access", words(["all", "denied", "off"]), "Which requests get a line."),
    ]
}

#[rustfmt::skip]
fn audit() -> Vec<Key> {
    vec![
        table("audit", "One line a decision."),
        row("audit.sink", Form::Text("stdout|off|file:.+", "`\"stdout\"`, `\"off\"`, or `\"file:PATH\"`"), "stdout", "Where the lines go."),
        choice("audit.on_failure", words(["deny", "allow"]), "What becomes of a request whose decision cannot be recorded."),
        row("audit.hash_chain", Form::Boolean, "false", "Whether each line carries the hash of the one before."),
    ]
}

#[rustfmt::skip]
fn admin() -> Vec<Key> {
    vec![
        table("admin", "What operators ask. Nothing of it is secret."),
        row("admin.address", ADDRESS, "0.0.0.0:9901", "Serves /livez, /readyz, /startupz, /metrics, and /backend/healthz."),
        row("admin.status_address", STATUS_ADDRESS, "127.0.0.1:9902", "Serves the status page; a loopback address or a Unix socket."),
    ]
}

#[rustfmt::skip]
fn tracing() -> Vec<Key> {
    vec![
        table("tracing", "Spans of requests."),
        row("tracing.otlp_endpoint", COLLECTOR, "", "Where they go by OTLP over gRPC, like `http://127.0.0.1:4317`; left out, nowhere."),
        row("tracing.sample_percent", Form::Integer(0, 100), "100", "Of the requests whose `traceparent` a trusted balancer did not pass on; those with one are recorded as their caller decided."),
        row("tracing.ca_file", FILE, "", "Authorities of its https; left out, the public ones."),
    ]
}

fn table(dotted: &'static str, meaning: &'static str) -> Key {
    optional(dotted, Form::Table, meaning)
}

fn required(dotted: &'static str, form: Form, example: &'static str, meaning: &'static str) -> Key {
    Key { dotted, form, presence: Presence::Required(example), meaning }
}

fn optional(dotted: &'static str, form: Form, meaning: &'static str) -> Key {
    Key { dotted, form, presence: Presence::Optional, meaning }
}

/// `default` as TOML, a string without its quotation marks.
fn row(dotted: &'static str, form: Form, default: &'static str, meaning: &'static str) -> Key {
    Key { dotted, form, presence: Presence::Default(default), meaning }
}

/// The first word is the default.
fn choice(dotted: &'static str, words: Vec<&'static str>, meaning: &'static str) -> Key {
    let default = words.first().copied().unwrap_or_default();
    row(dotted, Form::Choice(words), default, meaning)
}

fn words<const N: usize>(words: [&'static str; N]) -> Vec<&'static str> {
    words.to_vec()
}

fn profiles() -> Vec<&'static str> {
    Profile::ALL.map(Profile::name).to_vec()
}

fn formats() -> Vec<&'static str> {
    Dialect::ALL.map(|(format, _)| format).to_vec()
}

fn algorithms() -> Vec<&'static str> {
    Algorithm::ALL.map(Algorithm::name).to_vec()
}

fn codes() -> Vec<&'static str> {
    Denial::every().iter().map(Denial::code).collect()
}

const TEXT: Form = Form::Text(".+", "string");
const FILE: Form = Form::Text(".+", "file");
const URL: Form = Form::Text("[Hh][Tt][Tt][Pp][Ss]?://.+", "`https://` or `http://` address");
const ADDRESS: Form = Form::Text(r"unix:.+|(\[[0-9A-Fa-f:.]+\]|[^:/\[\] ]+):[0-9]{1,5}", "host:port or `unix:PATH`");
const STATUS_ADDRESS: Form =
    Form::Text(r"off|unix:.+|(\[[0-9A-Fa-f:.]+\]|[^:/\[\] ]+):[0-9]{1,5}", "host:port, `unix:PATH`, or `\"off\"`");
const COLLECTOR: Form = Form::Text("[Hh][Tt][Tt][Pp][Ss]?://[^/?#]+/?", "`https://` or `http://` origin");
const ORIGIN: Form = Form::Text("[Hh][Tt][Tt][Pp][Ss]?://[^/?#]+", "`https://` or `http://` origin");
const DURATION: Form = Form::Quantity("0*[1-9][0-9]*(ms|s|m|h)", "duration");
const DURATION_OR_ZERO: Form = Form::Quantity("[0-9]+(ms|s|m|h)", "duration, zero too");
const SIZE: Form = Form::Quantity("0*[1-9][0-9]*(B|KiB|MiB|GiB)?", "size");
const SIZE_OR_ZERO: Form = Form::Quantity("[0-9]+(B|KiB|MiB|GiB)?", "size, zero too");
