//! A byte stream, whatever carries it, and a listener with a thread for each connection.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// TCP, TLS, or a Unix socket.
pub(crate) trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

/// Where clients come in.
pub(crate) enum Listener {
    Tcp(TcpListener),
    Tls(TcpListener, Arc<ServerConfig>),
    Unix(UnixListener),
}

impl Listener {
    /// A free port of loopback.
    pub(crate) fn tcp() -> Self {
        Self::Tcp(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// A free port of every address of this host.
    pub(crate) fn anywhere() -> Self {
        Self::Tcp(TcpListener::bind("0.0.0.0:0").unwrap())
    }

    /// A free port of loopback, with TLS.
    pub(crate) fn tls(config: ServerConfig) -> Self {
        Self::Tls(TcpListener::bind("127.0.0.1:0").unwrap(), Arc::new(config))
    }

    pub(crate) fn unix(path: &Path) -> Self {
        Self::Unix(UnixListener::bind(path).unwrap())
    }

    /// None on a Unix socket.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) | Self::Tls(listener, _) => Some(listener.local_addr().unwrap()),
            Self::Unix(_) => None,
        }
    }

    /// Gives each connection to `serve`, on a thread of its own, until the process ends.
    pub(crate) fn serve(self, serve: impl Fn(Box<dyn Stream>) + Send + Sync + 'static) {
        let serve = Arc::new(serve);
        thread::spawn(move || {
            while let Some(stream) = self.accept() {
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(stream));
            }
        });
    }

    fn accept(&self) -> Option<Box<dyn Stream>> {
        match self {
            Self::Tcp(listener) => Some(Box::new(patient(listener.accept().ok()?.0))),
            Self::Tls(listener, config) => {
                let stream = patient(listener.accept().ok()?.0);
                let session = ServerConnection::new(Arc::clone(config)).unwrap();
                Some(Box::new(StreamOwned::new(session, stream)))
            }
            Self::Unix(listener) => Some(Box::new(patient_unix(listener.accept().ok()?.0))),
        }
    }
}

/// A read that takes longer than any test may is an error, not a hang.
pub(crate) fn patient(stream: TcpStream) -> TcpStream {
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

pub(crate) fn patient_unix(stream: UnixStream) -> UnixStream {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

const PATIENCE: Duration = Duration::from_secs(60);
