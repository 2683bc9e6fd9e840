//! A responder of OpenSSL.

use std::{
    fmt::Write,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    part::{APART, Fault, NEEDING, NO_ANSWERS, Part, TIMEOUT},
    support::{
        bank::Bank,
        config::Config,
        office::{Office, Responder},
        pki::Client,
        relay::{Behind, Relay, Way},
        sidecar::Sidecar,
    },
};

struct Ocsp {
    bank: Bank,
    office: Office,
    responder: Mutex<Option<Responder>>,
    relay: Relay,
    sidecar: Sidecar,
    known: Client,
    serials: AtomicU64,
}

pub(crate) fn stage(_: Fault) -> Option<Box<dyn Part>> {
    let mut index = String::new();
    for serial in FIRST..FIRST + ISSUED {
        writeln!(index, "V\t491231235959Z\t\t{serial:04X}\tunknown\t/CN=tpp-{serial}").unwrap();
    }
    let (bank, office) = (Bank::start(), Office::open(&index)?);
    let responder = office.respond("ca");
    let relay = Relay::to(Behind::Tcp(responder.address.clone()));
    let sidecar = Config::in_front_of(&bank)
        .set("revocation.methods", r#"["ocsp"]"#)
        .set("revocation.timeout", TIMEOUT)
        .set("revocation.allow_private_addresses", "true")
        .file("trust/bank.der", office.authority.der.clone())
        .start();
    let known = office.client(FIRST, &format!("http://{}/", relay.address()));
    let responder = Mutex::new(Some(responder));
    Some(Box::new(Ocsp { bank, office, responder, relay, sidecar, known, serials: AtomicU64::new(FIRST + 1) }))
}

impl Part for Ocsp {
    fn sidecar(&self) -> &Sidecar {
        &self.sidecar
    }

    fn bank(&self) -> &Bank {
        &self.bank
    }

    /// The responder was asked about this certificate before.
    fn apart(&self) -> Vec<u8> {
        self.sidecar.get(APART).by(&self.known).bytes()
    }

    fn needing(&self) -> Vec<u8> {
        let serial = self.serials.fetch_add(1, Ordering::Relaxed);
        assert!(serial < FIRST + ISSUED, "the responder knows no more certificates");
        let client = self.office.client(serial, &format!("http://{}/", self.relay.address()));
        self.sidecar.get(NEEDING).by(&client).bytes()
    }

    fn strike(&self, fault: Fault) {
        match fault {
            Fault::Hung => self.responder.lock().unwrap().as_ref().unwrap().hold(),
            Fault::Killed => {
                fault.strike(&self.relay, &[]);
                *self.responder.lock().unwrap() = None;
            }
            Fault::Slow | Fault::Corrupt => fault.strike(&self.relay, &NO_ANSWERS),
        }
    }

    fn heal(&self, fault: Fault) {
        match fault {
            Fault::Hung => self.responder.lock().unwrap().as_ref().unwrap().go_on(),
            Fault::Killed => {
                let responder = self.office.respond("ca");
                self.relay.lead_to(Behind::Tcp(responder.address.clone()));
                *self.responder.lock().unwrap() = Some(responder);
            }
            Fault::Slow | Fault::Corrupt => {}
        }
        self.relay.go(Way::Open);
    }
}

const FIRST: u64 = 0x1000;
/// In every phase hundreds of certificates are shown for the first time.
const ISSUED: u64 = 0x4000;
