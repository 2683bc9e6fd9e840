//! The consent service.

use crate::{
    part::{Fault, NEEDING, NO_ANSWERS, Part, TIMEOUT},
    support::{
        bank::Bank,
        config::Config,
        ocsp::{Reply, Responder},
        pki::Pki,
        relay::{Behind, Relay, Way},
        sidecar::Sidecar,
        token::Token,
    },
};

struct Consent {
    bank: Bank,
    relay: Relay,
    sidecar: Sidecar,
    _service: Responder,
}

pub(crate) fn stage(_: Fault) -> Option<Box<dyn Part>> {
    let (bank, service) = (Bank::start(), Responder::start());
    service.says("/validate", |_| Reply::Body(br#"{"isValid":true}"#.to_vec()));
    let relay = Relay::to(Behind::Tcp(service.address()));
    let sidecar = Config::in_front_of(&bank)
        .set("consent.endpoint", &format!("\"http://{}/validate\"", relay.address()))
        .set("consent.timeout", TIMEOUT)
        .route(&format!("path = {NEEDING:?}\nconsent = true"))
        .route("path = \"/{*rest}\"")
        .start();
    Some(Box::new(Consent { bank, relay, sidecar, _service: service }))
}

impl Part for Consent {
    fn sidecar(&self) -> &Sidecar {
        &self.sidecar
    }

    fn bank(&self) -> &Bank {
        &self.bank
    }

    fn needing(&self) -> Vec<u8> {
        let alice = &Pki::get().alice;
        let token = Token::of(alice).claim("consent_id", "consent-1").sign();
        self.sidecar.get(NEEDING).showing(alice).bearing(token).bytes()
    }

    fn strike(&self, fault: Fault) {
        fault.strike(&self.relay, &NO_ANSWERS);
    }

    fn heal(&self, _: Fault) {
        self.relay.go(Way::Open);
    }
}
