//! Lists of revoked certificates: at a distribution point, and in files.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rcgen::SerialNumber;

use crate::{
    part::{APART, Fault, NEEDING, NO_ANSWERS, Part, TIMEOUT},
    support::{
        bank::Bank,
        config::Config,
        der::list_at,
        ocsp::{Reply, Responder},
        pki::{Authority, Client},
        relay::{Behind, Relay, Way},
        sidecar::Sidecar,
    },
};

struct Crl {
    bank: Bank,
    authority: Authority,
    relay: Relay,
    sidecar: Sidecar,
    known: Client,
    serials: AtomicU64,
    /// Whether certificates name a list that was never fetched.
    elsewhere: AtomicBool,
    _point: Responder,
}

pub(crate) fn stage(_: Fault) -> Option<Box<dyn Part>> {
    let (bank, point, authority) = (Bank::start(), Responder::start(), Authority::root("Bank CA"));
    for target in ["/crl", "/elsewhere"] {
        let list = authority.list(&[], HOUR);
        point.says(target, move |_| Reply::Body(list.clone()));
    }
    let relay = Relay::to(Behind::Tcp(point.address()));
    let sidecar = demanding(&bank, &authority).start();
    let known = issue(&authority, 1, &format!("http://{}/crl", relay.address()));
    let (serials, elsewhere) = (AtomicU64::new(2), AtomicBool::new(false));
    Some(Box::new(Crl { bank, authority, relay, sidecar, known, serials, elsewhere, _point: point }))
}

fn demanding(bank: &Bank, authority: &Authority) -> Config {
    Config::in_front_of(bank)
        .set("revocation.methods", r#"["crl"]"#)
        .set("revocation.timeout", TIMEOUT)
        .set("revocation.allow_private_addresses", "true")
        .file("trust/bank.der", authority.der.clone())
}

fn issue(authority: &Authority, serial: u64, list: &str) -> Client {
    authority.issue("tpp", |params| {
        params.serial_number = Some(SerialNumber::from(serial));
        params.crl_distribution_points = vec![list_at(list)];
    })
}

impl Part for Crl {
    fn sidecar(&self) -> &Sidecar {
        &self.sidecar
    }

    fn bank(&self) -> &Bank {
        &self.bank
    }

    fn apart(&self) -> Vec<u8> {
        self.sidecar.get(APART).by(&self.known).bytes()
    }

    fn needing(&self) -> Vec<u8> {
        let target = if self.elsewhere.load(Ordering::SeqCst) { "elsewhere" } else { "crl" };
        let serial = self.serials.fetch_add(1, Ordering::Relaxed);
        let client = issue(&self.authority, serial, &format!("http://{}/{target}", self.relay.address()));
        self.sidecar.get(NEEDING).by(&client).bytes()
    }

    fn strike(&self, fault: Fault) {
        self.elsewhere.store(true, Ordering::SeqCst);
        fault.strike(&self.relay, &NO_ANSWERS);
    }

    fn heal(&self, _: Fault) {
        self.relay.go(Way::Open);
    }
}

struct CrlFile {
    bank: Bank,
    authority: Authority,
    sidecar: Sidecar,
    known: Client,
    serials: AtomicU64,
    /// Whoever changes the file all the time, and whether that is over.
    writer: Mutex<Option<JoinHandle<()>>>,
    written: Arc<AtomicBool>,
}

pub(crate) fn stage_of_file(_: Fault) -> Option<Box<dyn Part>> {
    let (bank, authority) = (Bank::start(), Authority::root("Bank CA"));
    let config = demanding(&bank, &authority).set("revocation.crl_files", r#"["lists/"]"#);
    let sidecar = config.file("lists/bank.crl", authority.list(&[], HOUR)).start();
    let known = authority.client("tpp");
    let (writer, written) = (Mutex::new(None), Arc::default());
    Some(Box::new(CrlFile { bank, authority, sidecar, known, serials: AtomicU64::new(1), writer, written }))
}

impl CrlFile {
    fn path(&self) -> PathBuf {
        self.sidecar.folder().join("lists/bank.crl")
    }

    /// Waits until certbound has said this of the files.
    fn await_event(&self, name: &str) {
        self.sidecar.event(name);
    }
}

impl Part for CrlFile {
    fn sidecar(&self) -> &Sidecar {
        &self.sidecar
    }

    fn bank(&self) -> &Bank {
        &self.bank
    }

    fn apart(&self) -> Vec<u8> {
        self.sidecar.get(APART).by(&self.known).bytes()
    }

    fn needing(&self) -> Vec<u8> {
        let serial = self.serials.fetch_add(1, Ordering::Relaxed);
        let client = self.authority.issue("tpp", |params| params.serial_number = Some(SerialNumber::from(serial)));
        self.sidecar.get(NEEDING).by(&client).bytes()
    }

    /// The file is gone, is written without an end or slowly, or holds nonsense.
    fn strike(&self, fault: Fault) {
        match fault {
            Fault::Killed => fs::remove_file(self.path()).unwrap(),
            Fault::Corrupt => fs::write(self.path(), NO_ANSWERS[2]).unwrap(),
            Fault::Hung => {
                let (path, ended) = (self.path(), Arc::clone(&self.written));
                let write = move || {
                    for turn in 0_usize.. {
                        if ended.load(Ordering::SeqCst) {
                            return;
                        }
                        fs::write(&path, vec![0x30; 1 + turn % 1000]).unwrap();
                        thread::sleep(Duration::from_millis(1));
                    }
                };
                *self.writer.lock().unwrap() = Some(thread::spawn(write));
                return;
            }
            Fault::Slow => {
                let list = self.authority.list(&[], HOUR);
                fs::write(self.path(), &list[..list.len() / 2]).unwrap();
            }
        }
        self.await_event("crls_not_reloaded");
    }

    fn heal(&self, _: Fault) {
        self.written.store(true, Ordering::SeqCst);
        if let Some(writer) = self.writer.lock().unwrap().take() {
            writer.join().unwrap();
        }
        let gone = u64::MAX >> 1;
        fs::write(self.path(), self.authority.list(&[(gone, None)], HOUR)).unwrap();
        self.await_event("crls_reloaded");
    }
}

const HOUR: i64 = 3600;
