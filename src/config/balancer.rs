//! `[load_balancer]`: whom we believe.

use http::HeaderName;
use ipnet::{IpNet, Ipv4Net};
use rustls_pki_types::CertificateDer;

use crate::{
    config::{
        anchors, names,
        reading::{Place, Placed},
        settings::ProxyProtocol,
        table::Table,
    },
    peer::{Balancers, Secrets, TrustedPeers},
};

/// The table as read.
pub(super) struct LoadBalancer {
    /// The table.
    pub(super) place: Place,
    /// Where `client_ca_file` stands, if it does.
    pub(super) client_ca: Option<Place>,
    /// The protocol, and where it is chosen.
    pub(super) proxy_protocol: (Option<ProxyProtocol>, Place),
    /// Whether any proof is demanded.
    pub(super) has_proof: bool,
    /// Where `on_untrusted` is chosen.
    pub(super) on_untrusted: Place,
    /// Where networks are given, none included.
    pub(super) networks: Option<Place>,
    /// Authorities any of whose certificates is taken for a load balancer's: there are no names.
    pub(super) nameless: Vec<CertificateDer<'static>>,
    /// Carries the shared secret.
    pub(super) secret_header: Option<Placed<HeaderName>>,
    pub(super) peers: TrustedPeers,
}

pub(super) fn read(mut table: Table<'_>) -> LoadBalancer {
    let networks = table.strings("trusted_networks");
    let networks = networks.map(|list| list.iter().filter_map(|text| network(&table, text)).collect::<Vec<IpNet>>());
    let client_ca = table.string("client_ca_file");
    let (balancers, nameless) = balancers(&mut table, client_ca.as_ref()).unzip();
    let secret = secret(&mut table);
    let (v1, v2) = (Some(ProxyProtocol::V1), Some(ProxyProtocol::V2));
    let proxy_protocol = table.choice("proxy_protocol", ("off", None), &[("v1", v1), ("v2", v2)]);
    let refuse_strangers = table.choice("on_untrusted", ("strip", false), &[("refuse", true)]);
    let (has_networks, has_secret) = (table.is_given("trusted_networks"), table.is_given("secret_header"));
    let (secret_header, secret) = secret.unzip();
    LoadBalancer {
        place: table.place.clone(),
        has_proof: has_networks || client_ca.is_some() || has_secret,
        on_untrusted: table.place_of("on_untrusted"),
        networks: has_networks.then(|| table.place_of("trusted_networks")),
        nameless: nameless.unwrap_or_default(),
        client_ca: client_ca.map(|file| file.place),
        proxy_protocol: (proxy_protocol, table.place_of("proxy_protocol")),
        secret_header,
        peers: TrustedPeers { networks, balancers, secret, refuse_strangers },
    }
}

fn network(table: &Table<'_>, text: &Placed<String>) -> Option<IpNet> {
    let Ok(network) = text.value.parse::<IpNet>() else {
        // An address alone may mean itself or a network whose length was forgotten.
        let remedy = match text.value.parse::<std::net::IpAddr>() {
            Ok(ip) => format!("write it as {}", IpNet::from(ip)),
            Err(_) => "write it as 10.0.0.0/8".to_owned(),
        };
        table.reading.fault(&text.place, format!("`{}` is not a network", text.value), remedy);
        return None;
    };
    let network = unmapped(network);
    if network.prefix_len() == 0 {
        let what = format!("`{network}` is every address there is");
        table.reading.warn(&text.place, what, "write the networks of your load balancers");
    }
    if network.trunc() != network {
        let what = format!("`{network}` has bits set beyond its length; {} is used", network.trunc());
        table.reading.warn(&text.place, what, format!("write it as {}", network.trunc()));
    }
    Some(network.trunc())
}

/// IPv4 written as IPv6: peers are compared by their IPv4 address.
fn unmapped(network: IpNet) -> IpNet {
    let IpNet::V6(mapped) = network else { return network };
    let bits = mapped.prefix_len().checked_sub(96).zip(mapped.addr().to_ipv4_mapped());
    bits.and_then(|(bits, ip)| Ipv4Net::new(ip, bits).ok()).map_or(network, IpNet::V4)
}

/// The balancer's own certificate, shown to this listener; and its authorities where they vouch for any name.
fn balancers(
    table: &mut Table<'_>,
    client_ca: Option<&Placed<String>>,
) -> Option<(Balancers, Vec<CertificateDer<'static>>)> {
    let names = table.strings("client_names").unwrap_or_default();
    let Some(file) = client_ca else {
        if !names.is_empty() {
            table.fault("client_names", "names without an authority prove nothing", "add client_ca_file");
        }
        return None;
    };
    if let Some(empty) = names.iter().find(|name| name.value.is_empty()) {
        table.reading.fault(&empty.place, "a name is empty", "write a DNS name or a URI");
    }
    let authorities = anchors::authorities(table.reading, file)?;
    let names: Vec<String> = names.into_iter().map(|name| name.value).collect();
    let nameless = if names.is_empty() { authorities.clone() } else { Vec::new() };
    match Balancers::new(authorities, names) {
        Ok(balancers) => Some((balancers, nameless)),
        Err(why) => {
            table.reading.fault(&file.place, why, "give the authority of the load balancer's certificate");
            None
        }
    }
}

fn secret(table: &mut Table<'_>) -> Option<(Placed<HeaderName>, Secrets)> {
    let mut secret = table.table("secret_header");
    let (name, file) = (secret.required("name", "X-LB-Auth"), secret.required("value_file", "lb-secret"));
    let name = name.and_then(|name| {
        let value = names::carrying(table.reading, &name)?;
        Some(Placed { value, place: name.place })
    });
    let file = file?;
    let content = table.reading.bytes(&file)?;
    let secrets = Secrets::parse(&content);
    if secrets.is_none() {
        table.reading.fault(&file.place, "this file holds no secret", "write one secret a line");
    }
    let mut lines = content.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    if lines.any(|line| (1..SHORT_SECRET).contains(&line.len())) {
        let what = format!("a secret has fewer than {SHORT_SECRET} characters, and whoever guesses it is believed");
        table.reading.warn(&file.place, what, "write what `openssl rand -base64 32` gives");
    }
    Some((name?, secrets?))
}

/// Fewer can be tried one by one, or are a word that somebody chose.
const SHORT_SECRET: usize = 16;
