//! A client's connection as Pingora reads and writes it, with the facts that requests on it need.

use std::{
    future::poll_fn,
    io::{self, ErrorKind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use pingora::{
    http::ResponseHeader,
    protocols::{
        ALPN, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl, TimingDigest,
        UniqueID, UniqueIDType, raw_connect::ProxyDigest,
    },
    time::fast_timeout::fast_timeout,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufWriter, ReadBuf},
    time::{Sleep, sleep, timeout},
};

use crate::{
    peer::Connection,
    proxy::{
        activity::{Activity, Counted},
        listen::{
            FIRST_READ,
            opening::Opening,
            section::{Excess, Section},
            socket::Duplex,
            unread::{Answer, Unread},
        },
        request_line::RequestLine,
    },
};

/// A connected socket of which some bytes were read already: these are read again first.
#[derive(Debug)]
pub(super) struct Rewound {
    head: Vec<u8>,
    /// Of `head`, read again.
    done: usize,
    socket: Box<dyn Duplex>,
}

/// A client's connection, with TLS ended.
#[derive(Debug)]
pub(super) struct ClientStream {
    socket: BufWriter<Rewound>,
    facts: Arc<Facts>,
    /// Carries the facts to each request: the one thing Pingora hands on for every kind of connection.
    carrier: Arc<ProxyDigest>,
    http2: bool,
    limits: Limits,
    /// The header section that is being read.
    section: Section,
    /// What there is too much of it.
    excess: Option<Excess>,
    /// Of the header section that is being read; set only when it does not come at once.
    deadline: Option<Pin<Box<Sleep>>>,
    /// What becomes of a request that Pingora does not read.
    unread: Unread,
    /// The answer to one.
    answer: Option<Answer>,
    /// Of what is being written; set only while the client does not take it, and for good once that took too long.
    stalled: Option<Pin<Box<Sleep>>>,
}

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// For a header section, from its first byte.
    pub(super) header: Duration,
    /// For taking one buffer of what is written: a few KiB, with TLS up to 64.
    pub(super) stall: Duration,
    /// Of a header section, in bytes: what is beyond is not kept, so that the request can only be refused.
    pub(super) section: usize,
}

/// What the requests on one connection share.
#[derive(Debug)]
pub(super) struct Facts {
    connection: Arc<Connection>,
    activity: Activity,
    phase: AtomicU8,
    /// The latest request line, as it came.
    line: RequestLine,
    /// The request whose header section is being read: nothing else counts it yet.
    arriving: Mutex<Option<Counted>>,
}

impl Facts {
    /// The header section of a request is complete, and the request counts for itself.
    pub(super) fn arrive(&self) -> Arc<Connection> {
        if self.phase.swap(REST, Ordering::Relaxed) == HEADER {
            *self.arriving.lock() = None;
        }
        Arc::clone(&self.connection)
    }

    /// The request on HTTP/1 is complete: what comes now belongs to the next one.
    pub(super) fn complete(&self) {
        let _ = self.phase.compare_exchange(REST, COMPLETE, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The request became a tunnel: what came after it, and was held back, comes now.
    pub(super) fn tunnel(&self) {
        let _ = self.phase.compare_exchange(COMPLETE, REST, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The request line of the request that arrived last; means nothing on HTTP/2.
    pub(super) fn line(&self) -> &RequestLine {
        &self.line
    }
}

impl Duplex for Rewound {
    fn poll_arrived(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.done < self.head.len() { Poll::Ready(()) } else { self.socket.poll_arrived(cx) }
    }
}

impl Rewound {
    /// Whether the other side has ended. What it sent instead is left to be read.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.done < self.head.len() {
            // There is no seeing what comes behind it, and nobody to be woken for it.
            return Poll::Pending;
        }
        let mut byte = [0];
        let mut early = ReadBuf::new(&mut byte);
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut early))?;
        match early.filled() {
            [] => Poll::Ready(Ok(())),
            early => {
                self.head.extend_from_slice(early);
                Poll::Pending
            }
        }
    }

    /// `head` again, then what `socket` says.
    pub(super) fn new(head: Vec<u8>, socket: Box<dyn Duplex>) -> Self {
        Self { head, done: 0, socket }
    }

    /// What is to be read first: waited for, and left to be read.
    ///
    /// # Errors
    /// The other side ended before.
    pub(super) async fn opening(&mut self) -> io::Result<Opening> {
        if self.head.len() == self.done {
            (self.head, self.done) = (Vec::with_capacity(FIRST_READ), 0);
            if self.socket.read_buf(&mut self.head).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(Opening::of(self.head.get(self.done..).unwrap_or_default()))
    }

    /// Has `bytes`, which were read last, read again.
    pub(super) fn give_back(&mut self, mut bytes: Vec<u8>) {
        bytes.extend_from_slice(self.head.get(self.done..).unwrap_or_default());
        (self.head, self.done) = (bytes, 0);
    }
}

impl ClientStream {
    pub(super) fn new(
        socket: Rewound,
        connection: Connection,
        activity: Activity,
        http2: bool,
        limits: Limits,
        unread: Unread,
    ) -> pingora::Result<Self> {
        let facts = Arc::new(Facts {
            connection: Arc::new(connection),
            activity,
            phase: AtomicU8::new(REST),
            line: RequestLine::default(),
            arriving: Mutex::new(None),
        });
        let carried: Box<dyn std::any::Any + Send + Sync> = Box::new(Arc::clone(&facts));
        // There was no proxy that answered CONNECT, but the field wants a response.
        let response = Box::new(ResponseHeader::build(200, Some(0))?);
        let carrier = Arc::new(ProxyDigest::new(response, Some(carried)));
        let socket = BufWriter::with_capacity(WRITE_BUFFER, socket);
        let section = Section::default();
        Ok(Self {
            socket,
            facts,
            carrier,
            http2,
            limits,
            section,
            excess: None,
            deadline: None,
            unread,
            answer: None,
            stalled: None,
        })
    }

    /// Waits until something of the next request has come; none when nothing has for so long.
    pub(super) async fn until_next(mut self: Box<Self>, idle: Duration) -> Option<Box<Self>> {
        let brief = idle.min(BRIEF);
        // Between any two requests, so by Pingora's timer: requests share it, and the reactor knows nothing of it.
        if fast_timeout(brief, self.arrives()).await.is_ok() {
            return Some(self);
        }
        // Nobody is in a hurry here: the buffer is needed elsewhere.
        let mut resting = self.buffered(0);
        timeout(idle.saturating_sub(brief), resting.arrives()).await.ok()?;
        Some(resting.buffered(WRITE_BUFFER))
    }

    /// With a buffer of this size; nothing may be left in the one before.
    fn buffered(self: Box<Self>, bytes: usize) -> Box<Self> {
        let socket = BufWriter::with_capacity(bytes, self.socket.into_inner());
        Box::new(Self { socket, ..*self })
    }

    async fn arrives(&mut self) {
        poll_fn(|cx| self.socket.get_mut().poll_arrived(cx)).await;
    }

    /// Reads of a header section: they have to end in time, or a client could hold the connection byte by byte.
    fn poll_header(&mut self, phase: u8, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if phase == HEADER {
            let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(self.limits.header)));
            if deadline.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(ErrorKind::TimedOut.into()));
            }
            if self.excess.is_none() {
                self.excess = self.section.excess(self.limits.section, &self.facts.line);
            }
            if self.excess.is_some() {
                return self.poll_excess(cx, buf);
            }
        } else {
            self.deadline = None;
            self.section = Section::default();
        }
        let before = buf.filled().len();
        let room = self.section.room(self.limits.section);
        if room < buf.remaining() {
            let mut little = ReadBuf::new(buf.initialize_unfilled_to(room));
            ready!(Pin::new(&mut self.socket).poll_read(cx, &mut little))?;
            let read = little.filled().len();
            buf.advance(read);
        } else {
            ready!(Pin::new(&mut self.socket).poll_read(cx, buf))?;
        }
        let read = buf.filled().get(before..).unwrap_or_default();
        if phase == WAITING && !read.is_empty() {
            self.facts.line.expect_next();
            *self.facts.arriving.lock() = Some(self.facts.activity.arriving().begin());
            self.facts.phase.store(HEADER, Ordering::Relaxed);
        }
        self.facts.line.see(read);
        self.section.see(read);
        self.section.measure(&self.facts.line);
        Poll::Ready(Ok(()))
    }

    /// Reads what is too much of a header section, then closes the section.
    fn poll_excess(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Some(excess) = &mut self.excess else { return Poll::Ready(Ok(())) };
        while !excess.is_over() {
            let mut piece = [0; WRITE_BUFFER];
            let mut piece = ReadBuf::new(&mut piece);
            ready!(Pin::new(&mut self.socket).poll_read(cx, &mut piece))?;
            excess.forget(piece.filled());
        }
        buf.put_slice(excess.close(buf.remaining()));
        Poll::Ready(Ok(()))
    }

    /// Writes an answer of our own in the place of Pingora's: the header section is there, and no filter has seen it.
    fn poll_unread(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { socket, facts, unread, answer, section, excess, .. } = self;
        let too_large = excess.is_some() || section.has_long_line();
        let answer = answer.get_or_insert_with(|| unread.answer(&facts.connection, too_large));
        while !answer.rest().is_empty() {
            let written = ready!(Pin::new(&mut *socket).poll_write(cx, answer.rest()))?;
            answer.was_written(written);
        }
        Poll::Ready(Ok(()))
    }

    /// Ends a write that the client does not take: Pingora waits without end for header sections and for flushing.
    fn poll_in_time<T>(&mut self, written: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        // Pingora tries again with an answer of its own, and to say goodbye: neither gets a time of its own.
        let given_up = self.stalled.as_ref().is_some_and(|stalled| stalled.is_elapsed());
        if written.is_ready() && !given_up {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(self.limits.stall)));
        if !given_up {
            ready!(stalled.as_mut().poll(cx));
        }
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        match stream.facts.phase.load(Ordering::Relaxed) {
            // What comes after a section that was cut is no body, and no request.
            REST | WAITING if stream.excess.is_some() => Poll::Ready(Ok(())),
            REST => Pin::new(&mut stream.socket).poll_read(cx, buf),
            // Pingora asks whether the client is gone, and takes a byte for a fault of the request that is under way.
            COMPLETE => stream.socket.get_mut().poll_end(cx),
            phase => stream.poll_header(phase, cx, buf),
        }
    }
}

impl GetProxyDigest for ClientStream {
    /// Pingora asks once a request on HTTP/1, when it begins to wait for it, and once a connection on HTTP/2.
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        if !self.http2 {
            self.facts.phase.store(WAITING, Ordering::Relaxed);
        }
        Some(Arc::clone(&self.carrier))
    }
}

impl Ssl for ClientStream {
    /// Known from the handshake or, on plaintext, from the client's first bytes.
    fn selected_alpn_proto(&self) -> Option<ALPN> {
        Some(if self.http2 { ALPN::H2 } else { ALPN::H1 })
    }
}

impl UniqueID for ClientStream {
    fn id(&self) -> UniqueIDType {
        0
    }
}

impl GetTimingDigest for ClientStream {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        Vec::new()
    }
}

impl GetSocketDigest for ClientStream {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        None
    }
}

impl Peek for ClientStream {}

#[async_trait]
impl Shutdown for ClientStream {
    async fn shutdown(&mut self) {
        // There is nobody left to tell of a failure.
        let _ = AsyncWriteExt::shutdown(self).await;
    }
}

impl AsyncRead for Rewound {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let rewound = self.get_mut();
        let Some(rest) = rewound.head.get(rewound.done..).filter(|rest| !rest.is_empty()) else {
            return Pin::new(&mut rewound.socket).poll_read(cx, buf);
        };
        let (now, _) = rest.split_at(rest.len().min(buf.remaining()));
        buf.put_slice(now);
        rewound.done += now.len();
        if rewound.done == rewound.head.len() {
            rewound.head = Vec::new();
            rewound.done = 0;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = match self.facts.phase.load(Ordering::Relaxed) {
            HEADER => self.poll_unread(cx).map_ok(|()| buf.len()),
            _ => Pin::new(&mut self.socket).poll_write(cx, buf),
        };
        self.poll_in_time(written, cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.socket).poll_flush(cx);
        self.poll_in_time(flushed, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.socket).poll_shutdown(cx);
        self.poll_in_time(shut, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = match self.facts.phase.load(Ordering::Relaxed) {
            HEADER => self.poll_unread(cx).map_ok(|()| bufs.iter().map(|buf| buf.len()).sum()),
            _ => Pin::new(&mut self.socket).poll_write_vectored(cx, bufs),
        };
        self.poll_in_time(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}

impl AsyncWrite for Rewound {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}

/// Waiting for the first byte of a request; how long is Pingora's business.
const WAITING: u8 = 0;
/// Reading its header section.
const HEADER: u8 = 1;
/// Reading what follows, or HTTP/2.
const REST: u8 = 2;
/// Reading nothing, until the request is answered.
const COMPLETE: u8 = 3;
/// Whoever asks again within it is no idle client.
const BRIEF: Duration = Duration::from_secs(1);
/// A header section and a small body leave in one segment's worth of system calls. A connection that is idle for
/// longer than [`BRIEF`] has none.
const WRITE_BUFFER: usize = 4096;

#[cfg(test)]
mod tests;
