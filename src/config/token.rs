//! `[token]` and `[[token.issuer]]`: which tokens are taken, and where their keys come from.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use crate::{
    binding::BindingRules,
    config::{
        address, anchors, dpop,
        fault::Wrong,
        introspection::{self, Endpoint},
        reading::{Place, Placed, Reading, as_read},
        settings::{IntrospectionSource, KeyLocation, KeyPlace, KeySource},
        table::{Table, among},
    },
    token::{Algorithm, Issuer, Issuers, KeySet, TokenRules, Verify, media_type},
};

/// The table as read.
pub(super) struct Tokens {
    pub(super) issuers: Issuers,
    pub(super) binding: BindingRules,
    /// In the order of the issuers.
    pub(super) keys: Vec<KeySource>,
    /// The same.
    pub(super) introspection: Vec<Option<Arc<IntrospectionSource>>>,
    pub(super) fetch_timeout: Duration,
    /// Of the issuers; the table where none is written.
    pub(super) place: Place,
    /// Whether any issuer is written, understood or not.
    pub(super) written: bool,
}

pub(super) fn read(mut table: Table<'_>) -> Tokens {
    let rules = rules(&mut table);
    let fetch_timeout = table.duration("fetch_timeout", "2s");
    let binding = binding(&mut table, rules.clock_skew);
    let (mut issuers, mut keys, mut introspection) = (Vec::<Issuer>::new(), Vec::new(), Vec::new());
    let mut named = BTreeSet::new();
    let tables = table.tables("issuer");
    let written = !tables.is_empty() || table.is_misread("issuer");
    for mut issuer in tables {
        let Some((read, source, asked)) = self::issuer(&mut issuer, &mut named, &rules.algorithms) else { continue };
        if read.introspects && issuers.iter().filter(|known| known.introspects).count() >= MOST_ASKED {
            let what = format!("an opaque token would make more than {MOST_ASKED} questions");
            issuer.fault("introspection", what, "leave it out");
        }
        issuers.push(read);
        keys.push(source);
        introspection.push(asked.map(Arc::new));
    }
    let place = table.place_of("issuer");
    Tokens { issuers: Issuers { issuers, rules }, binding, keys, introspection, fetch_timeout, place, written }
}

fn rules(table: &mut Table<'_>) -> TokenRules {
    let algorithms = table.strings_or("algorithms", &["PS256", "ES256"]);
    if algorithms.is_empty() {
        table.fault("algorithms", "no token could be accepted", "write algorithms = [\"PS256\", \"ES256\"]");
    }
    let algorithms = algorithms.iter().filter_map(|name| table.reading.settle(&name.place, algorithm(&name.value)));
    let algorithms = algorithms.collect();
    let clock_skew = table.duration_or_zero("clock_skew", "30s").as_secs();
    if clock_skew > LONG_SKEW {
        let place = table.place_of("clock_skew");
        table.reading.warn(
            &place,
            "tokens are accepted that long after their end",
            "keep the clocks in step, and write 30s",
        );
    }
    let types = table.strings_or("types", &["at+jwt", "JWT"]);
    if types.is_empty() {
        table.fault("types", "no token could be accepted", "write types = [\"at+jwt\", \"JWT\"]");
    }
    TokenRules {
        algorithms,
        clock_skew,
        types: types.iter().map(|typ| media_type(&typ.value).into()).collect(),
        required_claims: required_claims(table),
        consent_claim: None,
    }
}

/// An algorithm of signatures that need no shared secret.
pub(super) fn algorithm(name: &str) -> Result<Algorithm, Wrong> {
    if name.eq_ignore_ascii_case("none") {
        return Err(Wrong::new("`none` is no signature, and is never accepted", "leave it out"));
    }
    if name.to_ascii_uppercase().starts_with("HS") {
        let what = format!("`{name}` needs a secret that the issuer shares, and is never accepted");
        return Err(Wrong::new(what, "leave it out"));
    }
    among(name, &Algorithm::ALL.map(|algorithm| (algorithm.name(), algorithm)))
}

fn required_claims(table: &mut Table<'_>) -> Vec<Arc<str>> {
    let claims = table.strings_or("required_claims", &["iss", "aud", "exp"]);
    if let Some(empty) = claims.iter().find(|claim| claim.value.is_empty()) {
        table.reading.fault(&empty.place, "a claim has no name", "write it as exp");
    }
    if !claims.iter().any(|claim| claim.value == "exp") {
        let place = table.place_of("required_claims");
        table.reading.warn(&place, "a token without `exp` never ends", "add \"exp\"");
    }
    claims.iter().map(|claim| claim.value.as_str().into()).collect()
}

/// How a token may be bound: to a certificate, to a key, or to both.
fn binding(table: &mut Table<'_>, clock_skew: u64) -> BindingRules {
    let methods = table.strings_or("binding", &["x5t#S256"]);
    let words = [("x5t#S256", Confirmation::Certificate), ("jkt", Confirmation::Key)];
    let named = methods.iter().filter_map(|method| table.reading.settle(&method.place, among(&method.value, &words)));
    let named: Vec<_> = named.collect();
    if methods.is_empty() {
        table.fault("binding", "no binding could be proven", "write binding = [\"x5t#S256\"]");
    }
    let proof = dpop::read(table.table("dpop"), named.contains(&Confirmation::Key), clock_skew);
    BindingRules { certificate: named.contains(&Confirmation::Certificate), proof }
}

#[derive(Clone, Copy, PartialEq)]
enum Confirmation {
    Certificate,
    Key,
}

/// `named`: the issuers of the tables before, those at fault too.
fn issuer(
    table: &mut Table<'_>,
    named: &mut BTreeSet<String>,
    algorithms: &[Algorithm],
) -> Option<(Issuer, KeySource, Option<IntrospectionSource>)> {
    let reading = table.reading;
    let issuer = table.required("issuer", "https://as.bank.example");
    if let Some(again) = issuer.as_ref().filter(|issuer| !named.insert(issuer.value.clone())) {
        let what = format!("`{}` is configured twice", again.value);
        reading.fault(&again.place, what, "write one table with all its audiences");
    }
    let issuer = issuer.and_then(|text| {
        let url = reading.settle(&text.place, address::url(&text.value))?;
        Some((Arc::<str>::from(text.value), url, text.place))
    });
    let audiences = audiences(table);
    let endpoint = introspection::read(table.table("introspection"));
    let verify = introspection::verify(table);
    let location = if verify == Verify::Introspection { nowhere(table) } else { location(table, algorithms) };
    let refresh = table.duration("jwks_refresh", "10m");
    let authorities = table.string("ca_file").map(|file| anchors::authorities(reading, &file));
    let (issuer, url, place) = issuer?;
    let (location, endpoint, authorities) = (location?, endpoint?, as_read(authorities)?);
    if location == KeyLocation::Discovery && address::is_exposed(&url) {
        reading.warn(&place, "whoever is on the way can put in keys of their own", "write an https:// address");
    }
    let introspects = endpoint.is_some();
    let asked = endpoint.map(|Endpoint { address: endpoint, client, cache_ttl }| {
        let (issuer, authorities) = (Arc::clone(&issuer), authorities.clone());
        IntrospectionSource { issuer, endpoint, client, cache_ttl, authorities }
    });
    let awaited = table.is_given("jwks") || table.is_given("verify") || !introspects;
    let source = KeySource { issuer: Arc::clone(&issuer), location, refresh, authorities, awaited };
    Some((Issuer { issuer, audiences, verify, introspects }, source, asked))
}

fn audiences(table: &mut Table<'_>) -> Vec<String> {
    let audiences = table.strings("audiences");
    let remedy = "write audiences = [\"https://api.bank.example\"]";
    match &audiences {
        None if !table.is_given("audiences") => table.fault("audiences", "is missing", remedy),
        None => {}
        Some(list) if list.is_empty() => table.fault("audiences", "is empty: no token could be accepted", remedy),
        Some(list) => {
            if let Some(empty) = list.iter().find(|audience| audience.value.is_empty()) {
                table.reading.fault(&empty.place, "an audience is empty", remedy);
            }
            if let Some(every) = list.iter().find(|audience| audience.value == "*") {
                let what = "`*` is an audience like any other here, and not every one";
                let remedy = "write what the issuer puts into `aud`, and have it name this API";
                table.reading.warn(&every.place, what, remedy);
            }
        }
    }
    audiences.unwrap_or_default().into_iter().map(|audience| audience.value).collect()
}

/// `discovery`, an address, or a file. A set of no use can be read, and an empty one is waited for like one that cannot be
/// fetched.
fn location(table: &mut Table<'_>, algorithms: &[Algorithm]) -> Option<KeyLocation> {
    let reading = table.reading;
    let jwks = table.string_or("jwks", "discovery");
    if jwks.value == "discovery" {
        return Some(KeyLocation::Discovery);
    }
    let (place, keys) = read_place(reading, &jwks)?;
    match keys {
        Some(keys) if !keys.is_usable() => reading.warn(&jwks.place, EMPTY, KEY_SET),
        // Without any the fault is reported.
        Some(keys) if !algorithms.is_empty() && !keys.serves(algorithms) => {
            let remedy = "write the algorithm that the issuer signs with into token.algorithms, or give its other keys";
            reading.warn(&jwks.place, "no key in it fits token.algorithms: every signature is refused", remedy);
        }
        Some(_) | None => {}
    }
    Some(KeyLocation::At(place))
}

/// An address, or a file that holds a key that can be used now.
pub(super) fn key_place(reading: &Reading<'_>, jwks: &Placed<String>, algorithms: &[Algorithm]) -> Option<KeyPlace> {
    let (place, keys) = read_place(reading, jwks)?;
    if keys.as_ref().is_some_and(|keys| !keys.is_usable()) {
        reading.fault(&jwks.place, EMPTY, KEY_SET);
        return None;
    }
    if keys.is_some_and(|keys| !keys.serves(algorithms)) {
        let names: Vec<_> = algorithms.iter().map(|algorithm| algorithm.name()).collect();
        let what = format!("no key in it fits {}: every signature is refused", names.join(" or "));
        reading.warn(&jwks.place, what, KEY_SET);
    }
    Some(place)
}

/// An address, or a file and the keys in it.
fn read_place(reading: &Reading<'_>, jwks: &Placed<String>) -> Option<(KeyPlace, Option<KeySet>)> {
    if !jwks.value.contains("://") {
        let keys = key_set(reading, jwks)?;
        return Some((KeyPlace::File(reading.resolve(&jwks.value)), Some(keys)));
    }
    let address = reading.settle(&jwks.place, address::url(&jwks.value))?;
    if address::is_exposed(&address) {
        reading.warn(&jwks.place, "whoever is on the way can put in keys of their own", "write an https:// address");
    }
    Some((KeyPlace::Address(address), None))
}

/// Keys of an issuer whose every token is introspected would be of no use.
fn nowhere(table: &mut Table<'_>) -> Option<KeyLocation> {
    match table.string("jwks") {
        None => Some(KeyLocation::Nowhere),
        Some(jwks) => {
            let what = "with verify = \"introspection\" no key is used";
            table.reading.fault(&jwks.place, what, "leave it out, or write verify = \"both\"");
            None
        }
    }
}

fn key_set(reading: &Reading<'_>, file: &Placed<String>) -> Option<KeySet> {
    let path = reading.resolve(&file.value);
    reading.watch(&path);
    let content =
        reading.bytes_or(&path, &file.place, "name a file with a JWK set; an address begins with https://")?;
    let wrong = |why: String| {
        let what = match content.trim_ascii() {
            [] => "empty",
            [b'<', ..] => "a page in HTML or XML",
            [b'-', ..] => "PEM",
            _ => &why,
        };
        Wrong::new(format!("`{}` is {what}", file.value), KEY_SET)
    };
    reading.settle(&file.place, KeySet::parse(&content).map_err(wrong))
}

const EMPTY: &str = "this key set holds no key that can be used";
const KEY_SET: &str = "give a JWK set (RFC 7517) with the public keys of who signs";

/// RFC 7519, section 4.1.4: "usually no more than a few minutes".
const LONG_SKEW: u64 = 300;
/// A question each, of those that one request may make.
const MOST_ASKED: usize = 8;
