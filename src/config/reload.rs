//! A configuration that changed while certbound runs: what of it can be applied, and what waits for a restart.

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls_pki_types::UnixTime;
use toml::Table;
use zeroize::Zeroizing;

use super::{Fault, Settings, Supplies, Warning, fingerprint::Fingerprint, load_watched, read, reading::Reading};

/// What a configuration was read from.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The configuration itself.
    pub(super) file: PathBuf,
    /// Its text. Secrets stand in files of their own, so there is none in it.
    pub(super) text: String,
    /// What the keys name that wait for a restart, or may have to.
    pub(super) files: Vec<FixedFile>,
    /// Every file and folder that was looked at, as it looked before it was read.
    pub looks: Fingerprint,
}

/// A file that a key names which waits for a restart, or may have to, as it was when it was read.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct FixedFile {
    key: String,
    path: PathBuf,
    /// Perhaps a private key.
    content: Arc<Zeroizing<Vec<u8>>>,
}

/// What comes of a changed configuration.
pub struct Reloaded {
    /// What is in force from now on: what can be applied, and the rest as it was.
    pub settings: Settings,
    /// What was read for it.
    pub supplies: Supplies,
    /// Legal and unwise.
    pub warnings: Vec<Warning>,
    /// Keys that changed, or whose files did, and that are applied only by a restart.
    pub waiting: BTreeSet<String>,
}

/// Why nothing of a configuration is applied.
pub struct Refused {
    /// Every fault.
    pub faults: Vec<Fault>,
    /// What was looked at, before it was read: while it looks the same, the faults are the same.
    pub looks: Fingerprint,
    /// Keys that are applied only by a restart, where nothing else is wrong.
    pub waiting: BTreeSet<String>,
}

impl FixedFile {
    pub(super) fn new(key: &str, path: &Path, content: &Zeroizing<Vec<u8>>) -> Self {
        Self { key: key.to_owned(), path: path.to_owned(), content: Arc::new(content.clone()) }
    }

    pub(super) fn is(&self, key: &str, path: &Path) -> bool {
        self.key == key && self.path == path
    }

    pub(super) fn content(&self) -> Zeroizing<Vec<u8>> {
        (*self.content).clone()
    }
}

impl fmt::Debug for FixedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key, self.path.display())
    }
}

impl Refused {
    pub(super) fn new(looks: Fingerprint, faults: Vec<Fault>) -> Self {
        Self { faults, looks, waiting: BTreeSet::new() }
    }
}

/// Reads the file anew that `running` was read from. The whole file is validated first, the keys too that wait.
///
/// Those that wait are then read as they were, files that may be gone by now included.
///
/// # Errors
/// Every fault: nothing of it is to be applied.
pub fn reload(running: &Source, now: UnixTime) -> Result<Reloaded, Refused> {
    let file = &running.file;
    let (fresh, supplies, warnings) = load_watched(file, now)?;
    let source = &fresh.source;
    let keys = changed_keys(&running.text, &source.text);
    let waiting = that_wait(&keys | &changed_files(&running.files, &source.files));
    if waiting.is_empty() {
        return Ok(Reloaded { settings: fresh, supplies, warnings, waiting });
    }
    let text = with_the_old(&(&keys & &waiting), &running.text, &source.text);
    let waits = |file: &&FixedFile| waiting.iter().any(|key| is_inside(&file.key, key));
    let files: Vec<_> = running.files.iter().filter(waits).chain(&source.files).cloned().collect();
    let reading = Reading::new(file, &text, Fingerprint::default(), now).keeping(&files);
    // The file as it stands decides what is watched, and what is warned of: places in the mixture are in no file.
    let looks = fresh.source.looks;
    match read(reading) {
        Ok((mut settings, supplies, _)) => {
            settings.source.looks = looks;
            Ok(Reloaded { settings, supplies, warnings, waiting })
        }
        // The file is whole, so what is wrong with the mixture is that it is one.
        Err(_) => Err(Refused { faults: all_or_nothing(file, &waiting), looks, waiting }),
    }
}

/// The rest of a change does not work without keys that wait for a restart.
fn all_or_nothing(file: &Path, waiting: &BTreeSet<String>) -> Vec<Fault> {
    let fault = |key: &String| Fault {
        file: file.to_owned(),
        line: 1,
        column: 1,
        key: Some(key.clone()),
        what: "changed, is applied only by a restart, and the rest of the change does not work without it".to_owned(),
        remedy: "restart certbound, or change it back".to_owned(),
    };
    waiting.iter().map(fault).collect()
}

/// Keys that differ. Both texts were read before, so they are TOML.
fn changed_keys(old: &str, new: &str) -> BTreeSet<String> {
    let (old, new) = (parse(old), parse(new));
    let tables: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut differing = BTreeSet::new();
    for name in tables {
        let (old, new) = (old.get(name), new.get(name));
        let inner = |value: Option<&toml::Value>| value.and_then(toml::Value::as_table).cloned().unwrap_or_default();
        let (old_keys, new_keys) = (inner(old), inner(new));
        let keys: BTreeSet<&String> = old_keys.keys().chain(new_keys.keys()).collect();
        let differ = keys.into_iter().filter(|key| old_keys.get(*key) != new_keys.get(*key));
        differing.extend(differ.map(|key| format!("{name}.{key}")));
    }
    differing
}

/// Keys whose files differ.
fn changed_files(old: &[FixedFile], new: &[FixedFile]) -> BTreeSet<String> {
    let gone = old.iter().filter(|file| !new.contains(file));
    let come = new.iter().filter(|file| !old.contains(file));
    // A key set is read anew by itself: whom the configuration names may change keys without it.
    let is_fixed = |file: &&FixedFile| file.key != "registration.directory_jwks";
    gone.chain(come).filter(is_fixed).map(|file| file.key.clone()).collect()
}

/// Those of the differing keys that cannot be applied, or not without one of those.
fn that_wait(differing: BTreeSet<String>) -> BTreeSet<String> {
    let waits = |key: &String| {
        let together = TOGETHER.iter().filter(|group| is_among(key, group));
        let others = together.flat_map(|group| differing.iter().filter(|other| is_among(other, group)));
        others.chain([key]).any(|key| !is_reloadable(key))
    };
    differing.iter().filter(|key| waits(key)).cloned().collect()
}

/// The new text with those keys as they were.
fn with_the_old(keys: &BTreeSet<String>, old: &str, new: &str) -> String {
    if keys.is_empty() {
        return new.to_owned();
    }
    let (old, mut merged) = (parse(old), parse(new));
    for (name, key) in keys.iter().filter_map(|dotted| dotted.split_once('.')) {
        let before = old.get(name).and_then(|table| table.get(key)).cloned();
        let table = merged.entry(name.to_owned()).or_insert_with(|| toml::Value::Table(Table::new()));
        let Some(table) = table.as_table_mut() else { continue };
        match before {
            Some(before) => drop(table.insert(key.to_owned(), before)),
            None => drop(table.remove(key)),
        }
    }
    // A table that is left with nothing was not there before, and some may not be there at all.
    merged.retain(|name, value| old.contains_key(name) || value.as_table().is_none_or(|table| !table.is_empty()));
    merged.to_string()
}

fn parse(text: &str) -> Table {
    text.parse().unwrap_or_default()
}

/// Whether a table, a key, or a key inside a key is applied without a restart, unless one of its group waits for that.
pub(super) fn is_reloadable(dotted: &str) -> bool {
    is_among(dotted, &RELOADABLE)
}

/// Whether a key, or what it names, may wait for a restart: by itself, or with another.
pub(super) fn may_wait(dotted: &str) -> bool {
    !is_reloadable(dotted) || TOGETHER.iter().any(|group| is_among(dotted, group))
}

fn is_among(dotted: &str, tables_and_keys: &[&str]) -> bool {
    tables_and_keys.iter().any(|outer| is_inside(dotted, outer))
}

fn is_inside(dotted: &str, outer: &str) -> bool {
    dotted.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What says one thing together: who is believed and what of them, how a proof is held to a request, who registers for whom.
/// Some new keys of it with some old ones would accept what neither file does.
const TOGETHER: [&[&str]; 3] = [
    &["load_balancer", "client_certificate"],
    &["token.binding", "token.dpop", "listen.public_origin", "replay"],
    &["registration"],
];

/// Tables and keys that are applied while requests are served.
const RELOADABLE: [&str; 13] = [
    "mode",
    "listen.certificate_file",
    "listen.private_key_file",
    "load_balancer.trusted_networks",
    "load_balancer.client_ca_file",
    "load_balancer.secret_header",
    "truststore",
    "eidas",
    "revocation",
    "token",
    "registration.directory_jwks",
    "route",
    "log.level",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(old: &str, new: &str, waiting: &[&str], merged: &str) {
        let keys = that_wait(changed_keys(old, new));
        assert_eq!(keys.iter().map(String::as_str).collect::<Vec<_>>(), waiting);
        assert_eq!(parse(&with_the_old(&keys, old, new)), parse(merged));
    }

    #[test]
    fn key_that_can_be_applied_is_taken_from_the_new_file() {
        check("mode = 'report'", "", &[], "");
        check("[token]\nclock_skew = '1s'", "[token]\nclock_skew = '2s'", &[], "[token]\nclock_skew = '2s'");
        check(
            "[[route]]\npath = '/a'\n[[route]]\npath = '/b'",
            "[[route]]\npath = '/c'",
            &[],
            "[[route]]\npath = '/c'",
        );
        check(
            "[listen]\ncertificate_file = 'a'",
            "[listen]\ncertificate_file = 'b'",
            &[],
            "[listen]\ncertificate_file = 'b'",
        );
        check("", "[load_balancer]\nsecret_header.name = 'a'", &[], "[load_balancer]\nsecret_header.name = 'a'");
    }

    #[test]
    fn key_waits_with_one_of_its_group_that_cannot_be_applied() {
        let balancer = |network: &str, profile: &str| {
            format!("[load_balancer]\ntrusted_networks = ['{network}']\n[client_certificate]\nprofile = '{profile}'")
        };
        let both = ["client_certificate.profile", "load_balancer.trusted_networks"];
        let (old, new) = (balancer("a", "nginx"), balancer("b", "envoy"));
        check(&old, &format!("mode = 'report'\n{new}"), &both, &format!("mode = 'report'\n{old}"));
        let network = balancer("b", "nginx");
        check(&old, &network, &[], &network);
        check(
            "[token]\nclock_skew = '1s'",
            "[token]\nclock_skew = '2s'\nbinding = ['jkt']\n[listen]\npublic_origin = 'a'",
            &["listen.public_origin", "token.binding"],
            "[token]\nclock_skew = '2s'",
        );
        check(
            "[registration]\ndirectory_jwks = 'a'",
            "[registration]\ndirectory_jwks = 'b'\nsubject_rule = 'off'",
            &["registration.directory_jwks", "registration.subject_rule"],
            "[registration]\ndirectory_jwks = 'a'",
        );
    }

    #[test]
    fn key_that_cannot_be_applied_stays_as_it_was() {
        check(
            "mode = 'report'\n[listen]\naddress = 'a'\nhttp2 = false",
            "mode = 'enforce'\n[listen]\naddress = 'b'\nthreads = 2",
            &["listen.address", "listen.http2", "listen.threads"],
            "mode = 'enforce'\n[listen]\naddress = 'a'\nhttp2 = false",
        );
        check("", "[consent]\nendpoint = 'a'", &["consent.endpoint"], "");
        check("[consent]\nendpoint = 'a'", "", &["consent.endpoint"], "[consent]\nendpoint = 'a'");
        check("[tokens]\na = 1", "", &["tokens.a"], "[tokens]\na = 1");
    }
}
