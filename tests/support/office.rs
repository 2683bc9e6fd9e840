//! OpenSSL as a certification authority, with its responder and its lists.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use rcgen::SerialNumber;
use tempfile::TempDir;

use super::{
    der::responders_at,
    pki::{Authority, Client, pem},
    process,
};

/// An authority as OpenSSL keeps it: key, certificate, and the index of what it issued.
pub(crate) struct Office {
    pub(crate) authority: Authority,
    folder: TempDir,
}

impl Office {
    /// `index`: as `openssl ca` writes it. None, said loudly, where there is no OpenSSL; in CI that is a failure.
    pub(crate) fn open(index: &str) -> Option<Self> {
        process::find("openssl")?;
        let (authority, folder) = (Authority::root("Bank CA"), tempfile::tempdir().unwrap());
        for (name, contents) in [
            ("ca.pem", pem(&authority.der)),
            ("ca.key", authority.key_pem()),
            ("index.txt", index.to_owned()),
            ("ca.cnf", CONFIGURATION.to_owned()),
        ] {
            fs::write(folder.path().join(name), contents).unwrap();
        }
        Some(Self { authority, folder })
    }

    fn openssl(&self, arguments: &str) -> Command {
        let mut command = Command::new("openssl");
        command.current_dir(self.folder.path()).args(arguments.split(' ')).stdin(Stdio::null());
        command
    }

    /// The list of all that the index has as revoked, in PEM.
    pub(crate) fn list(&self) -> Vec<u8> {
        let output = self.openssl("ca -gencrl -config ca.cnf -out crl.pem").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::read(self.path().join("crl.pem")).unwrap()
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Its responder, once it listens.
    pub(crate) fn respond(&self, signer: &str) -> Responder {
        let arguments =
            format!("ocsp -port 0 -index index.txt -CA ca.pem -nmin 5 -rsigner {signer}.pem -rkey {signer}.key");
        // It says something of every question.
        let (said, log) = (self.path().join("ocsp.log"), fs::File::create(self.path().join("ocsp.log")).unwrap());
        let mut child = self.openssl(&arguments).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.ok()?;
            line.strip_prefix("ACCEPT ")?.split(' ').next()?.rsplit(':').next()?.parse::<u16>().ok()
        });
        let Some(port) = port else {
            panic!("openssl ocsp does not listen: {}", fs::read_to_string(said).unwrap());
        };
        Responder { child, address: format!("localhost:{port}") }
    }

    pub(crate) fn client(&self, serial: u64, address: &str) -> Client {
        self.authority.issue("tpp", |params| {
            params.serial_number = Some(SerialNumber::from(serial));
            params.custom_extensions.push(responders_at(&[address]));
        })
    }
}

/// `openssl ocsp`. It ends with this value.
pub(crate) struct Responder {
    child: Child,
    /// Host and port.
    pub(crate) address: String,
}

impl Responder {
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Has it take connections and answer nothing, until [`Self::go_on`].
    pub(crate) fn hold(&self) {
        process::signal(&self.child, "STOP");
    }

    pub(crate) fn go_on(&self) {
        process::signal(&self.child, "CONT");
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const CONFIGURATION: &str = "[ca]\ndefault_ca = office\n[office]\ndatabase = index.txt\nprivate_key = ca.key\n\
    certificate = ca.pem\ndefault_md = sha256\ndefault_crl_days = 1\ncrl_extensions = extensions\n\
    [extensions]\nauthorityKeyIdentifier = keyid\n";
