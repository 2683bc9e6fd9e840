//! Names of hosts. Each is looked up once at a time: a look-up that nobody waits for any more keeps a thread until the system
//! gives it up, and those threads are few.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, LazyLock},
};

use crate::outside::flights::Flights;

/// Where a name leads, by the system's resolver. Whoever asks sets the time.
///
/// # Errors
/// What the system says.
pub(crate) async fn look_up(host: &str, port: u16) -> io::Result<Arc<[SocketAddr]>> {
    let flight = UNDER_WAY.board(
        (host.to_owned(), port),
        || true,
        || {
            let host = host.to_owned();
            async move {
                let found = tokio::net::lookup_host((&*host, port)).await;
                found.map(Iterator::collect).map_err(|error| error.to_string().into())
            }
        },
    );
    let found = match flight {
        Some(flight) => flight.landed().await,
        None => None,
    };
    found.unwrap_or_else(|| Err("the look-up failed".into())).map_err(|why: Arc<str>| io::Error::other(&*why))
}

type Found = Result<Arc<[SocketAddr]>, Arc<str>>;

/// Nothing is remembered but what is under way.
static UNDER_WAY: LazyLock<Flights<(String, u16), Found>> = LazyLock::new(Flights::new);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn name_leads_to_addresses_with_the_port() {
        let found = look_up("127.0.0.1", 443).await.unwrap();
        assert_eq!(*found, [SocketAddr::from((Ipv4Addr::LOCALHOST, 443))]);
        let named = look_up("localhost", 80).await.unwrap();
        assert!(!named.is_empty() && named.iter().all(|place| place.ip().is_loopback() && place.port() == 80));
    }

    #[tokio::test]
    async fn name_that_nobody_has_leads_nowhere() {
        let error = look_up("nobody.invalid", 80).await.unwrap_err();
        assert!(!error.to_string().is_empty());
    }
}
