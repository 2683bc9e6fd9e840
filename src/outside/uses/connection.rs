//! One connection to a Redis or Valkey server, in the few words of RESP2 that are needed.

use std::{io, sync::Arc};

use rustls::ClientConfig;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::UnixStream,
};
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use crate::{
    config::settings::{Address, SharedMemory},
    outside::{
        dial::dial,
        http::{self, FetchError},
    },
};

/// How connections are made.
pub(super) struct Server {
    settings: SharedMemory,
    tls: Option<Arc<ClientConfig>>,
}

/// A connection on which the server has taken account and database. One question at a time.
pub(super) struct Connection(Box<dyn Stream>);

/// Why the server did not answer. Names no account, no key, and none of the server's own words but the first.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectionError {
    /// None could be made, or it ended.
    #[error("no connection: {0}")]
    Broken(#[from] io::Error),
    /// It was understood and not done, such as `WRONGPASS` or `READONLY`.
    #[error("the server refuses: {0}")]
    Refused(String),
    /// Something else than the reply that the command has.
    #[error("the server answers something else than was asked")]
    Nonsense,
}

#[derive(Debug, Eq, PartialEq)]
enum Reply {
    Done,
    Nothing,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Server {
    /// Connects to nobody yet.
    ///
    /// # Errors
    /// The authorities cannot be used.
    pub(super) fn new(settings: SharedMemory) -> Result<Self, FetchError> {
        let tls = settings.tls.as_ref().map(|tls| http::client_config(tls.authorities.as_deref()));
        Ok(Self { tls: tls.transpose()?.map(Arc::new), settings })
    }

    /// Connects, and says who asks. How long that may take is the caller's affair.
    pub(super) async fn connect(&self) -> Result<Connection, ConnectionError> {
        let mut connection = Connection(self.stream().await?);
        let SharedMemory { username, password, database, .. } = &self.settings;
        if let Some(password) = password {
            let account = username.iter().map(String::as_str).chain([password.as_str()]);
            connection.is_done(&[["AUTH"].as_slice(), &account.collect::<Vec<_>>()].concat()).await?;
        }
        if *database != 0 {
            connection.is_done(&["SELECT", &database.to_string()]).await?;
        }
        Ok(connection)
    }

    async fn stream(&self) -> io::Result<Box<dyn Stream>> {
        let stream = match &self.settings.address {
            Address::Unix(path) => return Ok(Box::new(UnixStream::connect(path).await?)),
            Address::Tcp { host, port } => dial(host, *port).await?,
        };
        Ok(match (&self.tls, &self.settings.tls) {
            (Some(config), Some(tls)) => {
                let connector = TlsConnector::from(Arc::clone(config));
                Box::new(connector.connect(tls.server_name.clone(), stream).await?)
            }
            _ => Box::new(stream),
        })
    }
}

impl Connection {
    /// Whether `key` was not there; now it is, for so many milliseconds. Both in one step, whoever else asks.
    pub(super) async fn set_new(&mut self, key: &str, milliseconds: u64) -> Result<bool, ConnectionError> {
        let milliseconds = milliseconds.to_string();
        let reply = self.ask(&["SET", key, "", "NX", "PX", &milliseconds]).await?;
        Ok(reply == Reply::Done)
    }

    async fn is_done(&mut self, command: &[&str]) -> Result<(), ConnectionError> {
        match self.ask(command).await? {
            Reply::Done => Ok(()),
            Reply::Nothing => Err(ConnectionError::Nonsense),
        }
    }

    async fn ask(&mut self, command: &[&str]) -> Result<Reply, ConnectionError> {
        self.0.write_all(&written(command)).await?;
        self.0.flush().await?;
        let mut line = Vec::with_capacity(LONGEST_REPLY);
        while !line.ends_with(b"\r\n") {
            let more = (&mut self.0).take((LONGEST_REPLY - line.len()) as u64).read_buf(&mut line).await?;
            if line.len() == LONGEST_REPLY {
                return Err(ConnectionError::Nonsense);
            }
            if more == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
        understood(&line)
    }
}

/// An array of bulk strings. Wiped after use: one of them may be a password.
fn written(command: &[&str]) -> Zeroizing<Vec<u8>> {
    let head = |sign: char, number: usize| format!("{sign}{number}\r\n").into_bytes();
    // With room for all, so that no copy is left behind where it grows.
    let room = command.iter().map(|part| part.len() + ROOM_FOR_A_LENGTH).sum::<usize>() + ROOM_FOR_A_LENGTH;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    bytes.extend(head('*', command.len()));
    for part in command {
        bytes.extend(head('$', part.len()));
        bytes.extend_from_slice(part.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// The one line that every command used here is answered with.
fn understood(line: &[u8]) -> Result<Reply, ConnectionError> {
    match line {
        b"+OK\r\n" => Ok(Reply::Done),
        b"$-1\r\n" => Ok(Reply::Nothing),
        [b'-', refusal @ ..] => {
            let word = refusal.iter().take_while(|byte| byte.is_ascii_uppercase()).take(LONGEST_WORD);
            Err(ConnectionError::Refused(word.map(|byte| char::from(*byte)).collect()))
        }
        _ => Err(ConnectionError::Nonsense),
    }
}

/// In bytes. Refusals are sentences; nothing else is longer than five bytes.
const LONGEST_REPLY: usize = 512;
/// In bytes: `NOREPLICAS`, `UNKILLABLE`.
const LONGEST_WORD: usize = 16;
/// In bytes: sign, number, and two line ends.
const ROOM_FOR_A_LENGTH: usize = 25;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_is_an_array_of_bulk_strings() {
        let bytes = written(&["SET", "certbound:used:x", "", "NX", "PX", "60000"]);

        let expected =
            "*6\r\n$3\r\nSET\r\n$16\r\ncertbound:used:x\r\n$0\r\n\r\n$2\r\nNX\r\n$2\r\nPX\r\n$5\r\n60000\r\n";
        assert_eq!(String::from_utf8_lossy(&bytes), expected);
    }

    #[test]
    fn password_is_not_copied_while_the_command_is_written() {
        let command = ["AUTH", "certbound", &"x".repeat(1000)];
        let before = written(&command);

        assert!(before.capacity() >= before.len());
        assert!(before.len() <= command.iter().map(|part| part.len() + ROOM_FOR_A_LENGTH).sum::<usize>() + 25);
    }

    #[test]
    fn reply_is_one_of_three_or_none() {
        let check = |line: &[u8], expected: Result<Reply, &str>| {
            assert_eq!(
                understood(line).map_err(|error| error.to_string()),
                expected.map_err(str::to_owned),
                "{line:?}"
            );
        };
        check(b"+OK\r\n", Ok(Reply::Done));
        check(b"$-1\r\n", Ok(Reply::Nothing));
        check(b"-WRONGPASS invalid username\r\n", Err("the server refuses: WRONGPASS"));
        check(b"-NOAUTH Authentication required.\r\n", Err("the server refuses: NOAUTH"));
        check(b"-secret\r\n", Err("the server refuses: "));
        for nonsense in
            [&b"+QUEUED\r\n"[..], b":1\r\n", b"$0\r\n\r\n", b"*-1\r\n", b"_\r\n", b"HTTP/1.1 400\r\n", b"\r\n"]
        {
            check(nonsense, Err("the server answers something else than was asked"));
        }
        // What comes behind a reply was not asked for, and would be taken for the next one.
        check(b"+OK\r\n+OK\r\n", Err("the server answers something else than was asked"));
    }
}
