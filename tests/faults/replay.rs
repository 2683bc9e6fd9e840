//! A Redis that remembers which proofs were used.

use std::sync::Mutex;

use crate::{
    part::{Fault, NEEDING, Part, TIMEOUT},
    support::{
        bank::Bank,
        config::Config,
        proof::Holder,
        redis::Redis,
        relay::{Behind, Relay, Way},
        sidecar::Sidecar,
    },
};

struct Replay {
    bank: Bank,
    redis: Mutex<Redis>,
    relay: Relay,
    sidecar: Sidecar,
    holder: Holder,
    token: String,
}

pub(crate) fn stage(_: Fault) -> Option<Box<dyn Part>> {
    let (bank, redis, holder) = (Bank::start(), Redis::start()?, Holder::new());
    let relay = Relay::to(Behind::Unix(redis.socket()));
    let sidecar = Config::in_front_of(&bank)
        .set("token.binding", r#"["x5t#S256", "jkt"]"#)
        .set("replay.redis", &format!("\"redis://{}/0\"", relay.address()))
        .set("replay.timeout", TIMEOUT)
        .route(&format!("path = {NEEDING:?}\nrequire = [\"binding\"]"))
        .route("path = \"/{*rest}\"")
        .start();
    let token = holder.token().sign();
    Some(Box::new(Replay { bank, redis: Mutex::new(redis), relay, sidecar, holder, token }))
}

impl Part for Replay {
    fn sidecar(&self) -> &Sidecar {
        &self.sidecar
    }

    fn bank(&self) -> &Bank {
        &self.bank
    }

    fn needing(&self) -> Vec<u8> {
        let proof = self.holder.proof(&format!("https://api.bank.example{NEEDING}"), &self.token);
        let request = self.sidecar.get(NEEDING).header("Authorization", &format!("DPoP {}", self.token));
        request.header("DPoP", &proof.sign()).bytes()
    }

    fn strike(&self, fault: Fault) {
        match fault {
            Fault::Hung => self.redis.lock().unwrap().hold(),
            Fault::Killed => {
                fault.strike(&self.relay, &[]);
                self.redis.lock().unwrap().stop();
            }
            Fault::Slow | Fault::Corrupt => fault.strike(&self.relay, &NONSENSE),
        }
    }

    fn heal(&self, fault: Fault) {
        match fault {
            Fault::Hung => self.redis.lock().unwrap().go_on(),
            Fault::Killed => self.redis.lock().unwrap().start_again(),
            Fault::Slow | Fault::Corrupt => {}
        }
        self.relay.go(Way::Open);
    }
}

/// A number, a text, a refusal, half a reply, one reply too many, and another protocol.
const NONSENSE: [&[u8]; 6] = [
    b":1\r\n",
    b"$2\r\nOK\r\n",
    b"-LOADING Redis is loading\r\n",
    b"+O",
    b"+OK\r\n+OK\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
];
