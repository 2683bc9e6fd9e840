//! Connections to the data listener: taken within limits, their facts established, handed to Pingora.

mod kept;
mod losses;
mod opening;
pub mod proxy_header;
mod section;
mod socket;
mod stream;
mod tls;
mod unread;

use std::{
    io::{self, ErrorKind},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use pingora::{
    apps::{HttpServerApp, ServerApp},
    proxy::Session,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::watch,
    time::{sleep, timeout},
};

use crate::{
    config::settings::{Listen, ProxyProtocol},
    observe::metrics::connections::{LostConnections, Stage},
    peer::Connection,
    proxy::{
        activity::Activity,
        listen::{
            losses::{Loss, Losses},
            stream::{ClientStream, Facts, Limits, Rewound},
        },
        request_line::RequestLine,
    },
};

pub use socket::{Duplex, Socket};
pub use tls::Handshake;
pub use unread::Unread;

/// What is known of the connection that `session` came on; called when the request's header section is complete.
///
/// None for a session that did not come through [`Reception`]: there is nothing to believe then, and it must be refused.
pub fn connection_of(session: &Session) -> Option<Arc<Connection>> {
    Some(facts_of(session)?.arrive())
}

/// Says that the request of `session` has come whole, body and all. Means nothing on HTTP/2.
pub fn complete(session: &Session) {
    if let Some(facts) = facts_of_http1(session) {
        facts.complete();
    }
}

/// Says that what comes after the request of `session` belongs to no other one. Means nothing on HTTP/2.
pub fn tunnel(session: &Session) {
    if let Some(facts) = facts_of_http1(session) {
        facts.tunnel();
    }
}

/// The line that began the HTTP/1 request of `session`; none for HTTP/2 and for a session from elsewhere.
pub fn request_line_of(session: &Session) -> Option<&RequestLine> {
    Some(facts_of_http1(session)?.line())
}

/// The facts, where requests come one after the other.
fn facts_of_http1(session: &Session) -> Option<&Facts> {
    session.as_http1().and_then(|_| facts_of(session))
}

fn facts_of(session: &Session) -> Option<&Facts> {
    let carried = session.digest()?.proxy_digest.as_ref()?.user_data.as_ref()?;
    carried.downcast_ref::<Arc<Facts>>().map(Arc::as_ref)
}

/// Takes connections in, one after the other, and hands each to an application on a task of its own.
pub struct Reception {
    handshake: Arc<Handshake>,
    http2: bool,
    proxy_protocol: Option<ProxyProtocol>,
    max_connections: usize,
    limits: Limits,
    activity: Activity,
    losses: Losses,
    believes: Box<Belief>,
    unread: Unread,
}

/// Whether a PROXY header from this TCP peer is believed.
pub type Belief = dyn Fn(Option<IpAddr>) -> bool + Send + Sync;

impl Reception {
    /// By the rules of `listen`. Connections that come to no request are counted as `lost`; `unread` has the requests that
    /// are none.
    pub fn new(
        listen: &Listen,
        handshake: Arc<Handshake>,
        activity: Activity,
        lost: LostConnections,
        believes: Box<Belief>,
        unread: Unread,
    ) -> Self {
        Self {
            handshake,
            http2: listen.http2,
            proxy_protocol: listen.proxy_protocol,
            max_connections: listen.max_connections,
            limits: Limits {
                header: listen.request_header_timeout,
                stall: listen.idle_timeout,
                section: listen.max_header_bytes,
            },
            activity,
            losses: Losses::new(lost),
            believes,
            unread,
        }
    }

    /// Takes connections from `socket` until `shutdown` says so. What was taken by then goes on.
    pub async fn run<A>(self, socket: Socket, app: Arc<A>, shutdown: watch::Receiver<bool>)
    where
        A: HttpServerApp + Send + Sync + 'static,
    {
        let reception = Arc::new(self);
        let mut told = shutdown.clone();
        loop {
            let accepted = tokio::select! {
                biased;
                _ = told.wait_for(|now| *now) => return,
                accepted = socket.accept() => accepted,
            };
            match accepted {
                Ok((socket, peer)) => reception.take_in(socket, peer, &app, &shutdown),
                Err(error) => {
                    reception.losses.not_accepted(&error);
                    // Mostly there are too many open files, and asking again at once would only burn the processor.
                    sleep(BREATH).await;
                }
            }
        }
    }

    fn take_in<A>(
        self: &Arc<Self>,
        socket: Box<dyn Duplex>,
        peer: Option<IpAddr>,
        app: &Arc<A>,
        shutdown: &watch::Receiver<bool>,
    ) where
        A: HttpServerApp + Send + Sync + 'static,
    {
        let Some(counted) = self.activity.connections().begin_within(self.max_connections) else {
            // Closed at once: an answer would cost what there is too little of.
            self.losses.refused();
            return;
        };
        let (reception, app, shutdown) = (Arc::clone(self), Arc::clone(app), shutdown.clone());
        tokio::spawn(async move {
            let _counted = counted;
            // In a place of its own, which is given back: what a handshake needs, an idle connection does not.
            match Box::pin(reception.admit(socket, peer)).await {
                Ok((stream, true)) => {
                    let _http2 = reception.activity.http2().begin();
                    app.process_new(Box::new(stream), &shutdown).await;
                }
                Ok((stream, false)) => kept::serve(stream, &app, &shutdown, reception.limits.stall).await,
                Err(loss) => reception.losses.failed(peer, &loss),
            }
        });
    }

    /// From the accepted socket to the first byte of the first request; the second value says that HTTP/2 is spoken.
    async fn admit(&self, socket: Box<dyn Duplex>, peer: Option<IpAddr>) -> Result<(ClientStream, bool), Loss> {
        let mut stage = None;
        let established = within(self.limits.header, self.establish(socket, peer, &mut stage)).await;
        let (mut socket, connection, negotiated) = established.map_err(|error| Loss { stage, error })?;
        let silent = |error| Loss { stage: None, error };
        let (head, is_http2) = within(self.limits.header, first_bytes(&mut socket)).await.map_err(silent)?;
        let http2 = self.http2 && (negotiated.unwrap_or(is_http2));
        let (socket, activity, unread) = (Rewound::new(head, socket), self.activity.clone(), self.unread.clone());
        let stream = ClientStream::new(socket, connection, activity, http2, self.limits, unread);
        Ok((stream.map_err(|error| silent(io::Error::other(error)))?, http2))
    }

    /// PROXY header and TLS handshake; the last value says whether HTTP/2 was negotiated, and is none without TLS. `stage`
    /// is what has begun and is not complete.
    async fn establish(
        &self,
        socket: Box<dyn Duplex>,
        peer: Option<IpAddr>,
        stage: &mut Option<Stage>,
    ) -> io::Result<(Box<dyn Duplex>, Connection, Option<bool>)> {
        let mut connection = Connection::from(peer);
        if self.proxy_protocol.is_none() && self.handshake.acceptor().is_none() {
            return Ok((socket, connection, None));
        }
        let mut socket = Rewound::new(Vec::new(), socket);
        if let Some(version) = self.proxy_protocol {
            let opening = socket.opening().await?;
            *stage = Some(Stage::ProxyHeader);
            let read = proxy_header::read(version, &mut socket).await;
            let (source, rest) = read.map_err(|error| opening.instead_of_proxy_header(error))?;
            *stage = None;
            connection.proxied = source.filter(|_| (self.believes)(peer)).map(|source| source.to_canonical());
            socket.give_back(rest);
        }
        let Some(tls) = self.handshake.acceptor() else { return Ok((Box::new(socket), connection, None)) };
        let opening = socket.opening().await?;
        *stage = Some(Stage::Tls);
        let socket: Box<dyn Duplex> = Box::new(socket);
        let stream = tls.accept(socket).await.map_err(|error| opening.instead_of_tls(error))?;
        *stage = None;
        let (_, session) = stream.get_ref();
        connection.certificates =
            session.peer_certificates().unwrap_or_default().iter().map(|der| der.clone().into_owned()).collect();
        let negotiated = session.alpn_protocol() == Some(tls::HTTP2);
        Ok((Box::new(stream), connection, Some(negotiated)))
    }
}

/// Reads until it is clear whether the connection preface of HTTP/2 comes (RFC 9113, section 3.4), and says so.
///
/// Pingora would wait for it without end.
async fn first_bytes<R: AsyncRead + Unpin>(socket: &mut R) -> io::Result<(Vec<u8>, bool)> {
    let mut head = Vec::with_capacity(FIRST_READ);
    while head.len() < HTTP2_PREFACE.len() && HTTP2_PREFACE.starts_with(&head) {
        if socket.read_buf(&mut head).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    let is_http2 = head.starts_with(HTTP2_PREFACE);
    Ok((head, is_http2))
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(limit, work).await.map_err(|_| io::Error::from(ErrorKind::TimedOut))?
}

const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The first header section of most requests.
const FIRST_READ: usize = 4096;
const BREATH: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests;
