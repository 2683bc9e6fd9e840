//! `[registration]`: who may register, and where the keys come from that say so.

use http::Method;
use rustls_pki_types::CertificateDer;

use crate::{
    config::{
        address, anchors,
        reading::{Place, Placed, Reading, as_read},
        routes::PlacedRoute,
        settings::{KeyPlace, RegistrationSource},
        table::Table,
        token::{self, Tokens},
    },
    registration::{RegistrationRules, SubjectRule},
    route::{Kind, Route},
    token::Algorithm,
};

/// The table as read.
pub(super) struct Registrations {
    /// The table.
    place: Place,
    /// Where the directory's keys are; the inner none: what is written is at fault.
    directory: Option<Placed<Option<KeyPlace>>>,
    directory_issuer: String,
    /// Lower-case, without brackets and final dot.
    allowed_hosts: Vec<String>,
    /// Where they are written.
    hosts_place: Place,
    audiences: Vec<String>,
    subject: SubjectRule,
    /// None where the file is at fault.
    authorities: Option<Option<Vec<CertificateDer<'static>>>>,
}

pub(super) fn read(mut table: Table<'_>) -> Registrations {
    let directory = match table.string("directory_jwks") {
        Some(jwks) => Some(Placed { value: token::key_place(table.reading, &jwks, &ALGORITHMS), place: jwks.place }),
        None if table.is_misread("directory_jwks") => {
            Some(Placed { value: None, place: table.place_of("directory_jwks") })
        }
        None => None,
    };
    let authorities = table.string("ca_file").map(|file| anchors::authorities(table.reading, &file));
    Registrations {
        directory,
        directory_issuer: table.string_or("directory_issuer", "OpenBanking Ltd").value,
        allowed_hosts: address::hosts(&mut table, "allowed_jwks_hosts"),
        hosts_place: table.place_of("allowed_jwks_hosts"),
        audiences: audiences(&mut table),
        subject: table.choice(
            "subject_rule",
            ("obie", SubjectRule::Obie),
            &[("organization_identifier", SubjectRule::OrganizationIdentifier), ("off", SubjectRule::Off)],
        ),
        authorities: as_read(authorities),
        place: table.place.clone(),
    }
}

impl Registrations {
    /// Holds the table against the routes and the issuers.
    pub(super) fn check(&self, reading: &Reading<'_>, routes: &[PlacedRoute], tokens: &Tokens) {
        let mut registering = routes.iter().filter(|route| is_registration(&route.value)).peekable();
        if registering.peek().is_none() {
            if let Some(Placed { place, .. }) = &self.directory {
                let what = "no route takes registrations, so nobody registers";
                reading.warn(place, what, "write a route with kind = \"registration\", or leave it out");
            }
            return;
        }
        if self.directory.is_none() {
            let remedy = "write directory_jwks = \"directory.jwks\", or the address of the directory's keys";
            reading.fault(&self.key("directory_jwks"), "is missing, and a route takes registrations", remedy);
        }
        if self.allowed_hosts.is_empty() {
            let what = "the keys of no software can be fetched, so every registration is refused";
            reading.warn(&self.hosts_place, what, "write allowed_jwks_hosts = [\"keystore.directory.example\"]");
        }
        if self.audiences.is_empty() && !tokens.written {
            let remedy =
                "write audiences = [\"https://as.bank.example\"], or [[token.issuer]], whose issuer is meant then";
            reading.fault(&self.key("audiences"), "no request could name us as its audience", remedy);
        }
        for Placed { value: route, place } in registering {
            if manages(route) && !route.path.has_place() {
                let what = "the path has no place for the client, so all but POST is refused";
                reading.warn(place, what, "write methods = [\"POST\"], and /register/{ClientId} for the others");
            }
            if manages(route) && route.path.has_place() && tokens.issuers.issuers.len() > 1 {
                let what = "a client is known by its client_id alone, whichever of the issuers gave it that";
                reading.warn(place, what, "let one issuer alone give out client_ids that are registered here");
            }
            if route.path.is_open_ended() && route.takes(&Method::POST) {
                let what = "every POST is taken for a new registration, whatever place of a client stands in the path";
                reading.warn(place, what, "write /register with methods = [\"POST\"], and /register/{ClientId}");
            }
        }
    }

    /// What they mean. The inner none: no route takes registrations. None only where a fault was reported.
    pub(super) fn settings(
        self,
        routes: &[PlacedRoute],
        tokens: &Tokens,
    ) -> Option<Option<(RegistrationRules, RegistrationSource)>> {
        if !routes.iter().any(|route| is_registration(&route.value)) {
            return Some(None);
        }
        let directory = self.directory?.value?;
        let issuers = || tokens.issuers.issuers.iter().map(|issuer| issuer.issuer.as_ref().to_owned()).collect();
        let rules = RegistrationRules {
            directory_issuer: self.directory_issuer,
            audiences: if self.audiences.is_empty() { issuers() } else { self.audiences },
            allowed_hosts: self.allowed_hosts.clone(),
            subject: self.subject,
            algorithms: ALGORITHMS.to_vec(),
            clock_skew: tokens.issuers.rules.clock_skew,
        };
        let source =
            RegistrationSource { directory, allowed_hosts: self.allowed_hosts, authorities: self.authorities? };
        Some(Some((rules, source)))
    }

    fn key(&self, key: &str) -> Place {
        Place { key: Some(format!("registration.{key}")), offset: self.place.offset }
    }
}

/// Whether a client that is registered is managed there (RFC 7592), with its own token.
pub(super) fn manages(route: &Route) -> bool {
    is_registration(route) && (route.methods.is_empty() || route.methods.iter().any(|method| route.manages(method)))
}

fn is_registration(route: &Route) -> bool {
    matches!(route.kind, Kind::Registration { .. })
}

fn audiences(table: &mut Table<'_>) -> Vec<String> {
    let audiences = table.strings("audiences").unwrap_or_default();
    if let Some(empty) = audiences.iter().find(|audience| audience.value.is_empty()) {
        table.reading.fault(&empty.place, "an audience is empty", "write audiences = [\"https://as.bank.example\"]");
    }
    audiences.into_iter().map(|audience| audience.value).collect()
}

/// The algorithms of FAPI (Financial-grade API Read and Write profile, section 8.6).
const ALGORITHMS: [Algorithm; 2] = [Algorithm::PS256, Algorithm::ES256];
