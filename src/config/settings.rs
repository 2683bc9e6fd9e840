//! What `proxy.toml` means: every value checked, every default applied.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use http::HeaderName;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use zeroize::Zeroizing;

use crate::{
    certificate::{Profile, revocation::Method},
    config::reload::Source,
    dialect::Dialect,
    gate::Gate,
    headers::IdentityHeaders,
};

pub use crate::config::signing_key::SigningKey;

/// A whole, valid configuration with the files it names read.
pub struct Settings {
    /// What becomes of a refusal.
    pub mode: Mode,
    /// The gate.
    pub gate: Gate,
    /// Which headers are taken out.
    pub identity: IdentityHeaders,
    /// The data listener.
    pub listen: Listen,
    /// How certificate authorities are asked about revocation.
    pub revocation: Revocation,
    /// Where the issuers' keys come from, in the order of the gate's issuers.
    pub keys: Vec<KeySource>,
    /// How issuers are asked about tokens that cannot be read, in the order of the gate's issuers; none: not at all.
    pub introspection: Vec<Option<Arc<IntrospectionSource>>>,
    /// Where the keys of registrations come from; none: no route takes them.
    pub registration: Option<RegistrationSource>,
    /// Time for one fetch of keys or of a discovery document.
    pub fetch_timeout: Duration,
    /// Memory for the token cache, in bytes; 0 switches it off.
    pub token_cache_bytes: u64,
    /// The API.
    pub backend: Backend,
    /// How refusals are written.
    pub errors: Errors,
    /// The application and access logs.
    pub log: Log,
    /// The audit log.
    pub audit: Audit,
    /// Probes and metrics.
    pub admin: Address,
    /// The status page; none: off.
    pub status: Option<StatusPage>,
    /// Where spans go; none: nowhere.
    pub tracing: Option<Tracing>,
    /// Base64url SHA-256 of the configuration file, for the audit line.
    pub hash: Arc<str>,
    /// What it was read from.
    pub source: Source,
}

impl Settings {
    /// The certificates that certbound shows: the key of each in the configuration, and its last moment.
    pub fn own_certificates(&self) -> impl Iterator<Item = (&'static str, UnixTime)> + '_ {
        let listen = self.listen.tls.iter().map(|identity| ("listen.certificate_file", identity));
        let backend = self.backend.tls.iter().filter_map(|tls| tls.identity.as_ref());
        let backend = backend.map(|identity| ("backend.tls.certificate_file", identity));
        let introspection = self.introspection.iter().flatten().filter_map(|source| match &source.client {
            ClientAuthentication::Certificate { identity, .. } => Some(identity),
            ClientAuthentication::Secret { .. } => None,
        });
        let introspection = introspection.map(|identity| ("token.issuer.introspection.certificate_file", identity));
        listen.chain(backend).chain(introspection).map(|(key, identity)| (key, identity.not_after))
    }
}

/// What becomes of a refusal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// It is answered.
    Enforce,
    /// It is recorded as `would_deny` and the request is forwarded all the same.
    Report,
}

impl Mode {
    /// As the configuration names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Report => "report",
        }
    }
}

/// A place to listen on or connect to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Address {
    /// `host:port`; names are resolved when used.
    Tcp {
        /// As written: a name, or an IP address, of IPv6 in brackets.
        host: String,
        /// 0: a free one, for a listener.
        port: u16,
    },
    /// `unix:PATH`.
    Unix(PathBuf),
}

/// As the configuration writes it.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Where the status page is served: on this machine only.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StatusPage {
    /// Where.
    pub address: Address,
    /// Whether the operator chose the address. The default yields where another process has it, such as a second certbound.
    pub chosen: bool,
}

/// The data listener.
#[derive(Debug)]
pub struct Listen {
    /// Where.
    pub address: Address,
    /// Certificate chain and key; none: plaintext.
    pub tls: Option<OwnCertificate>,
    /// Whether the peer is asked for a certificate in the handshake (its own as a balancer, or the client's).
    pub ask_certificate: bool,
    /// Whether HTTP/2 is served.
    pub http2: bool,
    /// The PROXY protocol; none: it is not spoken.
    pub proxy_protocol: Option<ProxyProtocol>,
    /// Connections at a time.
    pub max_connections: usize,
    /// Requests under way at a time, on all connections.
    pub max_requests: usize,
    /// From the first byte of a request to the end of its header section.
    pub request_header_timeout: Duration,
    /// Without a request on a kept connection.
    pub idle_timeout: Duration,
    /// Request line and header section, in bytes.
    pub max_header_bytes: usize,
    /// After SIGTERM, for requests under way.
    pub drain_timeout: Duration,
    /// Worker threads; already resolved, at least 1.
    pub threads: usize,
}

/// What certbound shows clients, the backend, or an authorization server: a certificate chain with its private key, which
/// match.
#[derive(Debug, PartialEq)]
pub struct OwnCertificate {
    /// Leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's key.
    pub key: PrivateKeyDer<'static>,
    /// The last moment at which peers take the leaf.
    pub not_after: UnixTime,
}

/// How the balancer names the peer ahead of the first byte.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProxyProtocol {
    /// The text form.
    V1,
    /// The binary form.
    V2,
}

/// How certificate authorities are asked whether certificates are revoked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Revocation {
    /// In this order, the next when one gives no usable answer; empty: nobody is asked.
    pub methods: Vec<Method>,
    /// For one request to a responder or a distribution point.
    pub timeout: Duration,
    /// How long an answer serves, at most.
    pub cache_ttl: Duration,
    /// How long the last answer serves where no newer one can be had; none: not at all.
    pub max_stale: Option<Duration>,
    /// How long a CRL out of a distribution point serves, at most.
    pub crl_refresh: Duration,
    /// Where addresses in certificates may lead; empty: any public address.
    pub allowed_hosts: Vec<String>,
    /// Whether to loopback and private ranges too.
    pub allow_private_addresses: bool,
    /// Files and folders of CRLs, their paths resolved.
    pub crl_files: Vec<PathBuf>,
}

/// Where one issuer's keys come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeySource {
    /// The issuer.
    pub issuer: Arc<str>,
    /// Where.
    pub location: KeyLocation,
    /// How often they are fetched anew.
    pub refresh: Duration,
    /// Authorities for its https; none: the public web roots.
    pub authorities: Option<Vec<CertificateDer<'static>>>,
    /// Whether readiness waits for them: not where nobody wrote where they are, nor how tokens are verified, and the issuer is
    /// asked about opaque ones.
    pub awaited: bool,
}

/// Where an issuer's keys are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyLocation {
    /// `jwks_uri` of the issuer's metadata (RFC 8414, OpenID Connect Discovery).
    Discovery,
    /// There.
    At(KeyPlace),
    /// Nowhere: the issuer is asked about every token.
    Nowhere,
}

/// Where a key set is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyPlace {
    /// `https://` or `http://`.
    Address(http::Uri),
    /// A file, its path resolved.
    File(PathBuf),
}

/// How one issuer is asked about tokens (RFC 7662).
#[derive(Debug, PartialEq)]
pub struct IntrospectionSource {
    /// The issuer.
    pub issuer: Arc<str>,
    /// Where.
    pub endpoint: http::Uri,
    /// How certbound shows who it is.
    pub client: ClientAuthentication,
    /// How long an answer serves at most; zero: for one request.
    pub cache_ttl: Duration,
    /// Authorities for its https; none: the public web roots.
    pub authorities: Option<Vec<CertificateDer<'static>>>,
}

/// How certbound shows the authorization server who it is.
#[derive(PartialEq)]
pub enum ClientAuthentication {
    /// `client_secret_basic` (RFC 6749, section 2.3.1).
    Secret {
        /// `client_id`.
        client_id: String,
        /// Never printed.
        secret: Zeroizing<String>,
    },
    /// `tls_client_auth` (RFC 8705, section 2.1).
    Certificate {
        /// `client_id`.
        client_id: String,
        /// Shown in the handshake.
        identity: OwnCertificate,
    },
}

/// How it is remembered that something was used.
#[derive(Debug)]
pub struct Uses {
    /// In this process, at most so many; what finds no room is refused, since forgetting one would allow it again.
    pub remembered: usize,
    /// By several processes together; none: each for itself.
    pub shared: Option<SharedMemory>,
}

/// A Redis or Valkey server.
pub struct SharedMemory {
    /// `host:port` or a socket.
    pub address: Address,
    /// TLS; none: plaintext.
    pub tls: Option<SharedTls>,
    /// Its number.
    pub database: u16,
    /// The account; none: the default one.
    pub username: Option<String>,
    /// Never printed.
    pub password: Option<Zeroizing<String>>,
    /// For one question.
    pub timeout: Duration,
}

/// How a [`SharedMemory`] is known over TLS.
#[derive(Debug)]
pub struct SharedTls {
    /// For SNI and verification.
    pub server_name: ServerName<'static>,
    /// Whom it is believed from; none: the public web roots.
    pub authorities: Option<Vec<CertificateDer<'static>>>,
}

/// The service that keeps consents.
pub struct ConsentService {
    /// Where.
    pub endpoint: http::Uri,
    /// Signs requests; none: they are plain JSON.
    pub signing_key: Option<SigningKey>,
    /// Authorities for its https; none: the public web roots.
    pub authorities: Option<Vec<CertificateDer<'static>>>,
    /// For one question.
    pub timeout: Duration,
}

/// The collector of spans.
#[derive(Clone, Debug)]
pub struct Tracing {
    /// Scheme, host, and port.
    pub endpoint: http::Uri,
    /// Of the requests where no trusted caller decides, how many are recorded.
    pub sample_percent: usize,
    /// Authorities for its https; none: the public web roots.
    pub authorities: Option<Vec<CertificateDer<'static>>>,
}

/// Where the keys of registrations come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RegistrationSource {
    /// Of the directory that signs software statements.
    pub directory: KeyPlace,
    /// Where a verified software statement may point.
    pub allowed_hosts: Vec<String>,
    /// Authorities for https to both; none: the public web roots.
    pub authorities: Option<Vec<CertificateDer<'static>>>,
}

/// The API behind.
#[derive(Debug)]
pub struct Backend {
    /// Where.
    pub address: Address,
    /// TLS towards it; none: plaintext.
    pub tls: Option<BackendTls>,
    /// Whether HTTP/2 is spoken.
    pub http2: bool,
    /// For the connection to stand.
    pub connect_timeout: Duration,
    /// For the answer's header section, and between bytes of it.
    pub response_timeout: Duration,
    /// Request body, in bytes; 0: no limit.
    pub max_body_bytes: u64,
    /// The names under which the validated certificate and its chain are written; none: it is not forwarded.
    pub certificate: Option<CertificateHeaders>,
    /// Whether `Authorization` goes along.
    pub forward_authorization: bool,
    /// Headers written from what was proven.
    pub headers: Vec<(HeaderName, HeaderTemplate)>,
    /// Path for the health check, where there is one.
    pub health: Option<String>,
}

/// The headers that carry the validated certificate. Their values are [`crate::certificate::Written`].
#[derive(Clone, Debug)]
pub struct CertificateHeaders {
    /// The form; the gate's certificates are written in it.
    pub profile: Profile,
    /// For the certificate.
    pub certificate: HeaderName,
    /// For the chain.
    pub chain: Option<HeaderName>,
}

/// TLS towards the backend.
#[derive(Debug)]
pub struct BackendTls {
    /// For SNI and verification; never empty, because an empty one switches verification off.
    pub server_name: ServerName<'static>,
    /// Authorities; none: those of the operating system.
    pub authorities: Option<Vec<CertificateDer<'static>>>,
    /// certbound's own certificate.
    pub identity: Option<OwnCertificate>,
}

/// A header value with placeholders.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeaderTemplate(pub Vec<Part>);

/// A piece of a [`HeaderTemplate`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Part {
    /// As written.
    Text(String),
    /// To be filled in; no value leaves the header out.
    Placeholder(Placeholder),
}

/// What can be filled in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names of contract and configuration")]
pub enum Placeholder {
    CertificateThumbprint,
    CertificateSubject,
    CertificateSerial,
    CertificateOrganizationIdentifier,
    CertificateRoles,
    TokenClientId,
    TokenSubject,
    TokenScope,
    TokenIssuer,
    ConsentId,
}

/// How refusals are written.
#[derive(Clone, Debug)]
pub struct Errors {
    /// In which form, where the route does not say.
    pub dialect: Dialect,
    /// Whether the facts of a refusal are told to the caller.
    pub full_detail: bool,
    /// Statuses that differ from the table's, by code.
    pub status: BTreeMap<&'static str, u16>,
    /// With which algorithms proofs may be signed, for `WWW-Authenticate`; none: proofs are not looked at.
    pub proof_algorithms: Option<Arc<str>>,
}

/// The application and access logs.
#[derive(Clone, Debug)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, or `trace`.
    pub level: &'static str,
    /// JSON lines, or text for people.
    pub json: bool,
    /// Which requests get an access line.
    pub access: Access,
}

/// Which requests get an access line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Every one.
    All,
    /// Refused ones.
    Denied,
    /// None.
    Off,
}

/// The audit log.
#[derive(Clone, Debug)]
pub struct Audit {
    /// Where.
    pub sink: Sink,
    /// Whether a request is refused when its decision cannot be recorded.
    pub deny_on_failure: bool,
    /// Whether each line carries the hash of the one before.
    pub hash_chain: bool,
}

/// Where audit lines go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Sink {
    /// Standard output.
    Stdout,
    /// A file, appended to.
    File(PathBuf),
    /// Nowhere.
    Off,
}

impl fmt::Debug for ClientAuthentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret { client_id, .. } | Self::Certificate { client_id, .. } => f.write_str(client_id),
        }
    }
}

impl fmt::Debug for SharedMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.address)
    }
}

impl fmt::Debug for ConsentService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.endpoint)
    }
}
