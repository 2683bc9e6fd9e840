//! Client, issuer, and bank, which are the same for all proxies.

use std::{cell::Cell, fs, net::SocketAddr};

use rustls_pki_types::{CertificateDer, UnixTime};
use tempfile::TempDir;
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::{
    backend,
    cores::Cores,
    credentials::{Authority, Client},
    issuer::{Algorithm, Issuer},
    proxy::Proxy,
    traffic::Requests,
};

/// What every leg needs.
pub(crate) struct Stage {
    /// What else the machine had to do when the stage was set: threads that ran or waited to, over a minute.
    pub(crate) load: String,
    pub(crate) folder: TempDir,
    pub(crate) cores: Cores,
    pub(crate) backend: SocketAddr,
    pub(crate) issuer: Issuer,
    pub(crate) client: Client,
    authority: Authority,
    thief: Client,
    /// How many tokens were made that only one request has.
    made: Cell<u64>,
}

impl Stage {
    /// Writes what certbound's configuration names, and starts the backend.
    pub(crate) fn set() -> Self {
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or_default().to_owned();
        let cores = Cores::divide();
        let (authority, issuer) = (Authority::new(), Issuer::new());
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("ca.pem"), authority.pem()).expect("a truststore");
        fs::write(folder.path().join("jwks.json"), issuer.keys()).expect("a key set");
        let (client, thief) = (authority.client(), authority.client());
        Self { load, folder, cores, backend: backend::start(), issuer, client, authority, thief, made: Cell::new(0) }
    }

    pub(crate) fn bare(&self) -> Proxy {
        Proxy::bare(&self.cores, self.backend)
    }

    pub(crate) fn certbound(&self, name: &str, tables: &str) -> Proxy {
        Proxy::certbound(&self.cores, self.folder.path(), name, self.backend, tables)
    }

    /// One token again and again.
    pub(crate) fn known(&self, algorithm: Algorithm) -> Requests<'_> {
        Requests::Same(self.client.request(&self.token(&self.client, algorithm)))
    }

    /// A token of the same client with each request.
    pub(crate) fn new_tokens(&self, algorithm: Algorithm) -> Requests<'_> {
        Requests::New(Box::new(move || self.client.request(&self.token(&self.client, algorithm))))
    }

    /// A client with each request, and its token.
    pub(crate) fn new_clients(&self, algorithm: Algorithm) -> Requests<'_> {
        Requests::New(Box::new(move || {
            let client = self.authority.client();
            client.request(&self.token(&client, algorithm))
        }))
    }

    /// The clients' authority revokes so many others.
    pub(crate) fn crl(&self, entries: usize) -> Vec<u8> {
        self.authority.crl(entries)
    }

    /// A good token in the hands of another client: what every proxy that checks has to refuse.
    pub(crate) fn stolen(&self, algorithm: Algorithm) -> Vec<u8> {
        self.thief.request(&self.token(&self.client, algorithm))
    }

    /// ring's own work on one token.
    pub(crate) fn signature(&self, algorithm: Algorithm) -> impl Fn() + use<> {
        self.issuer.verification(algorithm, &self.token(&self.client, algorithm))
    }

    /// webpki's own work on one certificate, from its DER to the anchor.
    pub(crate) fn path(&self) -> impl Fn() + use<> {
        let (leaf, authority) = (self.client.der.clone(), self.authority.der().to_vec());
        let anchor = anchor_from_trusted_cert(&CertificateDer::from(authority)).expect("an anchor").to_owned();
        let now = UnixTime::now();
        move || {
            let leaf = CertificateDer::from(leaf.as_slice());
            let leaf = EndEntityCert::try_from(&leaf).expect("a certificate");
            let (anchors, usage) = (std::slice::from_ref(&anchor), KeyUsage::client_auth());
            leaf.verify_for_usage(ALL_VERIFICATION_ALGS, anchors, &[], now, usage, None, None).expect("a path");
        }
    }

    fn token(&self, client: &Client, algorithm: Algorithm) -> String {
        self.made.set(self.made.get() + 1);
        self.issuer.token(algorithm, &client.claims(self.made.get()))
    }
}
