//! `[replay]`: where it is remembered what was used and may not be used again.

use http::Uri;
use rustls_pki_types::ServerName;
use zeroize::Zeroizing;

use crate::config::{
    anchors,
    fault::Wrong,
    reading::{Place, Placed, as_read},
    settings::{Address, SharedMemory, SharedTls, Uses},
    table::Table,
};

/// None where something is at fault.
pub(super) fn read(mut table: Table<'_>) -> Option<Uses> {
    let remembered = table.integer("entries", 100_000, 1..=10_000_000);
    let server = table.string("redis");
    let authorities = table.string("ca_file").map(|file| anchors::authorities(table.reading, &file));
    let username = table.string("username").map(|name| name.value);
    let password = table.string("password_file").map(|file| password(&table, &file));
    let timeout = table.duration("timeout", "500ms");
    let Some(server) = server else {
        let without_effect = [
            ("ca_file", authorities.is_some()),
            ("username", username.is_some()),
            ("password_file", password.is_some()),
        ];
        for (key, _) in without_effect.iter().filter(|(_, is_written)| *is_written) {
            table.fault(key, "no server is named", "write redis = \"redis://host:6379/0\", or leave it out");
        }
        return Some(Uses { remembered, shared: None });
    };
    if username.is_some() && password.is_none() {
        table.fault("username", "an account without a password", "write password_file too");
    }
    let place = Server::read(&table, &server)?;
    if authorities.is_some() && !place.is_tls {
        table.fault("ca_file", "authorities are for rediss://", "write redis = \"rediss://host:6379/0\"");
    }
    if !place.is_tls && !place.address.is_local() {
        let what = "whoever is on the way can read the password, and make a replay look new";
        table.reading.warn(&server.place, what, "write a rediss:// address");
    }
    let (authorities, password) = (as_read(authorities)?, as_read(password)?);
    let tls = match place.is_tls {
        true => Some(SharedTls { server_name: place.server_name(&table, &server.place)?, authorities }),
        false => None,
    };
    let (address, database) = (place.address, place.database);
    Some(Uses { remembered, shared: Some(SharedMemory { address, tls, database, username, password, timeout }) })
}

/// What an address says.
struct Server {
    address: Address,
    is_tls: bool,
    database: u16,
}

impl Server {
    /// `redis://host:port/database`, `rediss://…`, or `unix:PATH`.
    fn read(table: &Table<'_>, text: &Placed<String>) -> Option<Self> {
        let reading = table.reading;
        if text.value.starts_with("unix:") {
            let address = Address::parse(reading, text)?;
            return Some(Self { address, is_tls: false, database: 0 });
        }
        let uri = reading.settle(&text.place, url(&text.value))?;
        let host = uri.host().unwrap_or_default();
        let place = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
        // A port that is no number is for the address to refuse.
        let value = if place == host { format!("{host}:{PORT}") } else { place.to_owned() };
        let address = Address::parse(reading, &Placed { value, place: text.place.clone() })?;
        let database = reading.settle(&text.place, database(uri.path()))?;
        Some(Self { address, is_tls: uri.scheme_str() == Some("rediss"), database })
    }

    fn server_name(&self, table: &Table<'_>, place: &Place) -> Option<ServerName<'static>> {
        let host = self.address.host().unwrap_or_default().to_owned();
        let wrong = |_| Wrong::new(format!("`{host}` is not a server name"), FORM);
        table.reading.settle(place, ServerName::try_from(host.clone()).map_err(wrong))
    }
}

fn url(text: &str) -> Result<Uri, Wrong> {
    // The text is not repeated: a password that stands in it would be printed.
    let uri: Uri = text.parse().map_err(|_| Wrong::new("this is not an address", FORM))?;
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(Wrong::new("the address carries credentials", "write username and password_file"));
    }
    match uri.scheme_str() {
        Some("redis" | "rediss") if uri.query().is_none() && !text.contains('#') => Ok(uri),
        _ => Err(Wrong::new("this is not the address of a Redis or Valkey server", FORM)),
    }
}

fn database(path: &str) -> Result<u16, Wrong> {
    let number = path.strip_prefix('/').unwrap_or(path);
    match number.parse() {
        _ if number.is_empty() => Ok(0),
        Ok(database) if number.bytes().all(|byte| byte.is_ascii_digit()) => Ok(database),
        _ => Err(Wrong::new(format!("`{number}` is not the number of a database"), FORM)),
    }
}

/// What the file holds, which has to be something.
fn password(table: &Table<'_>, file: &Placed<String>) -> Option<Zeroizing<String>> {
    let password = table.reading.secret(file)?;
    if password.is_empty() {
        table.reading.fault(&file.place, "this file holds no password", "write it there");
        return None;
    }
    Some(password)
}

/// Of Redis, where none is written.
const PORT: u16 = 6379;
const FORM: &str = "write it as redis://host:6379/0, rediss://host:6379/0, or unix:PATH";
