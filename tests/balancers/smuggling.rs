//! certbound before real servers: whatever bytes a client sends, they find exactly one request in what certbound
//! forwards, with exactly the body that was sent, or find nothing. Whoever comes next gets the own answer.

mod backend;
mod cases;

use std::{fmt, path::Path};

use self::{
    backend::{APACHE, Backend, CADDY, HAPROXY, NGINX},
    cases::{Case, Expected},
};
use crate::support::{
    bank::Bank,
    config::Config,
    frames::{self, Frames},
    process::find,
    sidecar::Sidecar,
};

#[test]
fn nginx_finds_one_request_in_what_is_forwarded_or_nothing() {
    hold(&NGINX);
}

#[test]
fn haproxy_finds_one_request_in_what_is_forwarded_or_nothing() {
    hold(&HAPROXY);
}

#[test]
fn apache_finds_one_request_in_what_is_forwarded_or_nothing() {
    hold(&APACHE);
}

#[test]
fn caddy_finds_one_request_in_what_is_forwarded_or_nothing() {
    hold(&CADDY);
}

#[test]
fn bank_without_a_server_before_it_finds_one_request_or_nothing() {
    let bank = Bank::start();
    Run::through(&config(bank.address()).start(), &bank, "the bank").assert_clean();
}

fn hold(backend: &Backend) {
    if let Some(program) = find(backend.program) {
        through(backend, &program);
    }
}

/// Client, certbound, the real server, and a bank that tells what the server has found.
fn through(backend: &Backend, program: &Path) {
    let bank = Bank::start();
    let server = backend.start(program, &bank);
    bank.take();
    Run::through(&config(&server.address().to_string()).start(), &bank, backend.program).assert_clean();
}

/// One thread, so that every request goes by the connection to the backend that the one before has left.
fn config(backend: &str) -> Config {
    Config::to(backend)
        .set("listen.threads", "1")
        .set("listen.request_header_timeout", r#""1s""#)
        .set("listen.idle_timeout", r#""1s""#)
        .set("backend.response_timeout", r#""5s""#)
        .route("path = \"/{*rest}\"\nrequire = []")
}

/// What was sent, to be compared with what the bank was told.
struct Run {
    sent: Vec<(String, Expected)>,
    bank: Vec<Found>,
    faults: Vec<String>,
}

/// A request that the server behind certbound has found.
struct Found {
    target: String,
    body: Vec<u8>,
}

impl Run {
    fn through(sidecar: &Sidecar, bank: &Bank, backend: &str) -> Self {
        let mut run = Self { sent: Vec::new(), bank: Vec::new(), faults: Vec::new() };
        for case in cases::http1() {
            run.hold_http1(&case, sidecar);
        }
        for case in cases::http2() {
            run.hold_http2(&case, sidecar);
        }
        assert!(run.sent.len() > 100, "{backend}");
        run.bank = bank.take().into_iter().map(|seen| Found { target: seen.target, body: seen.body }).collect();
        run.compare(backend);
        run
    }

    fn hold_http1(&mut self, case: &Case<Vec<u8>>, sidecar: &Sidecar) {
        let mut connection = sidecar.connect();
        // certbound may have refused and closed before everything was written.
        let _ = connection.try_write(&case.sent);
        let answer = connection.try_answer(case.method()).unwrap_or(None);
        self.answered(case, answer.as_ref().map(|answer| answer.status));
        let (target, body) = self.honest();
        let request = sidecar.post(&target, &body);
        let kept = connection.try_write(&request.bytes()).ok();
        let answer = kept.and_then(|()| connection.try_answer("POST").unwrap_or(None));
        // Over the connection of the case if it is still there, and over another one in any case.
        let answer = answer.map(|answer| answer.body);
        self.own_answer(case, answer, &body, true);
        let (target, body) = self.honest();
        self.own_answer(case, Some(sidecar.post(&target, &body).send().body), &body, false);
    }

    fn hold_http2(&mut self, case: &Case<Vec<Vec<u8>>>, sidecar: &Sidecar) {
        let mut frames = Frames::connect(sidecar.address());
        frames.write(&case.sent);
        let outcome = frames.answer(1);
        self.answered(case, outcome.as_ref().map(|answer| if answer.reset { 400 } else { 200 }));
        let (target, body) = self.honest();
        frames.write(&frames::post(3, &target, &body));
        let answer = frames.answer(3).filter(|answer| !answer.reset).map(|answer| answer.body);
        self.own_answer(case, answer, &body, true);
        let (target, body) = self.honest();
        self.own_answer(case, Some(sidecar.post(&target, &body).send().body), &body, false);
    }

    fn answered<T>(&mut self, case: &Case<T>, status: Option<u16>) {
        if matches!(case.expected, Expected::Forwarded(_)) && status != Some(200) {
            self.faults.push(format!("{case}: {status:?}"));
        }
        self.sent.push((case.target.clone(), case.expected.clone()));
    }

    /// A request that nobody could take for another one.
    fn honest(&mut self) -> (String, String) {
        let number = self.sent.len();
        (format!("/say/200?honest={number}"), format!("the answer to {number}"))
    }

    fn own_answer<T>(&mut self, case: &Case<T>, answer: Option<Vec<u8>>, body: &str, may_be_closed: bool) {
        let (target, own) = (self.honest().0, body.as_bytes().to_vec());
        let expected = match &answer {
            None if may_be_closed => Expected::Unless(own),
            Some(answer) if may_be_closed && is_refusal(answer) => Expected::Refused,
            Some(answer) if *answer == own => Expected::Forwarded(own),
            _ => {
                let answer = answer.map(|answer| String::from_utf8_lossy(&answer).into_owned());
                self.faults.push(format!("{case}: the next request got {answer:?} for {body:?}"));
                Expected::Forwarded(own)
            }
        };
        self.sent.push((target, expected));
    }

    fn compare(&mut self, backend: &str) {
        for (target, expected) in &self.sent {
            let found: Vec<_> = self.bank.iter().filter(|found| found.target == *target).collect();
            let as_expected = match (expected, found.as_slice()) {
                (Expected::Forwarded(body), [one]) => one.body == *body,
                (Expected::Refused | Expected::Unless(_), []) => true,
                // A body that turns out broken was on its way already: then it has no end.
                (Expected::Unless(body), [one]) => one.body == *body || one.body.is_empty(),
                _ => false,
            };
            let bodies: Vec<_> = found.iter().map(|one| String::from_utf8_lossy(&one.body)).collect();
            if !as_expected {
                self.faults.push(format!("{backend} found {bodies:?} at {target}, expected {expected:?}"));
            }
        }
        for found in &self.bank {
            if !self.sent.iter().any(|(target, _)| *target == found.target) {
                self.faults.push(format!("{backend} found {}, which nobody sent", found.target));
            }
        }
    }

    fn assert_clean(&self) {
        assert!(self.faults.is_empty(), "{:#?}", self.faults);
    }
}

fn is_refusal(body: &[u8]) -> bool {
    body.is_empty() || body.starts_with(br#"{"type":"urn:certbound:denial:"#)
}

impl<T> fmt::Display for Case<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.target)
    }
}
