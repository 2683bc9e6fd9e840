//! Many connections that one attacker holds, each of which does next to nothing.

use std::{
    collections::BTreeMap,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

/// The connections. They are closed with this value.
pub(crate) struct Crowd {
    members: Vec<Member>,
}

struct Member {
    stream: TcpStream,
    begun: Instant,
    said: Vec<u8>,
    ended: Option<Duration>,
}

impl Crowd {
    pub(crate) fn of(count: usize, address: SocketAddr) -> Self {
        Self { members: (0..count).map(|_| Member::connect(address)).collect() }
    }

    /// Sends this on every connection that is open, as far as it is taken at once.
    pub(crate) fn say(&mut self, bytes: &[u8]) {
        for member in self.members.iter_mut().filter(|member| member.ended.is_none()) {
            // Whoever was cut off is noticed when it is read from.
            let _ = member.stream.write(bytes);
        }
    }

    /// Sends all of this on every connection, as fast as it is taken.
    pub(crate) fn say_all(&mut self, bytes: &[u8], most: Duration) {
        let until = Instant::now() + most;
        let mut sent = vec![0; self.members.len()];
        while Instant::now() < until {
            let mut left = false;
            for (member, sent) in self.members.iter_mut().zip(&mut sent) {
                member.listen();
                if member.ended.is_none() && *sent < bytes.len() {
                    *sent += member.stream.write(&bytes[*sent..]).unwrap_or(0);
                    left = true;
                }
            }
            if !left {
                return;
            }
        }
    }

    /// Ends the sending side of every connection.
    pub(crate) fn half_close(&mut self) {
        for member in &self.members {
            let _ = member.stream.shutdown(std::net::Shutdown::Write);
        }
    }

    /// Sends a piece on every connection now and then, until all have been ended by the other side or `most` is over. With
    /// an empty piece it only waits.
    pub(crate) fn drip(&mut self, piece: &[u8], most: Duration) {
        let until = Instant::now() + most;
        while self.open() > 0 && Instant::now() < until {
            if !piece.is_empty() {
                self.say(piece);
            }
            thread::sleep(PAUSE);
            self.listen();
        }
    }

    /// Takes what was answered.
    pub(crate) fn listen(&mut self) {
        for member in self.members.iter_mut().filter(|member| member.ended.is_none()) {
            member.listen();
        }
    }

    /// Waits until each has been answered this much.
    pub(crate) fn await_answers(&mut self, bytes: usize, most: Duration) {
        let until = Instant::now() + most;
        while Instant::now() < until && self.members.iter().any(|one| one.ended.is_none() && one.said.len() < bytes) {
            self.listen();
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Takes the others in.
    pub(crate) fn join(&mut self, others: Self) {
        self.members.extend(others.members);
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.members.len()
    }

    /// How many are not ended yet.
    pub(crate) fn open(&self) -> usize {
        self.members.iter().filter(|member| member.ended.is_none()).count()
    }

    /// How long the most patient of those was waited for that have ended.
    pub(crate) fn longest(&self) -> Duration {
        self.members.iter().filter_map(|member| member.ended).max().unwrap_or_default()
    }

    /// How many were answered with which status; `none` with nothing.
    pub(crate) fn statuses(&self) -> BTreeMap<String, usize> {
        let mut statuses = BTreeMap::new();
        for member in &self.members {
            let line = String::from_utf8_lossy(&member.said[..member.said.len().min(12)]).into_owned();
            let status = line.strip_prefix("HTTP/1.1 ").map_or("none", |status| status);
            *statuses.entry(status.to_owned()).or_default() += 1;
        }
        statuses
    }
}

impl Member {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nonblocking(true).unwrap();
        Self { stream, begun: Instant::now(), said: Vec::new(), ended: None }
    }

    fn listen(&mut self) {
        let mut piece = [0; 4096];
        loop {
            match self.stream.read(&mut piece) {
                Ok(read) if read > 0 => self.said.extend_from_slice(&piece[..read.min(64)]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                _ => {
                    self.ended = Some(self.begun.elapsed());
                    return;
                }
            }
        }
    }
}

const PAUSE: Duration = Duration::from_millis(200);
