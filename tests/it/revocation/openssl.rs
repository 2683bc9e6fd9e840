//! OpenSSL as the certification authority: its responder, and its lists.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
};

use rcgen::SerialNumber;
use tempfile::TempDir;

use super::{Stage, assert_recorded, demanding, record};
use crate::{
    support::{
        bank::Bank,
        der::responders_at,
        pki::{Authority, Client, pem},
    },
    verdict::{assert_passed, assert_refused},
};

/// An authority as OpenSSL keeps it: key, certificate, and the index of what it issued.
struct Office {
    authority: Authority,
    folder: TempDir,
}

impl Office {
    /// None, said loudly, where there is no OpenSSL; in CI that is a failure.
    fn open() -> Option<Self> {
        let found = Command::new("openssl").arg("version").output().is_ok_and(|output| output.status.success());
        if !found {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "openssl is not installed");
            // Not by `eprintln!`, which the test runner swallows.
            io::stderr().write_all(b"SKIPPED: openssl is not installed, so nothing is known of it\n").unwrap();
            return None;
        }
        let (authority, folder) = (Authority::root("Bank CA"), tempfile::tempdir().unwrap());
        for (name, contents) in [
            ("ca.pem", pem(&authority.der)),
            ("ca.key", authority.key_pem()),
            ("index.txt", INDEX.to_owned()),
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
    fn list(&self) -> Vec<u8> {
        let output = self.openssl("ca -gencrl -config ca.cnf -out crl.pem").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::read(self.path().join("crl.pem")).unwrap()
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Its responder, once it listens.
    fn respond(&self, signer: &str) -> Responder {
        let arguments =
            format!("ocsp -port 0 -index index.txt -CA ca.pem -nmin 5 -rsigner {signer}.pem -rkey {signer}.key");
        let mut child = self.openssl(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.ok()?;
            line.strip_prefix("ACCEPT ")?.split(' ').next()?.rsplit(':').next()?.parse::<u16>().ok()
        });
        let Some(port) = port else {
            let mut said = String::new();
            child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            panic!("openssl ocsp does not listen: {said}");
        };
        Responder { child, address: format!("http://localhost:{port}/") }
    }

    fn client(&self, serial: u64, address: &str) -> Client {
        self.authority.issue("tpp", |params| {
            params.serial_number = Some(SerialNumber::from(serial));
            params.custom_extensions.push(responders_at(&[address]));
        })
    }
}

/// `openssl ocsp`. It ends with this value.
struct Responder {
    child: Child,
    address: String,
}

impl Drop for Responder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serial numbers in hex: 0x11 is good, 0x12 revoked, 0x13 on hold; any other is not known.
const INDEX: &str = "V\t491231235959Z\t\t11\tunknown\t/CN=tpp\n\
    R\t491231235959Z\t260101000000Z,keyCompromise\t12\tunknown\t/CN=tpp\n\
    R\t491231235959Z\t260101000000Z,certificateHold\t13\tunknown\t/CN=tpp\n";

const CONFIGURATION: &str = "[ca]\ndefault_ca = office\n[office]\ndatabase = index.txt\nprivate_key = ca.key\n\
    certificate = ca.pem\ndefault_md = sha256\ndefault_crl_days = 1\ncrl_extensions = extensions\n\
    [extensions]\nauthorityKeyIdentifier = keyid\n";

/// What becomes of the good one, of those that were withdrawn, and of one that is not known.
fn assert_judged(office: &Office, responder: &Responder) {
    let bank = Bank::start();
    let sidecar = demanding(&bank, &office.authority).start();
    let [good, gone, held, unknown] = [0x11, 0x12, 0x13, 0x14].map(|serial| office.client(serial, &responder.address));

    for _ in 0..2 {
        assert_passed(&sidecar.get("/a").by(&good).send(), &bank);
    }
    assert_refused(&sidecar.get("/a").by(&gone).send(), "certificate_revoked", &bank);
    assert_refused(&sidecar.get("/a").by(&held).send(), "certificate_revoked", &bank);
    assert_refused(&sidecar.get("/a").by(&unknown).send(), "revocation_unknown", &bank);

    let revoked = record("ocsp", "revoked", false);
    let known = [record("ocsp", "good", false), record("ocsp", "good", true), revoked.clone(), revoked];
    assert_recorded(&sidecar, &[&known[..], &[super::no_record("unknown")]].concat());
}

#[test]
fn responder_that_signs_with_the_issuers_key_is_believed() {
    let Some(office) = Office::open() else { return };

    assert_judged(&office, &office.respond("ca"));
}

#[test]
fn responder_that_signs_with_a_delegates_key_is_believed() {
    let Some(office) = Office::open() else { return };
    let delegate = office.authority.issue("responder", |params| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::OcspSigning];
    });
    fs::write(office.path().join("delegate.pem"), delegate.pem()).unwrap();
    fs::write(office.path().join("delegate.key"), delegate.key_pem()).unwrap();

    assert_judged(&office, &office.respond("delegate"));
}

#[test]
fn responder_that_signs_with_a_strangers_key_is_not_believed() {
    let Some(office) = Office::open() else { return };
    let stranger = Authority::root("Bank CA");
    fs::write(office.path().join("stranger.pem"), pem(&stranger.der)).unwrap();
    fs::write(office.path().join("stranger.key"), stranger.key_pem()).unwrap();
    let responder = office.respond("stranger");
    let bank = Bank::start();
    let sidecar = demanding(&bank, &office.authority).start();

    let answer = sidecar.get("/a").by(&office.client(0x11, &responder.address)).send();

    assert_refused(&answer, "revocation_unknown", &bank);
}

#[test]
fn list_on_disk_is_judged_by_without_asking_anyone() {
    let Some(office) = Office::open() else { return };
    let folder = office.folder.path().join("lists");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("crl.pem"), office.list()).unwrap();
    fs::write(folder.join("namesake.der"), Authority::root("Bank CA").list(&[], 60)).unwrap();
    let stage = Stage { authority: office.authority, ..Stage::new() };
    let config = stage.config().set("revocation.methods", r#"["crl", "ocsp"]"#);
    let sidecar = config.set("revocation.crl_files", &format!("[{:?}]", folder.display().to_string())).start();

    stage.assert_passed(&sidecar, &stage.client(0x11));
    stage.assert_refused(&sidecar, &stage.client(0x12), "certificate_revoked");
    stage.assert_refused(&sidecar, &stage.client(0x13), "certificate_revoked");

    assert_recorded(
        &sidecar,
        &[record("crl", "good", false), record("crl", "revoked", false), record("crl", "revoked", false)],
    );
    assert_eq!(stage.responder.connections(), 0);
}
