//! `[client_certificate]`: where the client's certificate is found.

use http::HeaderName;

use crate::{
    certificate::{Profile, forwarded},
    config::{
        names,
        reading::{Place, Placed},
        table::Table,
    },
};

/// The table as read.
pub(super) struct ClientCertificate {
    /// Where certificates come from.
    pub(super) source: forwarded::Source,
    /// Where that is chosen.
    pub(super) place: Place,
    pub(super) profile: Profile,
    /// The configured name, or the profile's.
    pub(super) header: Placed<HeaderName>,
    /// The configured name, or the profile's where it has one.
    pub(super) chain_header: Option<Placed<HeaderName>>,
    /// More names to take out.
    pub(super) strip: Vec<HeaderName>,
}

impl ClientCertificate {
    /// Whether clients do mTLS with certbound itself.
    pub(super) fn is_connection(&self) -> bool {
        matches!(self.source, forwarded::Source::Connection)
    }
}

pub(super) fn read(mut table: Table<'_>) -> ClientCertificate {
    let connection = table.choice("source", ("header", false), &[("connection", true)]);
    let [wso2, others @ ..] = profiles();
    let profile = table.choice("profile", wso2, &others);
    let header = header(&mut table, "header")
        .unwrap_or_else(|| Placed { value: profile.header(), place: table.place_of("header") });
    let chain_header = chain_header(&mut table, profile);
    if chain_header.as_ref().is_some_and(|chain| names::folded(&chain.value) == names::folded(&header.value)) {
        table.fault("chain_header", "certificate and chain share a header", "name another one");
    }
    let max_bytes = table.size("max_bytes", "16KiB");
    let strip = table.strings("strip").unwrap_or_default();
    let strip = strip.iter().filter_map(|name| names::taken(table.reading, name)).collect();
    let source = match connection {
        true => forwarded::Source::Connection,
        false => forwarded::Source::Header { profile, max_bytes },
    };
    ClientCertificate { source, place: table.place_of("source"), profile, header, chain_header, strip }
}

/// Every profile with its name.
pub(super) fn profiles() -> [(&'static str, Profile); 14] {
    Profile::ALL.map(|profile| (profile.name(), profile))
}

fn header(table: &mut Table<'_>, key: &'static str) -> Option<Placed<HeaderName>> {
    let name = table.string(key)?;
    let value = names::carrying(table.reading, &name)?;
    Some(Placed { value, place: name.place })
}

/// A name for a chain that the profile cannot read would be a key without effect.
fn chain_header(table: &mut Table<'_>, profile: Profile) -> Option<Placed<HeaderName>> {
    let configured = header(table, "chain_header");
    match (configured, profile.chain_header()) {
        (Some(configured), Some(_)) => Some(configured),
        (Some(_), None) => {
            let what = format!("the profile {} has no header for the chain", profile.name());
            table.fault("chain_header", what, "leave it out");
            None
        }
        (None, default) => default.map(|value| Placed { value, place: table.place_of("chain_header") }),
    }
}
