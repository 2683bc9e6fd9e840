//! A relay between certbound and whoever it asks, on which everything goes wrong that can.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// What becomes of whoever connects, and of those who have.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// Everything passes.
    Open,
    /// Nobody listens, and every connection has ended.
    Closed,
    /// Connections are taken, and whatever comes on them is swallowed.
    Silent,
    /// Every answer is held back for so long.
    Slow(Duration),
    /// The one or the other of these comes in the place of an answer, and then the connection ends.
    Instead(Vec<Vec<u8>>),
}

/// Who is behind it.
#[derive(Clone, Debug)]
pub(crate) enum Behind {
    Tcp(String),
    Unix(PathBuf),
}

/// A relay on an address of its own.
pub(crate) struct Relay {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    way: Mutex<Way>,
    behind: Mutex<Behind>,
    /// Both ends of every connection, by its number.
    ends: Mutex<HashMap<usize, Vec<End>>>,
    connections: AtomicUsize,
    answers: AtomicUsize,
}

/// One end of a connection.
enum End {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Relay {
    pub(crate) fn to(behind: Behind) -> Self {
        let listener = TcpListener::bind((ADDRESS, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            way: Mutex::new(Way::Open),
            behind: Mutex::new(behind),
            ends: Mutex::default(),
            connections: AtomicUsize::new(0),
            answers: AtomicUsize::new(0),
        });
        listen(listener, Arc::clone(&state));
        Self { address, state }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on it goes this way, also on connections that there are.
    pub(crate) fn go(&self, way: Way) {
        let was = std::mem::replace(&mut *self.state.way.lock().unwrap(), way.clone());
        match (&was, &way) {
            (Way::Closed, Way::Closed) => {}
            (_, Way::Closed) => {
                // Wakes who listens, and who then goes.
                drop(TcpStream::connect(self.address));
                while TcpStream::connect(self.address).is_ok() {
                    thread::yield_now();
                }
            }
            (Way::Closed, _) => listen(TcpListener::bind(self.address).unwrap(), Arc::clone(&self.state)),
            _ => {}
        }
        if matches!(was, Way::Silent) || matches!(way, Way::Closed) {
            self.state.end_all();
        }
    }

    /// From now on this is behind it.
    pub(crate) fn lead_to(&self, behind: Behind) {
        *self.state.behind.lock().unwrap() = behind;
        self.state.end_all();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.go(Way::Closed);
    }
}

fn listen(listener: TcpListener, state: Arc<State>) {
    thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            if matches!(*state.way.lock().unwrap(), Way::Closed) {
                return;
            }
            // Who goes away meanwhile may.
            let _ = state.connect(client);
        }
    });
}

impl State {
    fn end_all(&self) {
        self.ends.lock().unwrap().values().flatten().for_each(End::close);
    }

    /// Two threads, one for each direction; where one ends, so does the connection. Nobody behind hears of a connection on
    /// which nothing would be said.
    fn connect(self: &Arc<Self>, client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        let (client, state) = (End::Tcp(client), Arc::clone(self));
        let server = match *self.way.lock().unwrap() {
            Way::Open | Way::Slow(_) => Some(self.reach()?),
            _ => None,
        };
        let twins = [Some(client.twin()?), server.as_ref().map(End::twin).transpose()?];
        self.ends.lock().unwrap().insert(number, twins.into_iter().flatten().collect());
        let (from_client, to_server) = (client.twin()?, server.as_ref().map(End::twin).transpose()?);
        thread::spawn(move || {
            let _ = state.ask(&from_client, to_server.as_ref());
            state.end(number);
        });
        if let Some(server) = server {
            let state = Arc::clone(self);
            thread::spawn(move || {
                let _ = state.answer(&server, &client);
                state.end(number);
            });
        }
        Ok(())
    }

    fn reach(&self) -> io::Result<End> {
        let behind = self.behind.lock().unwrap().clone();
        match behind {
            Behind::Tcp(address) => TcpStream::connect(address).map(End::Tcp),
            Behind::Unix(path) => UnixStream::connect(path).map(End::Unix),
        }
    }

    fn end(&self, number: usize) {
        self.ends.lock().unwrap().remove(&number).iter().flatten().for_each(End::close);
    }

    fn ask(&self, client: &End, server: Option<&End>) -> io::Result<()> {
        let mut buffer = [0; 1 << 14];
        loop {
            let read = client.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            let way = self.way.lock().unwrap().clone();
            match way {
                Way::Open | Way::Slow(_) => match server {
                    Some(server) => server.write(&buffer[..read])?,
                    None => return Ok(()),
                },
                Way::Silent => {}
                Way::Closed => return Ok(()),
                Way::Instead(others) => {
                    let turn = self.answers.fetch_add(1, Ordering::Relaxed) % others.len();
                    return client.write(&others[turn]);
                }
            }
        }
    }

    fn answer(&self, server: &End, client: &End) -> io::Result<()> {
        let mut buffer = [0; 1 << 14];
        loop {
            let read = server.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            let way = self.way.lock().unwrap().clone();
            match way {
                Way::Open => {}
                Way::Slow(late) => thread::sleep(late),
                Way::Silent => continue,
                Way::Closed | Way::Instead(_) => return Ok(()),
            }
            client.write(&buffer[..read])?;
        }
    }
}

impl End {
    fn twin(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(stream) => Self::Tcp(stream.try_clone()?),
            Self::Unix(stream) => Self::Unix(stream.try_clone()?),
        })
    }

    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => (&mut &*stream).read(buffer),
            Self::Unix(stream) => (&mut &*stream).read(buffer),
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => (&mut &*stream).write_all(bytes),
            Self::Unix(stream) => (&mut &*stream).write_all(bytes),
        }
    }

    fn close(&self) {
        // It may be closed already.
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

/// Nobody else's connections begin there, so a port that is left for a while is not taken meanwhile.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 77);
