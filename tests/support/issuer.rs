//! An authorization server, as far as certbound sees one: metadata and keys.

use std::{
    io::{BufReader, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    message::Head,
    sidecar::DEADLINE,
    stream::{Listener, Stream},
    token::SigningKey,
};

/// Serves `/jwks` and both forms of metadata.
pub(crate) struct Issuer {
    /// The origin, which is the issuer's name as well.
    pub(crate) url: String,
    office: Arc<Office>,
}

/// How it answers.
#[derive(Clone)]
pub(crate) enum Mood {
    /// With this key set.
    Keys(String),
    /// With 500.
    Failing,
    /// With a redirect to keys.
    Redirecting,
    /// Never.
    Silent,
}

struct Office {
    url: String,
    mood: Mutex<Mood>,
    key_requests: AtomicUsize,
}

impl Issuer {
    /// Publishes the key that tokens are signed with.
    pub(crate) fn start() -> Self {
        Self::feeling(Mood::Keys(SigningKey::set(&[SigningKey::published()])))
    }

    pub(crate) fn feeling(mood: Mood) -> Self {
        Self::on(Listener::tcp(), "http", mood)
    }

    /// Over https, for a name that `localhost` stands for.
    pub(crate) fn over_tls(config: rustls::ServerConfig) -> Self {
        Self::on(Listener::tls(config), "https", Mood::Keys(SigningKey::set(&[SigningKey::published()])))
    }

    fn on(listener: Listener, scheme: &str, mood: Mood) -> Self {
        let url = format!("{scheme}://localhost:{}", listener.address().unwrap().port());
        let office = Arc::new(Office { url: url.clone(), mood: Mutex::new(mood), key_requests: AtomicUsize::new(0) });
        let desk = Arc::clone(&office);
        listener.serve(move |stream| desk.attend(stream));
        Self { url, office }
    }

    pub(crate) fn jwks(&self) -> String {
        format!("{}/jwks", self.url)
    }

    pub(crate) fn change_mood(&self, mood: Mood) {
        *self.office.mood.lock().unwrap() = mood;
    }

    /// Waits until someone has asked for the keys this often.
    pub(crate) fn await_key_requests(&self, count: usize) {
        let until = Instant::now() + DEADLINE;
        while self.key_requests() < count {
            assert!(Instant::now() < until, "the keys were asked for {} times", self.key_requests());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// How often someone has asked for the keys.
    pub(crate) fn key_requests(&self) -> usize {
        self.office.key_requests.load(Ordering::SeqCst)
    }
}

impl Office {
    fn attend(&self, stream: Box<dyn Stream>) {
        let mut stream = BufReader::new(stream);
        while let Ok(Some(head)) = Head::read(&mut stream) {
            let Some(answer) = self.answer(head.start.split(' ').nth(1).unwrap_or_default()) else {
                // Silence: held open until the other side gives up.
                while let Ok(Some(_)) = Head::read(&mut stream) {}
                return;
            };
            if stream.get_mut().write_all(answer.as_bytes()).and_then(|()| stream.get_mut().flush()).is_err() {
                return;
            }
        }
    }

    fn answer(&self, target: &str) -> Option<String> {
        if target == "/jwks" {
            self.key_requests.fetch_add(1, Ordering::SeqCst);
        }
        let mood = self.mood.lock().unwrap().clone();
        Some(match (mood, target) {
            (Mood::Silent, _) => return None,
            (Mood::Failing, _) => message("500 Internal Server Error", "", "{}"),
            (Mood::Redirecting, "/jwks") => message("302 Found", "Location: /elsewhere\r\n", ""),
            (_, "/elsewhere") => message("200 OK", "", &SigningKey::set(&[SigningKey::published()])),
            (Mood::Keys(keys), "/jwks") => message("200 OK", "", &keys),
            (_, "/.well-known/openid-configuration" | "/.well-known/oauth-authorization-server") => {
                let metadata = json!({"issuer": self.url, "jwks_uri": format!("{}/jwks", self.url)});
                message("200 OK", "", &metadata.to_string())
            }
            _ => message("404 Not Found", "", ""),
        })
    }
}

fn message(status: &str, more: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{more}Content-Length: {}\r\n\r\n{body}", body.len())
}
