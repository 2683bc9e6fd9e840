//! What one client sends on one connection, how it is cut, and what the client waits for in between.

use super::{
    bodies::{self, Framed},
    reader::{self, Manner},
};
use crate::spoof::chance::Chance;

/// Where a stream is sent.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Entrance {
    Enforcing,
    Reporting,
    Tls,
    /// The bank cannot be reached.
    Alone,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Up to this place.
    Write(usize),
    /// Until so many requests are answered.
    Answers(usize),
    /// Until the bank has seen so many, or it is clear that it will not.
    Bank(usize),
    /// Lets what waits at the bank be answered.
    Open,
    /// Until more is answered than came whole, or nobody waits for the rest any longer.
    Impatience(usize),
    /// Says that nothing more comes.
    HalfClose,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) entrance: Entrance,
    /// The first part of every marker in it.
    pub(super) stream: String,
    pub(super) bytes: Vec<u8>,
    pub(super) steps: Vec<Step>,
}

/// What a request shows to be let through.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) certificate: String,
    pub(super) token: String,
}

struct Writer<'a> {
    chance: Chance,
    credentials: &'a Credentials,
    stream: String,
    seed: u64,
    count: usize,
}

impl Plan {
    pub(super) fn of(seed: u64, entrances: &[Entrance], credentials: &Credentials) -> Self {
        let mut chance = Chance::from_seed(seed);
        let entrance = chance.of(entrances);
        let stream = format!("s{seed}");
        let mut writer = Writer { chance, credentials, stream: stream.clone(), seed, count: 0 };
        let requests = 1 + writer.chance.below(6);
        let fault = writer.chance.below(requests + requests / 2 + 1);
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for number in 0..requests {
            bytes.extend(writer.request(number == fault));
            ends.push(bytes.len());
        }
        if writer.one_in(10) {
            bytes.truncate(writer.chance.below(bytes.len()));
            ends.retain(|end| *end <= bytes.len());
        }
        let steps = writer.steps(&bytes, &ends);
        Self { seed, entrance, stream, bytes, steps }
    }
}

impl Writer<'_> {
    fn one_in(&mut self, many: usize) -> bool {
        self.chance.below(many) == 0
    }

    fn identified(&mut self, kind: char) -> String {
        self.count += 1;
        let (stream, count) = (&self.stream, self.count);
        let seed = self.seed & 0xffff_ffff_ffff;
        format!(
            "X-Marker: {stream}.{kind}{count}\r\nx-fapi-interaction-id: 00000000-{count:04x}-4000-8000-{seed:012x}\r\n"
        )
    }

    fn shown(&self) -> String {
        let Credentials { certificate, token } = self.credentials;
        // Certificates are not all of one length, and the same seed is to cut in the same places.
        let filler = "f".repeat(LONGEST.saturating_sub(certificate.len()));
        format!("X-Filler: {filler}\r\nssl.client.auth.cert.X509: {certificate}\r\nAuthorization: Bearer {token}\r\n")
    }

    /// Would pass, were it a request.
    fn fake(&mut self) -> Vec<u8> {
        let (identified, shown) = (self.identified('f'), self.shown());
        format!("{FAKE} HTTP/1.1\r\nHost: {HOST}\r\n{identified}{shown}\r\n").into_bytes()
    }

    fn request(&mut self, faulty: bool) -> Vec<u8> {
        let target = self.chance.of(TARGETS);
        let mut method = self.chance.of(&["GET", "POST", "POST", "PUT", "HEAD", "OPTIONS", "DELETE"]);
        if target.starts_with("/register") || target.starts_with("/token") {
            method = self.chance.of(&["POST", "POST", "POST", "HEAD", "GET"]);
        }
        let version = if self.one_in(10) { "HTTP/1.0" } else { "HTTP/1.1" };
        let mut head = String::new();
        if self.one_in(12) {
            head.push_str(self.chance.of(&["\r\n", "\r\n\r\n\r\n"]));
        }
        let target = if self.one_in(12) { format!("http://{HOST}{target}") } else { target.to_owned() };
        head.push_str(&format!("{method} {target} {version}\r\nHost: {HOST}\r\n{}", self.identified('r')));
        if !self.one_in(8) {
            head.push_str(&self.shown());
        }
        self.options(&mut head, version, &target);
        let head_is_faulty = faulty && self.one_in(4);
        let fake = self.fake();
        let framed = match self.chance.below(if faulty { 1 } else { 3 }) {
            _ if faulty && !head_is_faulty => bodies::unsound(&mut self.chance, &fake),
            0 => Framed { fields: String::new(), rest: Vec::new() },
            _ => bodies::sound(&mut self.chance, &fake),
        };
        head.push_str(&framed.fields);
        head.push_str("\r\n");
        if head_is_faulty {
            self.break_head(&mut head);
        }
        [head.into_bytes(), framed.rest].concat()
    }

    fn options(&mut self, head: &mut String, version: &str, target: &str) {
        if version == "HTTP/1.0" && self.one_in(2) {
            head.push_str("Connection: keep-alive\r\n");
        } else if target.contains("/socket") && !self.one_in(4) {
            head.push_str("Connection: Upgrade\r\nUpgrade: websocket\r\n");
        } else if self.one_in(25) {
            head.push_str(self.chance.of(&[
                "Connection: close\r\n",
                "Connection: keep-alive\r\nConnection: CLOSE\r\n",
                "Connection: Upgrade\r\nUpgrade: websocket\r\n",
                "Connection: Upgrade\r\nUpgrade: h2c\r\n",
            ]));
        }
        if self.one_in(7) {
            head.push_str(self.chance.of(&["Expect: 100-continue\r\n", "Expect: 100-Continue\r\n", "Expect: x\r\n"]));
        }
        if self.one_in(30) {
            let long = "c".repeat(self.chance.of(&[4000, 20_000, 31_000, 34_000, 70_000]));
            head.push_str(&format!("X-Long: {long}\r\n"));
        }
    }

    fn break_head(&mut self, head: &mut String) {
        let host = format!("Host: {HOST}\r\n");
        let (from, to) = match self.chance.below(11) {
            0 => ("\r\nHost", "\nHost"),
            1 => (host.as_str(), ""),
            2 => (host.as_str(), "Host: a\r\nHost: b\r\n"),
            3 => ("X-Marker:", "X-Marker :"),
            4 => ("X-Marker:", " X-Marker:"),
            5 => (" HTTP/1.", "  HTTP/1."),
            6 => (" HTTP/1.", " HTTP/2."),
            7 => (" HTTP/1.", "#a HTTP/1."),
            8 => ("\r\n\r\n", "\n\n"),
            9 => ("\r\n\r\n", "\r\n\n"),
            _ => ("\r\nHost", "\r\n\0Host"),
        };
        *head = head.replacen(from, to, 1);
    }

    /// Cuts the bytes, and says what to wait for, so that it can come.
    fn steps(&mut self, bytes: &[u8], ends: &[usize]) -> Vec<Step> {
        let complete = |place: usize| reader::read(&bytes[..place], Manner::AsDocumented).requests.len();
        let mut steps = Vec::new();
        match self.chance.below(10) {
            0 => {}
            1..=6 => {
                for end in ends {
                    // A few bytes of the next one come early, while the bank still holds its answer.
                    let early = (end + self.chance.of(&[1, 2, 17, 300])).min(bytes.len());
                    let whole = complete(*end);
                    if self.one_in(3) {
                        self.scatter(&mut steps, bytes, *end);
                    }
                    steps.push(Step::Write(*end));
                    if self.one_in(5) {
                        steps.extend([Step::Bank(whole), Step::Write(early), Step::Open]);
                    }
                    steps.extend([Step::Open, Step::Answers(whole)]);
                }
            }
            _ => {
                self.scatter(&mut steps, bytes, bytes.len());
                if self.one_in(2) {
                    steps.push(Step::Open);
                }
            }
        }
        steps.push(Step::Write(bytes.len()));
        if self.one_in(40) {
            let (place, end) = steps
                .iter()
                .enumerate()
                .filter_map(|(place, step)| written(place, step))
                .nth(self.chance.below(3))
                .unwrap_or((0, 0));
            steps.insert(place + 1, Step::Impatience(complete(end) + 1));
        }
        if self.one_in(12) {
            steps.push(Step::HalfClose);
        }
        steps
    }

    fn scatter(&mut self, steps: &mut Vec<Step>, bytes: &[u8], end: usize) {
        let begin = steps.iter().rev().find_map(|step| written(0, step)).map(|(_, end)| end);
        let begin = begin.unwrap_or(0).min(end);
        let mut places: Vec<_> =
            (0..1 + self.chance.below(5)).map(|_| begin + self.chance.below(end - begin + 1)).collect();
        if self.one_in(4) {
            // Byte by byte, close to where it matters.
            places.extend(end.saturating_sub(12).max(begin)..end);
        }
        if self.one_in(2) {
            // What was read before a fault is forgotten with it, and what is read after it must not be a request.
            places.extend(all(bytes, FAKE.as_bytes()).filter(|place| (begin..end).contains(place)));
        }
        if self.one_in(2) {
            // Whoever expects to be told to go on waits there.
            places.extend(all(bytes, b"\r\n\r\n").map(|place| place + 4).filter(|place| (begin..end).contains(place)));
        }
        places.sort_unstable();
        for place in places {
            steps.push(Step::Write(place));
            steps.push(Step::Bank(self.chance.below(4)));
        }
    }
}

/// Where it stands.
fn all<'a>(bytes: &'a [u8], part: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    bytes.windows(part.len()).enumerate().filter(move |(_, window)| *window == part).map(|(place, _)| place)
}

fn written(place: usize, step: &Step) -> Option<(usize, usize)> {
    if let Step::Write(end) = step { Some((place, *end)) } else { None }
}

/// What it is about is the last part of it.
const TARGETS: &[&str] = &[
    "/accounts/a",
    "/accounts/a",
    "/accounts/a",
    "/accounts/a",
    "/accounts/early",
    "/accounts/early",
    "/accounts/late",
    "/accounts/late",
    "/accounts/late",
    "/consented/late",
    "/sockets/late",
    "/accounts/early-close",
    "/accounts/drop",
    "/accounts/close",
    "/accounts/cut",
    "/accounts/interim",
    "/accounts/chunks",
    "/accounts/..",
    "/nowhere",
    "/nowhere",
    "/read-only/a",
    "/register",
    "/register",
    "/consented/a",
    "/consented/early",
    "/token/a",
    "/token/early",
    "/token/late",
    "/sockets/socket",
    "/sockets/a",
    "/sockets/early",
    "/accounts/socket",
];
/// Of the certificates, percent-encoded.
const LONGEST: usize = 1000;
/// How a request begins that is none.
const FAKE: &str = "GET /accounts/fake";
const HOST: &str = "api.bank.example";

#[test]
fn plan_is_the_same_for_the_same_seed() {
    let credentials = Credentials { certificate: "c".to_owned(), token: "t".to_owned() };
    let plan = |seed| Plan::of(seed, &[Entrance::Enforcing, Entrance::Tls], &credentials);
    assert_eq!(format!("{:?}", plan(7)), format!("{:?}", plan(7)));
    assert_ne!(plan(7).bytes, plan(8).bytes);
}
