//! Opens TCP connections to hosts, at whichever of their addresses answers first. How long that may take is the caller's affair.

use std::{io, net::SocketAddr, time::Duration};

use http::{Uri, uri::Scheme};
use tokio::{net::TcpStream, task::JoinSet, time::timeout};

use crate::{host::unbracketed, outside::names};

/// A connection to `host`: an IP address, with or without brackets, or a name, wherever it leads.
///
/// # Errors
/// The name is unknown, or nobody listens there.
pub(super) async fn dial(host: &str, port: u16) -> io::Result<TcpStream> {
    let places = names::look_up(unbracketed(host), port).await?;
    first_to_answer(places.iter().copied()).await.unwrap_or_else(|| Err(io::ErrorKind::NotFound.into()))
}

/// The same for the host of an http or https address.
///
/// # Errors
/// The address has no host, or as for [`dial`].
pub(super) async fn dial_host_of(address: &Uri) -> io::Result<TcpStream> {
    let host = address.host().ok_or(io::ErrorKind::InvalidInput)?;
    let usual = if address.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    dial(host, address.port_u16().unwrap_or(usual)).await
}

/// A connection to one of `places`, tried in their order. None: there are none.
pub(super) async fn first_to_answer(mut places: impl Iterator<Item = SocketAddr>) -> Option<io::Result<TcpStream>> {
    let (mut attempts, mut latest) = (JoinSet::new(), None);
    loop {
        if let Some(place) = places.next() {
            attempts.spawn(connect(place));
        }
        // One that is silent keeps the next one waiting no longer than this (RFC 8305, section 5).
        match timeout(HEAD_START, attempts.join_next()).await {
            Ok(Some(Ok(Ok(stream)))) => return Some(Ok(stream)),
            Ok(Some(Ok(Err(error)))) => latest = Some(Err(error)),
            Ok(None) => return latest,
            Ok(Some(Err(_))) | Err(_) => {}
        }
    }
}

async fn connect(place: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(place).await?;
    // What is asked is one small write, and its answer is waited for.
    stream.set_nodelay(true)?;
    Ok(stream)
}

const HEAD_START: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use std::net::Ipv4Addr;

    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    /// One that drops what it gets, as a way out that is not there does, would otherwise take all the time there is.
    #[tokio::test]
    async fn silent_address_keeps_the_next_one_waiting_for_a_moment_only() {
        let full = TcpSocket::new_v4().unwrap();
        full.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let full = full.listen(1).unwrap();
        let silent = full.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(Ok(stream)) = timeout(Duration::from_millis(300), TcpStream::connect(silent)).await {
            waiting.push(stream);
            assert!(waiting.len() < 100, "it takes everybody");
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let open = listener.local_addr().unwrap();

        let found = timeout(Duration::from_secs(10), first_to_answer([silent, open].into_iter())).await.unwrap();

        assert_eq!(found.unwrap().unwrap().peer_addr().unwrap(), open);
        drop((listener, full));
    }

    #[tokio::test]
    async fn nobody_answers_where_there_is_no_address_or_no_listener() {
        assert!(first_to_answer(std::iter::empty()).await.is_none());
        let unused = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let error = first_to_answer([unused].into_iter()).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn host_of_an_address_is_dialled_at_its_port() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let open = listener.local_addr().unwrap();
        for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
            let address = format!("http://{host}:{}/", open.port()).parse().unwrap();
            assert_eq!(dial_host_of(&address).await.unwrap().peer_addr().unwrap().port(), open.port(), "{host}");
        }
        assert!(dial_host_of(&Uri::from_static("/path")).await.is_err());
    }
}
