//! The issuer that is asked about tokens which cannot be read.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{
    part::{APART, Fault, NEEDING, NO_ANSWERS, Part, TIMEOUT},
    support::{
        bank::Bank,
        config::Config,
        introspector::{Introspector, active},
        pki::Pki,
        relay::{Behind, Relay, Way},
        sidecar::Sidecar,
        token::{AUDIENCE, ISSUER},
    },
};

struct Introspection {
    bank: Bank,
    introspector: Introspector,
    relay: Relay,
    sidecar: Sidecar,
    tokens: AtomicUsize,
}

pub(crate) fn stage(_: Fault) -> Option<Box<dyn Part>> {
    let (bank, introspector) = (Bank::start(), Introspector::start());
    let relay = Relay::to(Behind::Tcp(introspector.address()));
    let line = introspector.line(", cache_ttl = \"5m\"").replace(&introspector.address(), &relay.address().to_string());
    let issuer = format!("issuer = {ISSUER:?}\naudiences = [{AUDIENCE:?}]\njwks = \"keys.json\"\n{line}");
    let config = Config::in_front_of(&bank).without_issuers().issuer(&issuer).file("rs-secret", "hunter2\n");
    let sidecar = config.set("token.fetch_timeout", TIMEOUT).start();
    introspector.knows("known", active(&Pki::get().alice));
    Some(Box::new(Introspection { bank, introspector, relay, sidecar, tokens: AtomicUsize::new(0) }))
}

impl Part for Introspection {
    fn sidecar(&self) -> &Sidecar {
        &self.sidecar
    }

    fn bank(&self) -> &Bank {
        &self.bank
    }

    /// The issuer was asked about this token before.
    fn apart(&self) -> Vec<u8> {
        self.sidecar.get(APART).showing(&Pki::get().alice).bearing("known").bytes()
    }

    fn needing(&self) -> Vec<u8> {
        let alice = &Pki::get().alice;
        let token = format!("opaque-{}", self.tokens.fetch_add(1, Ordering::Relaxed));
        self.introspector.knows(&token, active(alice));
        self.sidecar.get(NEEDING).showing(alice).bearing(token).bytes()
    }

    fn strike(&self, fault: Fault) {
        fault.strike(&self.relay, &NO_ANSWERS);
    }

    fn heal(&self, _: Fault) {
        self.relay.go(Way::Open);
    }
}
