//! Whether the API can be reached past certbound: what certbound proves is true only of what comes through it.

use std::{
    collections::BTreeSet,
    io,
    net::{SocketAddr, SocketAddrV4, SocketAddrV6},
    sync::Arc,
    time::Duration,
};

use nix::ifaddrs::getifaddrs;
use tokio::{
    net::TcpStream,
    task::spawn_blocking,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{
    config::settings::{Address, Settings},
    observe::metrics::Metrics,
    proxy::World,
};

/// Looks at start and each minute whether the backend's port answers on an address of this host that is not loopback:
/// others can go there, and get past every check.
///
/// Looks from inside: a firewall or network policy in between is not seen, and neither is another way to the API.
pub struct Exposure {
    metrics: Arc<Metrics>,
    port: u16,
    /// Where certbound itself may answer on that port.
    own: Vec<SocketAddr>,
    /// What answered when it was last looked at.
    exposed: BTreeSet<SocketAddr>,
    /// Whether this host told its addresses then.
    is_blind: bool,
}

impl Exposure {
    /// None where there is nothing to look for: the backend is a Unix socket, or is meant to be reached from elsewhere.
    pub fn of(world: &World) -> Option<Self> {
        let Settings { backend, listen, admin, .. } = &world.generation().settings;
        let port = backend.address.port().filter(|_| backend.address.is_local())?;
        let own = [&listen.address, admin].into_iter().filter_map(Address::literal).collect();
        Some(Self::new(Arc::clone(&world.metrics), port, own))
    }

    fn new(metrics: Arc<Metrics>, port: u16, own: Vec<SocketAddr>) -> Self {
        Self { metrics, port, own, exposed: BTreeSet::new(), is_blind: false }
    }

    /// Never returns.
    pub async fn watch(mut self) {
        let mut minutes = interval(PACE);
        minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            minutes.tick().await;
            let port = self.port;
            if let Ok(places) = spawn_blocking(move || places(port)).await {
                self.take(places).await;
            }
        }
    }

    /// Said once, until the addresses are known again: whoever forbids to ask for them forbids it each minute.
    async fn take(&mut self, places: io::Result<BTreeSet<SocketAddr>>) {
        let was_blind = self.is_blind;
        self.is_blind = places.is_err();
        match places {
            Ok(places) => self.look(places).await,
            Err(error) => {
                self.metrics.backend_exposed(None);
                if !was_blind {
                    tracing::warn!(
                        event = "addresses_unknown",
                        error = %error,
                        "whether the API answers past certbound is not found out"
                    );
                }
            }
        }
    }

    async fn look(&mut self, places: BTreeSet<SocketAddr>) {
        let mut exposed = BTreeSet::new();
        for place in places {
            if !self.own.contains(&place) && answers(place).await {
                exposed.insert(place);
            }
        }
        for place in exposed.difference(&self.exposed) {
            tracing::warn!(
                event = "backend_exposed",
                address = %place,
                "the API answers past certbound; have it listen on 127.0.0.1 alone"
            );
        }
        for place in self.exposed.difference(&exposed) {
            tracing::info!(event = "backend_not_exposed", address = %place, "nothing answers there any more");
        }
        self.metrics.backend_exposed(Some(!exposed.is_empty()));
        self.exposed = exposed;
    }
}

/// `port` on each address of this host that is not loopback. Blocks.
fn places(port: u16) -> io::Result<BTreeSet<SocketAddr>> {
    let interfaces = getifaddrs()?;
    let places = interfaces.filter_map(|interface| {
        let address = interface.address?;
        let v4 = address.as_sockaddr_in().map(|v4| SocketAddr::from(SocketAddrV4::new(v4.ip(), port)));
        // A link-local address leads somewhere only with its link.
        let v6 = || address.as_sockaddr_in6().map(|v6| SocketAddrV6::new(v6.ip(), port, 0, v6.scope_id()).into());
        v4.or_else(v6)
    });
    Ok(places.filter(|place| !place.ip().is_loopback()).collect())
}

/// Whether someone takes a connection there.
async fn answers(place: SocketAddr) -> bool {
    let Ok(Ok(stream)) = timeout(PATIENCE, TcpStream::connect(place)).await else { return false };
    // TCP can connect a port to itself, if the system happens to choose it for our end.
    stream.local_addr().is_ok_and(|own| own != place)
}

const PACE: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    fn value(metrics: &Metrics) -> Option<String> {
        let (page, _) = metrics.encode();
        page.lines().find_map(|line| line.strip_prefix("certbound_backend_exposed ")).map(str::to_owned)
    }

    #[tokio::test]
    async fn what_cannot_be_looked_at_is_not_told_as_a_no() {
        let metrics = Arc::new(Metrics::new());
        let mut exposure = Exposure::new(Arc::clone(&metrics), 1, Vec::new());

        exposure.take(Ok(BTreeSet::new())).await;
        assert_eq!(value(&metrics).as_deref(), Some("0"));
        assert!(!exposure.is_blind);

        exposure.take(Err(io::ErrorKind::Unsupported.into())).await;
        assert_eq!(value(&metrics), None);
        assert!(exposure.is_blind);
    }
}
