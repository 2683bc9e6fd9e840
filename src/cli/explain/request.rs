//! The described request, as the gate sees it.

use std::{
    fs,
    io::Read,
    net::{IpAddr, Ipv4Addr},
    path::Path,
    str::FromStr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header::AUTHORIZATION};
use rustls_pki_types::{CertificateDer, UnixTime};

use super::Explain;
use crate::{
    certificate::{forwarded::Source, inspect},
    cli::argument,
    config::{Settings, settings::Address},
    explain::Evidence,
    gate::{Answer, Findings, Gate, Inbound, Judgement, Known, Verdict},
    headers::Asserted,
    peer::{Connection, TrustedPeers},
    proxy::{answers::Outside, body::MOST_BYTES, framing},
    route::{Demands, RequestPath, Route, Routes, Template},
};

/// One request.
pub(super) struct Described {
    pub(super) method: Method,
    /// As the client sends it.
    target: String,
    /// The time that was named, and when that was.
    at: Option<(UnixTime, Instant)>,
    /// None: nothing is known of it.
    pub(super) body: Option<Bytes>,
    /// Whether certificates come in a header, so that they count only from a trusted load balancer.
    pub(super) is_from_header: bool,
    connection: Connection,
    headers: HeaderMap,
    asserted: Asserted,
    header: Option<String>,
    file: Option<Vec<u8>>,
    token: Option<String>,
    host: Option<String>,
    /// The peer's proofs that no option can describe.
    pub(super) taken_as_given: Vec<&'static str>,
}

impl Described {
    /// Reads what the options name, and lets the gate trust the peer unless one is named.
    ///
    /// # Errors
    /// What cannot be read, in words.
    pub(super) fn read(options: &Explain, settings: &mut Settings) -> Result<Self, String> {
        if options.peer.is_some() && matches!(settings.listen.address, Address::Unix(_)) {
            return Err(
                "--peer: on a Unix socket a peer has no address; its permissions say who is believed".to_owned()
            );
        }
        let method = Method::from_str(&options.method).map_err(|_| "--method is no method; write it as GET")?;
        let body = read_body(options, &method)?;
        let token = options.token.as_deref().map(|file| read_token("--token", file)).transpose()?;
        let (file, shown) = options.certificate.as_deref().map(read_certificates).transpose()?.unzip();
        let mut headers = credentials(token.as_deref(), options.proof.as_deref())?;
        let header = read_header(options, settings, &mut headers)?;
        let asserted = Asserted::take(&settings.identity, &mut headers);
        let taken_as_given = taken_as_given(&settings.gate.peers, options.peer);
        let peer = believe(settings, options.peer);
        let is_from_header = !matches!(settings.gate.source, Source::Connection);
        let connection = connection(settings, peer, &asserted, shown);
        let at = options.at.map(|at| (at, Instant::now()));
        let (target, host) = (options.path.clone(), options.host.clone());
        Ok(Self {
            method,
            target,
            at,
            body,
            is_from_header,
            connection,
            headers,
            asserted,
            header,
            file,
            token,
            host,
            taken_as_given,
        })
    }

    /// What the gate says, with what it was told.
    pub(super) fn judge(&self, gate: &Gate, outside: &Outside, answered: &[Answer]) -> Judgement {
        let read = framing::target(self.target.as_bytes()).and_then(|()| RequestPath::parse(self.path().as_bytes()));
        let path = match read {
            Ok(path) => path,
            Err(denial) => return Judgement { verdict: Verdict::Deny(denial), findings: Findings::default() },
        };
        let inbound = Inbound {
            connection: &self.connection,
            asserted: &self.asserted,
            headers: &self.headers,
            method: &self.method,
            authority: self.host.as_deref(),
            path,
        };
        let keys = outside.keys.ring();
        let (revocations, introspections) = (&outside.revocation, &*outside.introspection);
        let known = Known { keys: &keys, revocations, introspections, answered, proof: None };
        gate.judge(&inbound, &known, self.now())
    }

    /// The time of the request: time goes on from one that was named, so that what takes long to be found out is not taken
    /// for something that a clock which was ahead has seen.
    pub(super) fn now(&self) -> UnixTime {
        let Some((at, since)) = self.at else { return UnixTime::now() };
        UnixTime::since_unix_epoch(Duration::from_secs(at.as_secs().saturating_add(since.elapsed().as_secs())))
    }

    /// The target without its query.
    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// A route for everything that demands the token and nothing else.
    pub(super) fn token_alone(&self) -> Routes {
        let path = Template::parse("/{*rest}").into_iter();
        let demands = Demands { token: true, ..Demands::default() };
        Routes::new(path.map(|path| Route::new(path, demands)).collect())
    }

    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// What was shown, and what issuers said of the token, for finding mistakes.
    pub(super) fn evidence(&self, found: &Findings, introspected: &[Bytes]) -> Evidence<'_> {
        let header = self.header.as_deref().map(str::as_bytes);
        // Where its issuer was believed, what stands in a token itself does not count.
        let is_opaque = found.token.as_ref().is_some_and(|token| token.kind() == "opaque");
        let token = self.token.as_deref().filter(|_| !is_opaque);
        Evidence::of(header, self.file.as_deref(), token, introspected.iter().map(|answer| &**answer))
    }
}

/// The configured proofs that are not judged where the peer is named by its address alone.
fn taken_as_given(peers: &TrustedPeers, peer: Option<IpAddr>) -> Vec<&'static str> {
    let configured = [("secret", peers.secret.is_some()), ("certificate", peers.balancers.is_some())];
    configured.into_iter().filter(|(_, given)| *given && peer.is_some()).map(|(proof, _)| proof).collect()
}

/// The peer that the request comes from. Without one in the options it is a load balancer with every proof.
fn believe(settings: &mut Settings, peer: Option<IpAddr>) -> IpAddr {
    let peers = &mut settings.gate.peers;
    let trusted = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let networks = match peer {
        None => Some(vec![trusted.into()]),
        Some(_) => peers.networks.take(),
    };
    // Proofs that no option can describe are taken to hold, where there are networks to hold them against.
    let without_networks = networks.is_none() && (peers.balancers.is_some() || peers.secret.is_some());
    let networks = networks.or_else(|| without_networks.then(|| peer.into_iter().map(Into::into).collect()));
    *peers = TrustedPeers { networks, balancers: None, secret: None, refuse_strangers: peers.refuse_strangers };
    peer.unwrap_or(trusted)
}

/// What it comes on. Certificates are shown as by a handshake with certbound itself, so that intermediates need no place in
/// a header, unless they would come in one that is not believed.
fn connection(settings: &mut Settings, peer: IpAddr, asserted: &Asserted, shown: Option<Vec<Vec<u8>>>) -> Connection {
    let mut connection = Connection::from(Some(peer));
    let Gate { peers, source, .. } = &mut settings.gate;
    let believed = || peers.admit(&connection, asserted, UnixTime::now()).is_ok_and(|peer| peer.is_ok());
    if let Some(shown) = shown
        && (matches!(source, Source::Connection) || believed())
    {
        *source = Source::Connection;
        connection.certificates = shown.into_iter().map(CertificateDer::from).collect();
    }
    connection
}

/// The headers that the token and its proof come in.
fn credentials(token: Option<&str>, proof: Option<&Path>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        let scheme = if proof.is_some() { "DPoP" } else { "Bearer" };
        let value = format!("{scheme} {token}").parse().map_err(|_| "the token is no header value".to_owned())?;
        headers.insert(AUTHORIZATION, value);
    }
    if let Some(proof) = proof {
        let proof = read_token("--proof", proof)?;
        let value = HeaderValue::try_from(proof).map_err(|_| "the proof is no header value".to_owned())?;
        headers.insert("dpop", value);
    }
    Ok(headers)
}

fn read_header(options: &Explain, settings: &Settings, headers: &mut HeaderMap) -> Result<Option<String>, String> {
    let Some(value) = &options.header else { return Ok(None) };
    if let Source::Connection = settings.gate.source {
        return Err("with source = \"connection\" no header is read; use --certificate".to_owned());
    }
    let name = settings.identity.certificate().ok_or("no header is read")?;
    let text = value.trim().to_owned();
    let value = HeaderValue::from_str(&text).map_err(|_| "the header's value holds what no header can".to_owned())?;
    headers.insert(name.clone(), value);
    Ok(Some(text))
}

/// The file, and the certificates in it.
fn read_certificates(file: &Path) -> Result<(Vec<u8>, Vec<Vec<u8>>), String> {
    let bytes = fs::File::open(file).and_then(argument::bounded).map_err(|error| argument::unusable(file, error))?;
    let certificates = inspect::read(&bytes).map_err(|why| format!("{}: {}", file.display(), why.what))?;
    Ok((bytes.to_vec(), certificates))
}

/// Byte for byte. Requests by methods that seldom have one have none.
fn read_body(options: &Explain, method: &Method) -> Result<Option<Bytes>, String> {
    match options.body.as_deref() {
        Some(file) if argument::is_standard_input(file) && options.token.as_deref() == Some(file) => {
            Err("standard input is the token or the body, not both".to_owned())
        }
        Some(file) => {
            let mut read = Vec::new();
            // One byte more than a body may have that is read, so that one that is too large is refused as such.
            let body = argument::open(file).and_then(|body| body.take(MOST_BYTES + 1).read_to_end(&mut read));
            body.map_err(|error| format!("--body: {}", argument::unusable(file, error)))?;
            Ok(Some(read.into()))
        }
        None => Ok(matches!(*method, Method::GET | Method::HEAD | Method::DELETE).then(Bytes::new)),
    }
}

/// Without the scheme, if it was copied along.
fn read_token(option: &str, file: &Path) -> Result<String, String> {
    // Not repeated, whatever it looks like: who forgets that a file is wanted gives the token itself.
    let unreadable = |error| format!("{option} names a file, and there is none that can be read: {error}");
    let bytes = argument::open(file).and_then(argument::bounded).map_err(unreadable)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| format!("{option} holds what is not ASCII"))?;
    let text = text.trim();
    let bare = text.strip_prefix("Bearer ").or_else(|| text.strip_prefix("DPoP ")).unwrap_or(text);
    Ok(bare.trim().to_owned())
}

/// A time in RFC 3339, in UTC or with an offset; its letters may be lower case.
pub(super) fn time(text: &str) -> Result<UnixTime, String> {
    let wrong = || "it is no time in RFC 3339; write it as 2026-11-22T07:00:00Z".to_owned();
    let upper = text.to_ascii_uppercase();
    let (date, zone) = split_zone(&upper).ok_or_else(wrong)?;
    let whole = date.split('.').next().unwrap_or_default();
    let time = der::DateTime::from_str(&format!("{whole}Z")).map_err(|_| wrong())?;
    let seconds = i64::try_from(time.unix_duration().as_secs()).ok().and_then(|seconds| seconds.checked_sub(zone));
    let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok()).ok_or_else(wrong)?;
    Ok(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
}

/// The date and time, and how many seconds its zone is ahead of UTC.
fn split_zone(text: &str) -> Option<(&str, i64)> {
    if let Some(date) = text.strip_suffix('Z') {
        return Some((date, 0));
    }
    let (date, zone) = text.split_at_checked(text.len().checked_sub(6)?)?;
    let (sign, rest) = zone.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':')?;
    let seconds = hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60;
    match sign {
        "+" => Some((date, seconds)),
        "-" => Some((date, -seconds)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_read_as_rfc_3339_has_it() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(time(text).ok().map(|time| time.as_secs()), expected, "{text}");
        };
        check("1970-01-01T00:00:10Z", Some(10));
        check("1970-01-01T00:00:10.999Z", Some(10));
        check("1970-01-01t00:00:10z", Some(10));
        check("1970-01-01t01:00:10+01:00", Some(10));
        check("1970-01-01T01:00:10+01:00", Some(10));
        check("1970-01-01T00:00:10-00:30", Some(1810));
        for wrong in ["", "Z", "1970-01-01", "1970-01-01 00:00:10", "1970-13-01T00:00:00Z", "1970-01-01T00:00:10+1"] {
            check(wrong, None);
        }
    }
}
