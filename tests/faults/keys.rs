//! The key sets of issuers: one that is known and was changed just now, and one that never came.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use crate::{
    part::{Fault, NEEDING, NO_ANSWERS, Part, TIMEOUT},
    support::{
        bank::Bank,
        config::Config,
        issuer::{Issuer, Mood},
        pki::Pki,
        relay::{Behind, Relay, Way},
        sidecar::Sidecar,
        token::{AUDIENCE, ISSUER, SigningKey, Token},
    },
};

struct Keys {
    bank: Bank,
    issuer: Issuer,
    relay: Relay,
    sidecar: Sidecar,
    /// What the issuer signs with since it changed its keys, and the key's identifier.
    newest: Mutex<Option<(String, SigningKey)>>,
}

pub(crate) fn stage(fault: Fault) -> Option<Box<dyn Part>> {
    let (bank, issuer) = (Bank::start(), Issuer::start());
    let relay = relay(&issuer);
    // A slow fetch is the one that the first token of the new key makes.
    let refresh = if fault == Fault::Slow { "10m" } else { "1s" };
    let lines = format!("issuer = {ISSUER:?}\n{}\njwks_refresh = {refresh:?}", fetched_through(&relay));
    let sidecar =
        Config::in_front_of(&bank).without_issuers().issuer(&lines).set("token.fetch_timeout", TIMEOUT).start();
    sidecar.await_admin("/readyz", 200);
    Some(Box::new(Keys { bank, issuer, relay, sidecar, newest: Mutex::new(None) }))
}

fn relay(issuer: &Issuer) -> Relay {
    Relay::to(Behind::Tcp(issuer.url.trim_start_matches("http://").to_owned()))
}

fn fetched_through(relay: &Relay) -> String {
    format!("audiences = [{AUDIENCE:?}]\njwks = \"http://{}/jwks\"", relay.address())
}

impl Part for Keys {
    fn sidecar(&self) -> &Sidecar {
        &self.sidecar
    }

    fn bank(&self) -> &Bank {
        &self.bank
    }

    fn needing(&self) -> Vec<u8> {
        let alice = &Pki::get().alice;
        let token = match &*self.newest.lock().unwrap() {
            None => alice.token(),
            Some((kid, key)) => Token::of(alice).header("kid", &**kid).sign_with(key),
        };
        self.sidecar.get(NEEDING).showing(alice).bearing(token).bytes()
    }

    /// What is known still serves; a key that the issuer begins to use now cannot be known.
    fn strike(&self, fault: Fault) {
        fault.strike(&self.relay, &NO_ANSWERS);
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let kid = format!("newest-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let key = SigningKey::new(&kid);
        self.issuer.change_mood(Mood::Keys(SigningKey::set(&[SigningKey::published(), &key])));
        *self.newest.lock().unwrap() = Some((kid, key));
    }

    fn heal(&self, _: Fault) {
        self.relay.go(Way::Open);
    }
}

struct KeysAtStart {
    bank: Bank,
    relay: Relay,
    sidecar: Sidecar,
    _issuer: Issuer,
}

pub(crate) fn stage_at_start(fault: Fault) -> Option<Box<dyn Part>> {
    let (bank, issuer) = (Bank::start(), Issuer::start());
    let relay = relay(&issuer);
    fault.strike(&relay, &NO_ANSWERS);
    let sidecar = Config::in_front_of(&bank)
        .issuer(&format!("issuer = {OTHER:?}\n{}", fetched_through(&relay)))
        .set("token.fetch_timeout", TIMEOUT)
        .start();
    Some(Box::new(KeysAtStart { bank, relay, sidecar, _issuer: issuer }))
}

impl Part for KeysAtStart {
    fn sidecar(&self) -> &Sidecar {
        &self.sidecar
    }

    fn bank(&self) -> &Bank {
        &self.bank
    }

    fn needing(&self) -> Vec<u8> {
        let alice = &Pki::get().alice;
        self.sidecar.get(NEEDING).showing(alice).bearing(Token::of(alice).claim("iss", OTHER).sign()).bytes()
    }

    fn begins_well(&self) -> bool {
        false
    }

    fn strike(&self, fault: Fault) {
        let expected = if fault == Fault::Slow { 200 } else { 503 };
        self.sidecar.await_admin("/readyz", expected);
    }

    fn heal(&self, _: Fault) {
        self.relay.go(Way::Open);
    }
}

/// Beside the one whose keys are in a file.
const OTHER: &str = "https://as.other.example";
