//! The kinds of requests, each sent by a client of its own again and again.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread::{self, Scope},
    time::Duration,
};

use crate::{
    support::{
        connection::{Answer, Connection},
        pki::{Authority, Client, Pki},
        sidecar::Sidecar,
        token::Token,
    },
    verdict::assert_refusal,
};

/// What they sent together.
#[derive(Default)]
pub(crate) struct Clients {
    requests: AtomicUsize,
    failed: AtomicBool,
}

/// A request and what becomes of it.
struct Kind {
    /// The request with this number.
    bytes: fn(&Sidecar, usize) -> Vec<u8>,
    method: &'static str,
    /// The refusal; none: it passes.
    code: Option<&'static str>,
    /// Whether each request has a connection of its own.
    alone: bool,
}

impl Clients {
    /// Starts one client a kind, until it is `over`.
    pub(crate) fn start<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        sidecar: &'scope Sidecar,
        over: &'scope AtomicBool,
    ) {
        for kind in ALL {
            scope.spawn(move || {
                let _failing = Failing(&self.failed);
                let mut kept = None;
                for number in 0.. {
                    if over.load(Ordering::SeqCst) {
                        return;
                    }
                    kind.ask(sidecar, number, &mut kept);
                    self.requests.fetch_add(1, Ordering::SeqCst);
                    thread::sleep(PAUSE);
                }
            });
        }
    }

    /// How many were answered as they should be.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }
}

impl Kind {
    fn ask(&self, sidecar: &Sidecar, number: usize, kept: &mut Option<Connection>) {
        let mut connection = kept.take().unwrap_or_else(|| sidecar.connect());
        connection.write(&(self.bytes)(sidecar, number));
        let answer = connection.answer(self.method);
        self.hold(&answer);
        let ends = answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if !self.alone && !ends {
            *kept = Some(connection);
        }
    }

    fn hold(&self, answer: &Answer) {
        match self.code {
            Some(code) => assert_refusal(answer, code),
            None => assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body)),
        }
    }
}

struct Failing<'a>(&'a AtomicBool);

impl Drop for Failing<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::SeqCst);
        }
    }
}

fn alice() -> &'static Client {
    &Pki::get().alice
}

const ALL: &[Kind; KINDS] = &[
    // The same client with the same token, which is in the caches.
    Kind {
        bytes: |it, _| it.get("/a").showing(alice()).bearing(kept()).bytes(),
        method: "GET",
        code: None,
        alone: false,
    },
    Kind {
        bytes: |it, _| it.get("/a").showing(alice()).bearing(kept()).bytes(),
        method: "GET",
        code: None,
        alone: true,
    },
    // A token with each request.
    Kind {
        bytes: |it, number| {
            it.get("/b?c=d")
                .showing(alice())
                .bearing(Token::of(alice()).claim("jti", number.to_string()).sign())
                .bytes()
        },
        method: "GET",
        code: None,
        alone: false,
    },
    // A client with each request.
    Kind {
        bytes: |it, _| {
            let client = Pki::get().issuing.client("somebody");
            it.get("/c").by(&client).bytes()
        },
        method: "GET",
        code: None,
        alone: false,
    },
    Kind {
        bytes: |it, number| it.post("/d", &"x".repeat(number % 40_000)).showing(alice()).bearing(kept()).bytes(),
        method: "POST",
        code: None,
        alone: false,
    },
    // Remembered for a while, then asked about anew.
    Kind {
        bytes: |it, _| it.get("/e").showing(alice()).bearing("opaque").bytes(),
        method: "GET",
        code: None,
        alone: false,
    },
    Kind {
        bytes: |it, _| it.get("/a").showing(&Pki::get().mallory).bearing(kept()).bytes(),
        method: "GET",
        code: Some("binding_mismatch"),
        alone: false,
    },
    Kind {
        bytes: |it, _| it.get("/a").bearing(kept()).header("X_SSL_Client.Cert", "spoofed").bytes(),
        method: "GET",
        code: Some("certificate_missing"),
        alone: false,
    },
    Kind {
        bytes: |it, _| {
            let stranger = Authority::root("Nobody").client("alice");
            it.get("/a").by(&stranger).bytes()
        },
        method: "GET",
        code: Some("certificate_untrusted"),
        alone: true,
    },
    Kind {
        bytes: |it, _| it.get("/a/../b").showing(alice()).bearing(kept()).bytes(),
        method: "GET",
        code: Some("path_ambiguous"),
        alone: false,
    },
    Kind {
        bytes: |it, _| it.get("/a").showing(alice()).bearing(Token::of(alice()).expired().sign()).bytes(),
        method: "GET",
        code: Some("token_expired"),
        alone: false,
    },
];

/// A token that lives longer than any run.
fn kept() -> &'static str {
    static TOKEN: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| Token::of(alice()).claim("exp", crate::support::token::now() + LONGEST).sign());
    &TOKEN
}

pub(crate) const KINDS: usize = 11;
/// Seconds that no run takes: what is kept from its beginning has to hold to its end.
pub(crate) const LONGEST: u64 = 86_400;
const PAUSE: Duration = Duration::from_millis(4);
