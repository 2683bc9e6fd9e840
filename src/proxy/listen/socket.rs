//! Where connections come from: a TCP port or a Unix socket.

use std::{
    fmt, fs,
    io::{self, ErrorKind},
    net::{IpAddr, SocketAddr},
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream, lookup_host},
};
use tokio_rustls::server::TlsStream;

use crate::{config::settings::Address, host::unbracketed};

/// A listening socket. A Unix socket's file is removed when this is dropped.
#[derive(Debug)]
pub struct Socket(Kind);

#[derive(Debug)]
enum Kind {
    Tcp { listener: TcpListener, address: SocketAddr },
    Unix { listener: UnixListener, path: PathBuf },
}

/// A connected socket, whatever its kind.
pub trait Duplex: AsyncRead + AsyncWrite + fmt::Debug + Send + Sync + Unpin {
    /// Ready when something may have arrived, or the other side has ended; nothing is read.
    fn poll_arrived(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

impl Duplex for TcpStream {
    fn poll_arrived(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Whoever reads is told of a failure.
        self.poll_read_ready(cx).map(|_| ())
    }
}

impl Duplex for UnixStream {
    fn poll_arrived(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_read_ready(cx).map(|_| ())
    }
}

impl Duplex for TlsStream<Box<dyn Duplex>> {
    fn poll_arrived(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (socket, session) = self.get_mut();
        // What came with the request before is with rustls already, and the socket says no more of it.
        match session.process_new_packets() {
            Ok(state) if state.plaintext_bytes_to_read() == 0 && !state.peer_has_closed() => socket.poll_arrived(cx),
            _ => Poll::Ready(()),
        }
    }
}

#[cfg(test)]
impl Duplex for tokio::io::DuplexStream {
    fn poll_arrived(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

impl Socket {
    /// Binds and listens at once. Port 0 takes a free one, which [`Self`] displays.
    ///
    /// # Errors
    /// What the operating system says, with the address: in use, not permitted, no such name.
    pub async fn bind(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp { host, port } => {
                Self::bind_tcp(unbracketed(host), *port).await.map_err(|error| named(address, &error))
            }
            Address::Unix(path) => Self::bind_unix(path).await.map_err(|error| named(path.display(), &error)),
        }
    }

    async fn bind_tcp(host: &str, port: u16) -> io::Result<Self> {
        let mut failure = io::Error::new(ErrorKind::NotFound, "the name leads to no address");
        for address in lookup_host((host, port)).await? {
            match listen_on(address) {
                Ok(listener) => return Ok(Self(Kind::Tcp { address: listener.local_addr()?, listener })),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn bind_unix(path: &Path) -> io::Result<Self> {
        if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
            match UnixStream::connect(path).await {
                // Left behind by a process that was killed.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path)?,
                _ => return Err(ErrorKind::AddrInUse.into()),
            }
        }
        let listener = UnixListener::bind(path)?;
        // The permissions are the proof that a load balancer speaks: its group shares them, nobody else.
        fs::set_permissions(path, fs::Permissions::from_mode(SOCKET_MODE))?;
        Ok(Self(Kind::Unix { listener, path: path.to_owned() }))
    }

    /// Whether it is a TCP port.
    pub fn is_port(&self) -> bool {
        matches!(self.0, Kind::Tcp { .. })
    }

    /// The next connection, and its peer: none on a Unix socket.
    ///
    /// # Errors
    /// What the operating system says. Listening goes on.
    pub async fn accept(&self) -> io::Result<(Box<dyn Duplex>, Option<IpAddr>)> {
        match &self.0 {
            Kind::Tcp { listener, .. } => {
                let (stream, peer) = listener.accept().await?;
                // A peer that is gone already is noticed when it is read from.
                let _ = stream.set_nodelay(true);
                // A socket for both families shows IPv4 peers as ::ffff:a.b.c.d, which no network of the configuration
                // would match.
                Ok((Box::new(stream), Some(peer.ip().to_canonical())))
            }
            Kind::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                Ok((Box::new(stream), None))
            }
        }
    }
}

/// As bound.
impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Tcp { address, .. } => address.fmt(f),
            Kind::Unix { path, .. } => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Kind::Unix { path, .. } = &self.0 {
            // A file that is left behind is removed by the next process.
            let _ = fs::remove_file(path);
        }
    }
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Connections of a process before may still linger; a port that is listened on is refused all the same.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn named(address: impl fmt::Display, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
}

const SOCKET_MODE: u32 = 0o660;
/// The operating system cuts it to its own limit.
const BACKLOG: u32 = 4096;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use super::*;

    async fn bind(address: &str) -> io::Result<Socket> {
        Socket::bind(&address.into()).await
    }

    #[tokio::test]
    async fn port_zero_shows_the_port_that_was_taken() {
        let socket = bind("127.0.0.1:0").await.unwrap();
        let shown: SocketAddr = socket.to_string().parse().unwrap();
        assert_ne!(shown.port(), 0);
        let _client = tokio::net::TcpStream::connect(shown).await.unwrap();
        assert_eq!(socket.accept().await.unwrap().1, Some([127, 0, 0, 1].into()));
    }

    #[tokio::test]
    async fn port_in_use_is_an_error_that_names_the_address() {
        let first = bind("127.0.0.1:0").await.unwrap().to_string();
        let first = bind(&first).await.unwrap();
        let error = bind(&first.to_string()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().starts_with(&format!("cannot listen on {first}: ")), "{error}");
    }

    #[tokio::test]
    async fn ipv4_peer_of_a_socket_for_both_families_is_an_ipv4_address() {
        let Ok(socket) = bind("[::]:0").await else { return };
        let port = socket.to_string().parse::<SocketAddr>().unwrap().port();
        let _client = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        assert_eq!(socket.accept().await.unwrap().1, Some([127, 0, 0, 1].into()));
    }

    #[tokio::test]
    async fn unix_socket_is_for_its_group_and_goes_with_the_listener() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in.sock");
        let socket = Socket::bind(&Address::Unix(path.clone())).await.unwrap();

        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        assert_eq!(socket.to_string(), format!("unix:{}", path.display()));
        let _client = UnixStream::connect(&path).await.unwrap();
        assert_eq!(socket.accept().await.unwrap().1, None);

        drop(socket);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn unix_socket_of_a_dead_process_is_replaced_and_that_of_a_living_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());

        let living = Socket::bind(&Address::Unix(path.clone())).await.unwrap();
        let refused = Socket::bind(&Address::Unix(path.clone())).await.unwrap_err();

        assert_eq!(refused.kind(), ErrorKind::AddrInUse);
        assert!(path.exists());
        drop(living);
    }

    #[tokio::test]
    async fn file_that_is_no_socket_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in.sock");
        fs::write(&path, "precious").unwrap();
        assert!(Socket::bind(&Address::Unix(path.clone())).await.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"precious");
    }
}
