//! A WebSocket handshake on its way to the backend, on the routes that allow it (RFC 6455).

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use http::header::UPGRADE;
use pingora::{
    Error,
    ErrorType::ConnectError,
    OrErr,
    connectors::L4Connect,
    http::ResponseHeader,
    protocols::l4::{
        socket::SocketAddr,
        stream::Stream,
        virt::{VirtualSockOpt, VirtualSocket, VirtualSocketStream},
    },
    proxy::Session,
    upstreams::peer::{HttpPeer, HttpUpstreamRequestPolicy},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
};

/// Lets a handshake through to `peer`, and gives the tunnel the client's patience.
pub(super) fn allow(peer: &mut HttpPeer, idle_timeout: Duration) {
    peer.options.http_upstream_request_policy = HttpUpstreamRequestPolicy::standard();
    peer.options.read_timeout = Some(idle_timeout);
    peer.options.write_timeout = Some(idle_timeout);
    peer.options.custom_l4 = Some(Arc::new(Unhurried));
    peer.group_key = OWN_POOL;
    // The handshake exists in HTTP/1.1 alone.
    peer.options.set_http_version(1, 1);
}

/// Whether `response` changes to the protocol that was asked for: whatever else came on the connection then, nobody
/// would look at.
pub(super) fn is_agreed(session: &Session, response: &ResponseHeader) -> bool {
    let protocol = response.headers.get(UPGRADE);
    session.is_upgrade_req() && protocol.is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Connects to a backend that may answer faster than Pingora can follow.
///
/// Pingora ends the tunnel when it sees the end of the request's (empty) body after the answer `101`, and which of the
/// two it sees first is left to chance once both are there. So the answer is held back for one turn of the task.
#[derive(Debug)]
struct Unhurried;

#[async_trait]
impl L4Connect for Unhurried {
    async fn connect(&self, address: &SocketAddr) -> pingora::Result<Stream> {
        let socket: Box<dyn VirtualSocket> = match address {
            SocketAddr::Inet(address) => {
                let stream = TcpStream::connect(address).await.or_err(ConnectError, "to the backend")?;
                stream.set_nodelay(true).or_err(ConnectError, "to the backend")?;
                Box::new(Turns { stream, wrote: false })
            }
            SocketAddr::Unix(address) => {
                let path =
                    address.as_pathname().ok_or_else(|| Error::explain(ConnectError, "the socket has no path"))?;
                let stream = UnixStream::connect(path).await.or_err(ConnectError, "to the backend")?;
                Box::new(Turns { stream, wrote: false })
            }
        };
        Ok(VirtualSocketStream::new(socket).into())
    }
}

/// A stream whose first read after a write always waits for the task's next turn.
#[derive(Debug)]
struct Turns<S> {
    stream: S,
    wrote: bool,
}

impl<S: AsyncRead + Unpin> AsyncRead for Turns<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if std::mem::take(&mut self.wrote) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Turns<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.wrote = true;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + Sync + std::fmt::Debug> VirtualSocket for Turns<S> {
    /// Everything that matters was set when the connection was made.
    fn set_socket_option(&self, _: VirtualSockOpt) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps these connections apart from those of plain requests, which are not read in turns.
const OWN_POOL: u64 = 1;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use std::task::Waker;

    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn answer_is_read_one_turn_after_the_request_was_written() {
        let (stream, mut backend) = tokio::io::duplex(64);
        let mut stream = Turns { stream, wrote: false };
        stream.write_all(b"request").await.unwrap();
        backend.write_all(b"answer").await.unwrap();
        let (mut room, mut cx) = ([0; 64], Context::from_waker(Waker::noop()));
        let mut buf = ReadBuf::new(&mut room);
        assert!(Pin::new(&mut stream).poll_read(&mut cx, &mut buf).is_pending());
        assert!(Pin::new(&mut stream).poll_read(&mut cx, &mut buf).is_ready());
        assert_eq!(buf.filled(), b"answer");
    }
}
