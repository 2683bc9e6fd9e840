//! A consent service that says whatever a test wants, and remembers what it was asked.

use std::{
    io::{self, BufReader, Read, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::Value;

use crate::support::{
    message::{Fields, Head},
    stream::{Listener, Stream},
};

/// What it does with a question.
#[derive(Clone)]
pub(super) enum Says {
    /// 200 with this body.
    Body(String),
    /// The same, and then the connection ends just as it is used again.
    Once(String),
    /// These bytes in the place of HTTP.
    Raw(String),
    /// Nothing, for as long as the other side waits.
    Silence,
    /// The connection ends in the place of an answer.
    Nothing,
}

/// A question as it arrived.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) start: String,
    pub(super) fields: Fields,
    pub(super) body: Vec<u8>,
}

impl Asked {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub(crate) struct Service {
    origin: String,
    desk: Arc<Desk>,
}

struct Desk {
    says: Mutex<Says>,
    asked: Mutex<Vec<Asked>>,
    connections: AtomicUsize,
}

impl Service {
    /// Says yes to everything, until a test says otherwise.
    pub(crate) fn start() -> Self {
        Self::on(Listener::tcp(), "http")
    }

    /// Over https, for `localhost`.
    pub(super) fn over_tls(config: rustls::ServerConfig) -> Self {
        Self::on(Listener::tls(config), "https")
    }

    fn on(listener: Listener, scheme: &str) -> Self {
        let origin = format!("{scheme}://localhost:{}", listener.address().unwrap().port());
        let desk = Arc::new(Desk {
            says: Mutex::new(Says::Body(r#"{"isValid":true}"#.to_owned())),
            asked: Mutex::default(),
            connections: AtomicUsize::new(0),
        });
        let behind = Arc::clone(&desk);
        // Who goes away in the middle may.
        listener.serve(move |stream| drop(behind.attend(stream)));
        Self { origin, desk }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("{}/validate", self.origin)
    }

    pub(super) fn says(&self, says: Says) {
        *self.desk.says.lock().unwrap() = says;
    }

    pub(super) fn answers(&self, body: impl Into<String>) {
        self.says(Says::Body(body.into()));
    }

    pub(super) fn connections(&self) -> usize {
        self.desk.connections.load(Ordering::SeqCst)
    }

    /// Every question since the last time, which is then forgotten.
    pub(super) fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.desk.asked.lock().unwrap())
    }

    /// The one question since the last time, which is then forgotten.
    #[track_caller]
    pub(super) fn only(&self) -> Asked {
        let mut asked = self.take();
        assert_eq!(asked.len(), 1, "the service was asked {asked:?}");
        asked.remove(0)
    }
}

impl Desk {
    fn attend(&self, stream: Box<dyn Stream>) -> io::Result<()> {
        self.connections.fetch_add(1, Ordering::SeqCst);
        let mut stream = BufReader::new(stream);
        while let Some(head) = Head::read(&mut stream)? {
            let (mut rest, mut body) = (head.request_body(), Vec::new());
            while let Some(piece) = rest.next(&mut stream)? {
                body.extend_from_slice(&piece);
            }
            self.asked.lock().unwrap().push(Asked { start: head.start, fields: head.fields, body });
            let stream = stream.get_mut();
            let says = self.says.lock().unwrap().clone();
            match says {
                Says::Body(body) => say(stream, &answer(&body))?,
                Says::Once(body) => {
                    say(stream, &answer(&body))?;
                    return stream.read(&mut [0; 1]).map(drop);
                }
                Says::Raw(raw) => say(stream, &raw)?,
                Says::Silence => while stream.read(&mut [0; 64])? > 0 {},
                Says::Nothing => return Ok(()),
            }
        }
        Ok(())
    }
}

fn answer(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn say(stream: &mut impl Write, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes())?;
    stream.flush()
}
