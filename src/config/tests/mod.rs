#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

mod agreement;
mod consent;
mod dpop;
mod files;
mod introspection;
mod mistakes;
mod registration;
mod reload;
mod replay;
mod sample;
mod schema;
mod values;

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls_pki_types::UnixTime;
use tempfile::TempDir;

use super::*;

/// A folder with a truststore, and a `proxy.toml` to be.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::create_dir(folder.path("trust")).unwrap();
        folder.write("trust/ca.pem", authority().pem());
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    fn load(&self, toml: &str) -> Result<(Settings, Supplies, Vec<Warning>), Vec<Fault>> {
        self.write("proxy.toml", toml);
        load(&self.path("proxy.toml"), now())
    }

    fn loaded(&self, toml: &str) -> (Settings, Supplies, Vec<Warning>) {
        self.load(toml).unwrap_or_else(|faults| unreachable!("{}", self.lines(&faults).join("\n")))
    }

    fn settings(&self, toml: &str) -> Settings {
        self.loaded(toml).0
    }

    fn supplies(&self, toml: &str) -> Supplies {
        self.loaded(toml).1
    }

    /// One line a fault, as the operator reads it, without the folder.
    fn faults(&self, toml: &str) -> Vec<String> {
        self.load(toml).err().map(|faults| self.lines(&faults)).unwrap_or_default()
    }

    fn warnings(&self, toml: &str) -> Vec<String> {
        self.lines(&self.loaded(toml).2)
    }

    fn lines(&self, found: &[impl ToString]) -> Vec<String> {
        let folder = format!("{}/", self.0.path().display());
        found.iter().map(|found| found.to_string().replace(&folder, "")).collect()
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// 2030-01-01.
fn now() -> UnixTime {
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_893_456_000))
}

/// The smallest useful file with lines put into its tables; each line takes the place of the key it names.
fn with(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(SMALLEST.to_owned(), |toml, (table, line)| put(&toml, table, line))
}

fn put(toml: &str, table: &str, line: &str) -> String {
    let header =
        if table.contains("issuer") || table == "route" { format!("[[{table}]]") } else { format!("[{table}]") };
    let key = line.split('=').next().unwrap_or_default().trim();
    let mut lines: Vec<&str> = Vec::new();
    let (mut inside, mut found) = (table.is_empty(), false);
    if inside {
        lines.push(line);
    }
    for old in toml.lines() {
        if old.starts_with('[') {
            inside = old == header;
        }
        if inside && old.split('=').next().unwrap_or_default().trim() == key && old.contains('=') {
            continue;
        }
        lines.push(old);
        if inside && old == header {
            lines.push(line);
            found = true;
        }
    }
    if !found && !table.is_empty() {
        lines.extend([header.as_str(), line]);
    }
    lines.join("\n") + "\n"
}

/// `line` in `table` of the smallest file is the one fault, and its report has `expected` after line and column.
fn check(table: &str, line: &str, expected: &str) {
    let folder = Folder::new();
    let toml = with(&[(table, line)]);
    let number = toml.lines().position(|l| l == line).unwrap() + 1;

    let faults = folder.faults(&toml);

    assert_eq!(faults.len(), 1, "{line}: {faults:#?}");
    let (place, rest) = faults[0].split_once(": ").unwrap();
    assert!(place.starts_with(&format!("proxy.toml:{number}:")), "{line}: {}", faults[0]);
    assert!(rest.starts_with(expected), "{line}: {rest}");
}

/// `line` in `table` of the smallest file is understood.
fn accept(table: &str, line: &str) -> Settings {
    Folder::new().settings(&with(&[(table, line)]))
}

const SMALLEST: &str = r#"[listen]
address = "127.0.0.1:8443"
plaintext = true
[load_balancer]
trusted_networks = ["10.0.0.0/8"]
[truststore]
paths = ["trust/"]
[[token.issuer]]
issuer = "https://as.bank.example"
audiences = ["https://api.bank.example"]
[backend]
address = "127.0.0.1:8080"
"#;

#[test]
fn smallest_file_means_every_demand_on_every_path() {
    let settings = Folder::new().settings(SMALLEST);

    let no_route = Folder::new().settings(&format!("route = []\n{SMALLEST}"));
    for settings in [&settings, &no_route] {
        let routes: Vec<_> = settings.gate.routes.iter().collect();
        assert_eq!(routes.len(), 1);
        assert_eq!(&**routes[0].path.as_str(), "/{*rest}");
        assert_eq!(routes[0].demands, crate::route::Demands { certificate: true, token: true, binding: true });
    }
    assert_eq!(settings.mode, Mode::Enforce);
    assert_eq!(settings.hash.len(), 43);
}

#[test]
fn file_that_cannot_be_read_is_one_fault() {
    let folder = Folder::new();
    let faults = load(&folder.path("none.toml"), now()).err().unwrap();
    assert_eq!(faults.len(), 1);
    assert!(folder.lines(&faults)[0].starts_with("none.toml:1:1: cannot be read: No such file"));

    folder.write("proxy.toml", b"# \xc3\xa4\nmode = \"\xc3\xa4\xff\"");
    let faults = load(&folder.path("proxy.toml"), now()).err().unwrap();
    assert_eq!(folder.lines(&faults), ["proxy.toml:2:10: is not UTF-8; save it as UTF-8"]);
}

#[test]
fn broken_toml_is_reported_in_every_place_and_nothing_else_is() {
    let faults =
        Folder::new().faults("mode = enforce\n[listen]\naddress = \naddress = \"x\"\nhttp2 = true\nhttp2 = true\n");

    let places: Vec<_> = faults.iter().map(|fault| fault.split(": ").next().unwrap()).collect();
    assert!(places.contains(&"proxy.toml:1:8"), "{faults:#?}");
    assert!(places.iter().any(|place| place.starts_with("proxy.toml:3:")), "{faults:#?}");
    assert!(places.iter().any(|place| place.starts_with("proxy.toml:6:")), "{faults:#?}");
    assert!(faults.iter().all(|fault| !fault.contains("is missing")), "{faults:#?}");
}

#[test]
fn empty_file_misses_its_tables_at_its_start() {
    let faults = Folder::new().faults("");

    for table in ["listen", "truststore", "backend"] {
        let expected =
            format!("proxy.toml:1:1: {table}: this table is missing; write [{table}] with its required keys");
        assert!(faults.contains(&expected), "{table}: {faults:#?}");
    }
    for key in ["load_balancer", "token.issuer"] {
        assert!(
            faults.iter().any(|fault| fault.starts_with(&format!("proxy.toml:1:1: {key}: "))),
            "{key}: {faults:#?}"
        );
    }
    assert_eq!(faults.len(), 5, "{faults:#?}");
}

#[test]
fn missing_key_is_reported_at_its_table() {
    let toml = SMALLEST.replace("address = \"127.0.0.1:8443\"\n", "").replace("audiences", "# audiences");

    let faults = Folder::new().faults(&toml);

    assert_eq!(
        faults,
        [
            "proxy.toml:1:1: listen.address: is missing; write address = \"0.0.0.0:8443\"",
            "proxy.toml:7:1: token.issuer.audiences: is missing; write audiences = [\"https://api.bank.example\"]",
        ]
    );
}

#[test]
fn every_fault_is_reported_in_the_order_of_the_file() {
    let toml = with(&[
        ("", "mod = \"enforce\""),
        ("listen", "idle_timeout = 60"),
        ("load_balancer", "trusted_networks = [\"10.0.0.0/8\", \"lb-1\"]"),
        ("backend", "adress = \"127.0.0.1:8080\""),
        ("tokens", "algorithms = []"),
    ]);

    let faults = Folder::new().faults(&toml);

    assert_eq!(
        faults,
        [
            "proxy.toml:1:1: mod: unknown key; the nearest known key is `mode`",
            "proxy.toml:3:16: listen.idle_timeout: integer stands where a string belongs; write it as \"60s\"",
            "proxy.toml:7:35: load_balancer.trusted_networks: `lb-1` is not a network; write it as 10.0.0.0/8",
            "proxy.toml:14:1: backend.adress: unknown key; the nearest known key is `address`",
            "proxy.toml:16:2: tokens: unknown key; the nearest known key is `token`",
        ]
    );
}

#[test]
fn column_counts_characters() {
    let faults = Folder::new().faults(&with(&[("client_certificate", "strip = [\"Ünïcödé\", \"ok\", 5]")]));

    let columns: Vec<_> = faults.iter().map(|fault| fault.split(": ").next().unwrap()).collect();
    assert_eq!(columns, ["proxy.toml:14:10", "proxy.toml:14:27"], "{faults:#?}");
}

/// The path of a file of the repository.
fn repository(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
