//! An OCSP responder and a distribution point that say whatever a test wants, to whoever asks.

use std::{
    collections::HashMap,
    io::{BufReader, Read, Write},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use der::{Decode, Encode};
use time::OffsetDateTime;
use x509_cert::Certificate;

use super::{
    der::{children, oid, sequence, tlv},
    message::Head,
    pki::{Authority, SignatureKey},
    sidecar::DEADLINE,
    stream::{Listener, Stream},
};

/// What comes back for a question.
pub(crate) enum Reply {
    /// 200 with this body.
    Body(Vec<u8>),
    /// These bytes in the place of HTTP.
    Raw(Vec<u8>),
    /// Nothing, for as long as the other side waits.
    Silence,
    /// The head, and then one byte after the other, for as long as the other side waits.
    Drip,
    /// A redirect to another target here.
    Redirect(&'static str),
    /// 500.
    Failure,
}

/// Makes a reply to the body of a question.
type Manner = Arc<dyn Fn(&[u8]) -> Reply + Send + Sync>;

/// Listens, and counts.
pub(crate) struct Responder {
    origin: String,
    desk: Arc<Desk>,
}

struct Desk {
    manners: Mutex<HashMap<String, Manner>>,
    asked: Mutex<HashMap<String, usize>>,
    connections: AtomicUsize,
    open: (Mutex<bool>, Condvar),
}

impl Responder {
    /// Says nothing but 500 until a test teaches it.
    pub(crate) fn start() -> Self {
        let listener = Listener::tcp();
        let origin = format!("http://{}", listener.address().unwrap());
        let desk = Arc::new(Desk {
            manners: Mutex::default(),
            asked: Mutex::default(),
            connections: AtomicUsize::new(0),
            open: (Mutex::new(true), Condvar::new()),
        });
        let behind = Arc::clone(&desk);
        listener.serve(move |stream| behind.attend(stream));
        Self { origin, desk }
    }

    /// The address of a target such as `/ocsp`.
    pub(crate) fn at(&self, target: &str) -> String {
        format!("{}{target}", self.origin)
    }

    /// Host and port.
    pub(crate) fn address(&self) -> String {
        self.origin.trim_start_matches("http://").to_owned()
    }

    /// From now on this is what it says at `target`.
    pub(crate) fn says(&self, target: &str, manner: impl Fn(&[u8]) -> Reply + Send + Sync + 'static) {
        self.desk.manners.lock().unwrap().insert(target.to_owned(), Arc::new(manner));
    }

    /// How often it was asked at `target`.
    pub(crate) fn asked(&self, target: &str) -> usize {
        self.desk.asked.lock().unwrap().get(target).copied().unwrap_or(0)
    }

    pub(crate) fn connections(&self) -> usize {
        self.desk.connections.load(Ordering::SeqCst)
    }

    /// Holds every reply back until [`Self::go_on`].
    pub(crate) fn hold(&self) {
        *self.desk.open.0.lock().unwrap() = false;
    }

    pub(crate) fn go_on(&self) {
        *self.desk.open.0.lock().unwrap() = true;
        self.desk.open.1.notify_all();
    }

    pub(crate) fn await_question(&self, target: &str) {
        let until = Instant::now() + DEADLINE;
        while self.asked(target) == 0 {
            assert!(Instant::now() < until, "nobody asked at {target}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Desk {
    fn attend(&self, stream: Box<dyn Stream>) {
        self.connections.fetch_add(1, Ordering::SeqCst);
        let mut stream = BufReader::new(stream);
        while let Ok(Some(head)) = Head::read(&mut stream) {
            let target = head.start.split(' ').nth(1).unwrap_or_default().to_owned();
            let (mut body, mut question) = (head.request_body(), Vec::new());
            while let Ok(Some(piece)) = body.next(&mut stream) {
                question.extend_from_slice(&piece);
            }
            *self.asked.lock().unwrap().entry(target.clone()).or_default() += 1;
            drop(self.open.1.wait_timeout_while(self.open.0.lock().unwrap(), DEADLINE, |open| !*open).unwrap());
            let manner = self.manners.lock().unwrap().get(&target).cloned();
            let reply = manner.map_or(Reply::Failure, |manner| manner(&question));
            // Who goes away in the middle may.
            if reply.write(stream.get_mut()).is_err() {
                return;
            }
        }
    }
}

impl Reply {
    fn write(self, stream: &mut Box<dyn Stream>) -> std::io::Result<()> {
        let bytes = match self {
            Self::Body(body) => {
                [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes(), body].concat()
            }
            Self::Raw(bytes) => bytes,
            Self::Failure => b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n".to_vec(),
            Self::Redirect(target) => {
                format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n").into_bytes()
            }
            Self::Silence => {
                while stream.read(&mut [0; 64])? > 0 {}
                Vec::new()
            }
            Self::Drip => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")?;
                for _ in 0..1000 {
                    stream.write_all(b"0")?;
                    stream.flush()?;
                    thread::sleep(Duration::from_millis(50));
                }
                Vec::new()
            }
        };
        stream.write_all(&bytes)?;
        stream.flush()
    }
}

/// An answer about the certificate that is asked about, to be spoiled before it is signed.
#[derive(Clone)]
pub(crate) struct Said {
    /// CertStatus, DER.
    pub(crate) status: Vec<u8>,
    /// In seconds from now.
    pub(crate) this_update: i64,
    pub(crate) next_update: i64,
    /// Makes the CertID out of the one that was asked for.
    pub(crate) about: fn(Vec<u8>) -> Vec<u8>,
}

impl Said {
    pub(crate) fn good() -> Self {
        Self { status: vec![0x80, 0], this_update: -60, next_update: 3600, about: |asked| asked }
    }

    /// Since an hour.
    pub(crate) fn revoked(reason: Option<u8>) -> Self {
        let reason = reason.map(|reason| tlv(0xa0, &[&[0x0a, 1, reason]])).unwrap_or_default();
        Self { status: tlv(0xa1, &[&time(-3600), &reason]), ..Self::good() }
    }

    pub(crate) fn unknown() -> Self {
        Self { status: vec![0x82, 0], ..Self::good() }
    }

    pub(crate) fn by(self, authority: &Authority) -> impl Fn(&[u8]) -> Reply + Send + Sync + use<> {
        self.signed(&authority.signature_key(), &authority.der, &[])
    }

    /// By whoever holds `key`, in the name of the subject of `signer`, with these certificates beside.
    pub(crate) fn signed(
        self,
        key: &SignatureKey,
        signer: &[u8],
        certificates: &[&[u8]],
    ) -> impl Fn(&[u8]) -> Reply + Send + Sync + use<> {
        let subject = Certificate::from_der(signer).unwrap().tbs_certificate().subject().to_der().unwrap();
        let certificates = match certificates {
            [] => Vec::new(),
            some => tlv(0xa0, &[&sequence(some)]),
        };
        let key = key.clone();
        move |question| {
            let cert_id = (self.about)(cert_id(question));
            let next = tlv(0xa0, &[&time(self.next_update)]);
            let single = sequence(&[&cert_id, &self.status, &time(self.this_update), &next]);
            let tbs = sequence(&[&tlv(0xa1, &[&subject]), &time(-60), &sequence(&[&single])]);
            let signature = tlv(0x03, &[&[0], &key.sign(&tbs)]);
            let algorithm = sequence(&[&oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2])]);
            let basic = sequence(&[&tbs, &algorithm, &signature, &certificates]);
            let bytes = sequence(&[&oid(&[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1]), &tlv(0x04, &[&basic])]);
            Reply::Body(sequence(&[&[0x0a, 1, 0], &tlv(0xa0, &[&bytes])]))
        }
    }
}

/// The CertID that a question names.
fn cert_id(question: &[u8]) -> Vec<u8> {
    let tbs = children(question)[0];
    let list = children(tbs).into_iter().find(|part| part[0] == 0x30).unwrap();
    children(children(list)[0])[0].to_vec()
}

/// GeneralizedTime, in seconds from now.
fn time(offset: i64) -> Vec<u8> {
    let time = OffsetDateTime::now_utc() + time::Duration::seconds(offset);
    let (date, hour, minute, second) = (time.date(), time.hour(), time.minute(), time.second());
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    tlv(0x18, &[format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z").as_bytes()])
}
