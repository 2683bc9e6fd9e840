//! `[truststore]` and other authorities: certificates from files and folders.

use std::path::{Path, PathBuf};

use der::Decode;
use rustls_pki_types::CertificateDer;
use webpki::anchor_from_trusted_cert;
use x509_cert::Certificate;

use crate::{
    certificate::{
        PathRules, Truststore,
        truststore::{self, Remedy, Unusable},
    },
    config::{
        fault::Wrong,
        folder,
        reading::{Place, Placed, Reading},
        table::Table,
    },
};

/// What opens stores of certificates.
#[derive(Clone, Copy)]
enum Password<'a> {
    /// No key names one here.
    Unknown,
    None,
    Given(&'a str),
    /// Reported; of stores there is nothing more to say.
    AtFault,
}

/// The anchors of clients' certificates, and what is demanded of a path to one. None where something is at fault.
pub(super) fn read(mut table: Table<'_>) -> (Option<Truststore>, PathRules) {
    let paths = table.strings("paths");
    let password = table.string("password_file").map(|file| table.reading.secret(&file));
    let password = match &password {
        None => Password::None,
        Some(None) => Password::AtFault,
        Some(Some(password)) => Password::Given(password),
    };
    let default = PathRules::default();
    let rules = PathRules {
        minimum_rsa_bits: table.integer("minimum_rsa_bits", default.minimum_rsa_bits, 2048..=8192),
        max_intermediates: table.integer("max_intermediates", default.max_intermediates, 0..=10),
        require_client_auth: table.boolean("require_client_auth", default.require_client_auth),
    };
    match paths.as_deref() {
        Some([]) => table.fault("paths", "no anchor is named", NAME_ANCHORS),
        None if table.written && !table.is_given("paths") => table.fault("paths", "is missing", NAME_ANCHORS),
        // Read below, or reported.
        Some(_) | None => {}
    }
    let mut certificates = paths.as_ref().filter(|paths| !paths.is_empty()).map(|_| Vec::new());
    for path in paths.iter().flatten() {
        let read = from_path(table.reading, path, password);
        // One fault is enough for no truststore, and the other paths are still looked at.
        certificates = certificates.zip(read).map(|(all, read)| [all, read].concat());
    }
    let place = table.place_of("paths");
    let store = certificates.and_then(|certificates| anchors(table.reading, &place, certificates));
    if store.as_ref().is_some_and(|store| !store.is_strong(rules.minimum_rsa_bits)) {
        let what = "the key of every authority here is too weak for this, so every certificate is refused";
        let place = table.place_of("minimum_rsa_bits");
        table.reading.warn(&place, what, "write a smaller number, or give authorities with longer keys");
    }
    (store, rules)
}

/// Certificates of authorities in one file, each of which TLS takes for one: a single other would end all of it later.
pub(super) fn authorities(reading: &Reading<'_>, file: &Placed<String>) -> Option<Vec<CertificateDer<'static>>> {
    let resolved = reading.resolve(&file.value);
    reading.watch(&resolved);
    let certificates = from_file(reading, &resolved, &file.place, Password::Unknown)?;
    let unusable =
        |der: &CertificateDer<'_>| Certificate::from_der(der).is_err() || anchor_from_trusted_cert(der).is_err();
    let Some(at) = certificates.iter().position(unusable) else { return Some(certificates) };
    let what = format!("certificate {} in `{}` cannot be read", at + 1, resolved.display());
    reading.fault(&file.place, what, "give it anew, or take it out");
    None
}

fn anchors(reading: &Reading<'_>, place: &Place, certificates: Vec<CertificateDer<'static>>) -> Option<Truststore> {
    match Truststore::new(certificates, reading.now) {
        Ok((truststore, skipped)) => {
            for Unusable { what, remedy } in skipped {
                let remedy = match remedy {
                    Remedy::Clock => "see that the clock of this machine is right",
                    Remedy::Another | Remedy::Password => "take it out of the truststore, or replace it",
                };
                reading.warn(place, what, remedy);
            }
            Some(truststore)
        }
        Err(unusable) => {
            reading.fault(place, unusable.what, "give the authorities that issue your clients' certificates");
            None
        }
    }
}

/// The certificates of a file, or of every file in a folder.
fn from_path(
    reading: &Reading<'_>,
    path: &Placed<String>,
    password: Password<'_>,
) -> Option<Vec<CertificateDer<'static>>> {
    let resolved = reading.resolve(&path.value);
    reading.watch(&resolved);
    if !resolved.is_dir() {
        return from_file(reading, &resolved, &path.place, password);
    }
    let mut files = reading.settle(&path.place, files(&resolved))?;
    folder::warn_of_inner(reading, path);
    if is_secret(&files) {
        let what =
            format!("`{}` holds a certificate with its key, which is no authority: only ca.crt is taken", path.value);
        reading.warn(&path.place, what, "name the file: paths = [\"…/ca.crt\"]");
        files.retain(|file| !OWN.iter().any(|own| file.ends_with(own)));
    }
    // Every file is read, so that all that cannot be are named.
    let read: Vec<_> = files.iter().map(|file| from_file(reading, file, &path.place, password)).collect();
    Some(read.into_iter().collect::<Option<Vec<_>>>()?.concat())
}

fn from_file(
    reading: &Reading<'_>,
    path: &Path,
    place: &Place,
    password: Password<'_>,
) -> Option<Vec<CertificateDer<'static>>> {
    let bytes = reading.bytes_of(path, place)?;
    let wrong = |Unusable { what, remedy }| {
        let remedy = match (remedy, password) {
            (Remedy::Password, Password::Unknown) => "give certificates as PEM or DER",
            (Remedy::Password, _) => "write password_file = \"…\", a file that holds the password",
            (Remedy::Another | Remedy::Clock, _) => "give certificates as PEM, DER, PKCS#12, or JKS",
        };
        Wrong::new(format!("`{}` {what}", path.display()), remedy)
    };
    let opening = match password {
        Password::AtFault if truststore::may_be_store(&bytes) => return None,
        Password::AtFault | Password::None | Password::Unknown => None,
        Password::Given(password) => Some(password),
    };
    reading.settle(place, truststore::certificates(&bytes, opening).map_err(wrong))
}

/// Whether this is a TLS secret of Kubernetes with its issuer, as cert-manager writes it. The issuers in `tls.crt` may be a
/// public authority that issues to anyone.
fn is_secret(files: &[PathBuf]) -> bool {
    OWN.iter().chain(&["ca.crt"]).all(|name| files.iter().any(|file| file.ends_with(name)))
}

/// The files of a folder, of which there is at least one.
fn files(path: &Path) -> Result<Vec<PathBuf>, Wrong> {
    let cannot = |error| {
        let what = format!("`{}` cannot be read: {error}", path.display());
        Wrong::new(what, "name a folder that this process may read")
    };
    let files = folder::files(path).map_err(cannot)?;
    if files.is_empty() {
        let what = format!("the folder `{}` holds no file", path.display());
        return Err(Wrong::new(what, "put the certificates of your authorities there"));
    }
    Ok(files)
}

/// Of a TLS secret.
const OWN: [&str; 2] = ["tls.crt", "tls.key"];
const NAME_ANCHORS: &str = "write paths = [\"trust/\"]";
