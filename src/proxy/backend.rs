//! Where permitted requests go: the address, its TLS, and how long anything may take.

mod reason;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use http::StatusCode;
use pingora::{
    Error,
    ErrorType::{ConnectNoRoute, InvalidHTTPHeader, ReadTimedout, SocketError, WriteTimedout},
    connectors::http::Connector,
    http::ResponseHeader,
    protocols::{TcpKeepalive, http::client::HttpSession, l4::socket::SocketAddr as PeerAddress},
    upstreams::peer::{HttpPeer, HttpUpstreamRequestPolicy},
    utils::tls::{CertKey, WrappedX509, parse_x509},
};

use crate::{
    config::settings::{Address, Backend, BackendTls},
    denial::Denial,
    outside::names,
};

pub(super) use reason::{TOO_LARGE, UPGRADES};

/// The backend as Pingora connects to it.
pub(super) struct BackendPeer {
    /// Complete but for the address of a backend that has a name.
    template: HttpPeer,
    place: Place,
    /// As configured.
    address: Box<str>,
    /// For a name to be resolved.
    timeout: Duration,
}

enum Place {
    /// In the template already.
    Fixed,
    /// A host name with a port, and where it led last.
    Named { host: String, port: u16, found: ArcSwapOption<Found> },
}

struct Found {
    addresses: Arc<[SocketAddr]>,
    /// When the name led there.
    at: Instant,
    /// When it was last looked up, perhaps in vain.
    looked: Instant,
}

impl BackendPeer {
    /// The peer for `backend`.
    ///
    /// # Errors
    /// What Pingora cannot use of the configuration: a path that no Unix socket can have.
    pub(super) fn new(backend: &Backend) -> pingora::Result<Self> {
        let server_name = backend.tls.as_ref().map_or(String::new(), |tls| tls.server_name.to_str().into_owned());
        let (mut template, place) = match &backend.address {
            Address::Unix(path) => {
                let path = path.to_str().ok_or_else(|| Error::explain(SocketError, "the path is not UTF-8"))?;
                (HttpPeer::new_uds(path, backend.tls.is_some(), server_name)?, Place::Fixed)
            }
            Address::Tcp { host, port } => {
                let literal = backend.address.literal();
                let named = || Place::Named { host: host.clone(), port: *port, found: ArcSwapOption::empty() };
                let template = HttpPeer::new(literal.unwrap_or(NOWHERE), backend.tls.is_some(), server_name);
                (template, literal.map_or_else(named, |_| Place::Fixed))
            }
        };
        set_limits(&mut template, backend);
        if let Some(tls) = &backend.tls {
            set_trust(&mut template, tls);
        }
        let address = backend.address.to_string().into();
        Ok(Self { template, place, address, timeout: backend.connect_timeout })
    }

    /// The peer for one attempt, and how many addresses there are to try.
    ///
    /// # Errors
    /// The backend's name does not resolve.
    pub(super) async fn choose(&self, attempt: usize) -> pingora::Result<(Box<HttpPeer>, usize)> {
        let mut peer = Box::new(self.template.clone());
        let Place::Named { host, port, found } = &self.place else { return Ok((peer, 1)) };
        let addresses = &Box::pin(self.resolve(host, *port, found)).await?.addresses;
        let turn = attempt.checked_rem(addresses.len()).unwrap_or_default();
        let address = addresses.get(turn).ok_or_else(unresolved)?;
        peer._address = PeerAddress::Inet(*address);
        Ok((peer, addresses.len()))
    }

    /// A connection to the first of the backend's addresses at which somebody listens, for an exchange that is made whole.
    ///
    /// # Errors
    /// The name does not resolve, or what was wrong with the last address.
    pub(super) async fn connect(&self, connector: &Connector) -> pingora::Result<HttpSession> {
        let mut attempt = 0;
        loop {
            let (peer, addresses) = self.choose(attempt).await?;
            attempt += 1;
            match connector.get_http_session(&*peer).await {
                Ok((mut session, _)) => {
                    session.set_write_timeout(peer.options.write_timeout);
                    session.set_read_timeout(peer.options.read_timeout);
                    return Ok(session);
                }
                Err(error) if attempt >= addresses => return Err(error),
                Err(_) => {}
            }
        }
    }

    /// Has the log say what `denial` says to the client, and why: the backend failed with `error`.
    pub(super) fn note_failure(&self, denial: &Denial, error: &Error) {
        if matches!(denial, Denial::BackendUnreachable | Denial::BackendTimeout) {
            // Type and reason alone: the text of an error can hold bytes of a request or an answer.
            tracing::warn!(
                event = "backend_failed",
                code = denial.code(),
                address = &*self.address,
                error = error.etype().as_str(),
                reason = reason::reason(error)
            );
        }
    }

    async fn resolve(&self, host: &str, port: u16, found: &ArcSwapOption<Found>) -> pingora::Result<Arc<Found>> {
        let last = found.load_full();
        if let Some(fresh) = last.as_ref().filter(|found| found.looked.elapsed() < RESOLVED_FOR) {
            return Ok(Arc::clone(fresh));
        }
        let lookup = tokio::time::timeout(self.timeout, names::look_up(host, port)).await;
        let looked = Instant::now();
        let fresh = match (lookup, last) {
            (Ok(Ok(addresses)), _) => Found { addresses, at: looked, looked },
            // A resolver that fails for a moment says nothing about the backend.
            (_, Some(last)) if last.at.elapsed() < KEPT_FOR => {
                Found { addresses: Arc::clone(&last.addresses), at: last.at, looked }
            }
            _ => return Err(unresolved()),
        };
        let fresh = Arc::new(fresh);
        found.store(Some(Arc::clone(&fresh)));
        Ok(fresh)
    }
}

/// What is told to whoever waits for the backend, which failed with `error`.
pub(super) fn denial(error: &Error) -> Denial {
    match error.etype() {
        ReadTimedout | WriteTimedout => Denial::BackendTimeout,
        _ => Denial::BackendUnreachable,
    }
}

/// The header section that answers the request, after those that only announce it (RFC 9110, section 15.2).
///
/// # Errors
/// There is none.
pub(super) async fn final_header(session: &mut HttpSession) -> pingora::Result<ResponseHeader> {
    loop {
        session.read_response_header().await?;
        match session.response_header() {
            Some(head) if head.status == StatusCode::SWITCHING_PROTOCOLS => break,
            Some(head) if head.status.is_informational() => {}
            Some(head) => return Ok(head.clone()),
            None => break,
        }
    }
    Err(Error::explain(InvalidHTTPHeader, "the backend does not answer the request").into_up())
}

/// Pingora's defaults are no time-outs at all, and WebSocket for everyone.
fn set_limits(peer: &mut HttpPeer, backend: &Backend) {
    let options = &mut peer.options;
    options.connection_timeout = Some(backend.connect_timeout);
    options.total_connection_timeout = Some(backend.connect_timeout);
    options.read_timeout = Some(backend.response_timeout);
    options.write_timeout = Some(backend.response_timeout);
    options.tcp_keepalive = Some(ALIVE);
    options.http_upstream_request_policy = HttpUpstreamRequestPolicy::deny_upgrades();
    if backend.http2 {
        options.set_http_version(2, 2);
        options.max_h2_streams = STREAMS as usize;
        options.h2_stream_window_size = Some(STREAM_WINDOW);
        options.h2_connection_window_size = Some(STREAM_WINDOW * STREAMS);
    }
}

fn set_trust(peer: &mut HttpPeer, tls: &BackendTls) {
    if let Some(authorities) = &tls.authorities {
        let authorities = authorities.iter().map(|der| WrappedX509::new(der.to_vec(), parse_x509));
        peer.options.ca = Some(Arc::from_iter(authorities));
    }
    if let Some(identity) = &tls.identity {
        let chain = identity.chain.iter().map(|der| der.to_vec()).collect();
        peer.client_cert_key = Some(Arc::new(CertKey::new(chain, identity.key.secret_der().to_vec())));
    }
}

fn unresolved() -> Box<Error> {
    Error::explain(ConnectNoRoute, reason::UNRESOLVED).into_up()
}

/// Stands in the template of a named backend and is never connected to.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);
/// As long as resolvers of container platforms say.
const RESOLVED_FOR: Duration = Duration::from_secs(5);
/// Where the name led before, while no resolver answers; later, somebody else may be there.
const KEPT_FOR: Duration = Duration::from_secs(60);
/// The system looks whether whoever is at the other end of a kept connection is still there: Pingora would time each wait
/// between two requests, and notices only an end that is told.
const ALIVE: TcpKeepalive = TcpKeepalive {
    idle: Duration::from_secs(30),
    interval: Duration::from_secs(10),
    count: 3,
    #[cfg(target_os = "linux")]
    user_timeout: Duration::ZERO,
};
const STREAMS: u32 = 100;
/// What the backend may send of one answer before its client takes any: a client that takes nothing must leave the rest of
/// the connection's window to those who share it.
const STREAM_WINDOW: u32 = 256 * 1024;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use pingora::{connectors::ConnectorOptions, server::configuration::ServerConf};
    use tokio::net::TcpListener;

    use super::*;

    fn named(host: &str, found: Found) -> BackendPeer {
        let found = ArcSwapOption::from_pointee(found);
        BackendPeer {
            template: HttpPeer::new(NOWHERE, false, String::new()),
            place: Place::Named { host: host.to_owned(), port: 80, found },
            address: "api.bank.internal:80".into(),
            timeout: RESOLVED_FOR,
        }
    }

    #[tokio::test]
    async fn name_that_is_not_answered_for_leads_where_it_led_a_minute_ago_and_no_longer() {
        for (age, leads) in [(RESOLVED_FOR, true), (KEPT_FOR, false)] {
            let at = Instant::now().checked_sub(age).unwrap();
            let peer = named("nobody.invalid", Found { addresses: Arc::from([NOWHERE]), at, looked: at });
            assert_eq!(peer.choose(0).await.is_ok(), leads, "{age:?}");
            let Place::Named { found, .. } = &peer.place else { unreachable!("it has a name") };
            let looked = found.load_full().unwrap().looked;
            assert_eq!(looked > at, leads, "nobody else waits for that");
        }
    }

    #[tokio::test]
    async fn connection_is_made_to_the_next_address_where_nobody_listens_at_the_first() {
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = Arc::from([nobody, listener.local_addr().unwrap()]);
        let now = Instant::now();
        let peer = named("api.bank.internal", Found { addresses, at: now, looked: now });
        let conf = ServerConf { ca_file: Some("/dev/null".into()), ..ServerConf::default() };
        let connector = Connector::new(Some(ConnectorOptions::from_server_conf(&conf)));

        assert!(peer.connect(&connector).await.is_ok());
        drop(listener);
        assert!(peer.connect(&connector).await.is_err());
    }
}
