//! A `proxy.toml` in the making, with the files that it names.

use std::{collections::BTreeMap, fmt::Write};

use super::{
    bank::Bank,
    pki::Pki,
    sidecar::Sidecar,
    token::{AUDIENCE, ISSUER, SigningKey},
};

/// The smallest useful file, until a test changes it.
#[derive(Clone)]
pub(crate) struct Config {
    /// Table, then key, then value as TOML. The table without a name comes first.
    tables: BTreeMap<String, BTreeMap<String, String>>,
    issuers: Vec<String>,
    routes: Vec<String>,
    files: BTreeMap<String, Vec<u8>>,
}

impl Config {
    /// Certificate, token, and binding demanded everywhere; loopback is trusted; keys come from a file.
    pub(crate) fn in_front_of(bank: &Bank) -> Self {
        Self::to(bank.address())
    }

    /// The same for any backend address.
    pub(crate) fn to(backend: &str) -> Self {
        let pki = Pki::get();
        let bare = Self { tables: BTreeMap::new(), issuers: Vec::new(), routes: Vec::new(), files: BTreeMap::new() };
        bare.set("listen.address", r#""127.0.0.1:0""#)
            .set("listen.plaintext", "true")
            .set("listen.threads", "2")
            .set("load_balancer.trusted_networks", r#"["127.0.0.0/8"]"#)
            .set("truststore.paths", r#"["trust/"]"#)
            .set("revocation.methods", "[]")
            .set("backend.address", &format!("{backend:?}"))
            .set("admin.address", r#""127.0.0.1:0""#)
            .set("admin.status_address", r#""off""#)
            .issuer(&format!("issuer = {ISSUER:?}\naudiences = [{AUDIENCE:?}]\njwks = \"keys.json\""))
            .file("keys.json", SigningKey::set(&[SigningKey::published()]))
            .file("trust/root.der", pki.root.der.clone())
            .file("trust/issuing.pem", super::pki::pem(&pki.issuing.der))
    }

    /// Sets `table.key`, or a key without a table, to a value written as TOML.
    pub(crate) fn set(mut self, path: &str, value: &str) -> Self {
        let (table, key) = path.rsplit_once('.').unwrap_or(("", path));
        self.tables.entry(table.to_owned()).or_default().insert(key.to_owned(), value.to_owned());
        self
    }

    /// Takes `table.key` away.
    pub(crate) fn without(mut self, path: &str) -> Self {
        let (table, key) = path.rsplit_once('.').unwrap_or(("", path));
        let taken = self.tables.get_mut(table).and_then(|table| table.remove(key));
        assert!(taken.is_some(), "{path} is not set");
        self
    }

    /// Adds an issuer, written as the lines below `[[token.issuer]]`.
    pub(crate) fn issuer(mut self, lines: &str) -> Self {
        self.issuers.push(lines.to_owned());
        self
    }

    /// Takes every issuer away.
    pub(crate) fn without_issuers(mut self) -> Self {
        self.issuers.clear();
        self
    }

    /// Adds a route, written as the lines below `[[route]]`.
    pub(crate) fn route(mut self, lines: &str) -> Self {
        self.routes.push(lines.to_owned());
        self
    }

    /// Puts a file beside `proxy.toml`.
    pub(crate) fn file(mut self, name: &str, contents: impl Into<Vec<u8>>) -> Self {
        self.files.insert(name.to_owned(), contents.into());
        self
    }

    pub(crate) fn without_file(mut self, name: &str) -> Self {
        assert!(self.files.remove(name).is_some(), "{name} is not there");
        self
    }

    /// TLS on the listener, with a certificate of the bank's own authority for `localhost`.
    pub(crate) fn with_tls(self) -> Self {
        let server = Pki::get().infrastructure.server(&["localhost"]);
        self.without("listen.plaintext")
            .set("listen.certificate_file", r#""tls.crt""#)
            .set("listen.private_key_file", r#""tls.key""#)
            .file("tls.crt", server.pem())
            .file("tls.key", server.key_pem())
    }

    /// Certificates in this profile's header and form.
    pub(crate) fn profile(self, profile: &str) -> Self {
        self.set("client_certificate.profile", &format!("{profile:?}"))
    }

    /// The file.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (table, keys) in &self.tables {
            if !table.is_empty() {
                writeln!(text, "[{table}]").unwrap();
            }
            for (key, value) in keys {
                writeln!(text, "{key} = {value}").unwrap();
            }
        }
        for issuer in &self.issuers {
            writeln!(text, "[[token.issuer]]\n{issuer}").unwrap();
        }
        for route in &self.routes {
            writeln!(text, "[[route]]\n{route}").unwrap();
        }
        text
    }

    /// Writes the file and what it names into `folder`.
    pub(crate) fn write(&self, folder: &std::path::Path) -> std::path::PathBuf {
        for (name, contents) in &self.files {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, contents).unwrap();
        }
        let path = folder.join("proxy.toml");
        std::fs::write(&path, self.text()).unwrap();
        path
    }

    /// Runs certbound with it, and waits until it listens.
    pub(crate) fn start(&self) -> Sidecar {
        Sidecar::start(self)
    }
}
