//! The API itself.

use crate::{
    part::{APART, Fault, NEEDING, NO_ANSWERS, Part, TIMEOUT},
    support::{
        bank::Bank,
        config::Config,
        pki::Pki,
        relay::{Behind, Relay, Way},
        sidecar::Sidecar,
    },
};

struct Backend {
    bank: Bank,
    relay: Relay,
    sidecar: Sidecar,
}

pub(crate) fn stage(_: Fault) -> Option<Box<dyn Part>> {
    let bank = Bank::start();
    let relay = Relay::to(Behind::Tcp(bank.address().to_owned()));
    let config = Config::to(&relay.address().to_string()).set("backend.response_timeout", TIMEOUT);
    let sidecar = config.start();
    Some(Box::new(Backend { bank, relay, sidecar }))
}

impl Part for Backend {
    fn sidecar(&self) -> &Sidecar {
        &self.sidecar
    }

    fn bank(&self) -> &Bank {
        &self.bank
    }

    /// Whatever does not come from the backend is a refusal: here by the last check of all.
    fn apart(&self) -> Vec<u8> {
        let Pki { alice, mallory, .. } = Pki::get();
        self.sidecar.get(APART).showing(mallory).bearing(alice.token()).bytes()
    }

    fn code_apart(&self) -> &'static str {
        "binding_mismatch"
    }

    fn needing(&self) -> Vec<u8> {
        self.sidecar.get(NEEDING).by(&Pki::get().alice).bytes()
    }

    /// A failure and a page of excuses are answers of its own, and half an answer is passed on by halves.
    fn strike(&self, fault: Fault) {
        fault.strike(&self.relay, &[NO_ANSWERS[0], b"HTTP/1.1 200 OK\r\nContent-Le", b""]);
    }

    fn heal(&self, _: Fault) {
        self.relay.go(Way::Open);
    }
}
