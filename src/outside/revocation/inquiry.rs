//! Asks about one certificate: CRL files, responders, distribution points.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{StatusCode, Uri};
use quick_cache::sync::Cache;
use ring::rand::{SecureRandom, SystemRandom};
use rustls_pki_types::UnixTime;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    CrlFiles,
    lists::Lists,
    revoked::{OLDER, RevokedAsOf, Source},
};
use crate::{
    certificate::revocation::{
        Answer, Issued, Method,
        crl::Crl,
        ocsp::{self, CertIdHash, Response},
    },
    config::settings::Revocation,
    observe::Metrics,
    outside::{
        address::{AddressError, AddressRules},
        http::{FetchError, Fetcher},
    },
};

/// Who is asked, and how.
pub(super) struct Inquiry {
    methods: Vec<Method>,
    files: ArcSwap<CrlFiles>,
    lists: Lists,
    /// Responders that refused a question for its nonce, it seems, and when: in seconds of the Unix epoch. It is not remembered
    /// for long, because an answer that was made before the question tells a revocation late.
    without_nonce: Cache<String, u64>,
    errands: Arc<Errands>,
}

/// What an inquiry came to.
pub(super) enum Outcome {
    /// The issuer said so, and it counts.
    Answered(Source, Answer),
    /// A responder does not know the certificate, and no other method answered.
    Unknown,
    /// Nobody gave a usable answer.
    Silence,
}

/// Fetches from addresses that certificates name, those set aside that did not answer a moment ago.
pub(super) struct Errands {
    addresses: AddressRules,
    fetcher: Fetcher,
    /// Until when each is set aside: one dead responder costs one timeout, not one for each certificate.
    silent: Cache<String, Instant>,
    silence: Duration,
    /// Whoever has many certificates can make questions.
    places: Semaphore,
    timeout: Duration,
    metrics: Arc<Metrics>,
}

/// Why an address brought no answer: words for the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoUse {
    #[error("{0}")]
    Address(#[from] AddressError),
    #[error("{0}")]
    Fetch(#[from] FetchError),
    #[error("{0}")]
    Answer(&'static str),
    #[error("it reports an error: {0}")]
    Refused(&'static str),
    #[error("it did not answer a moment ago")]
    Silent,
    #[error("there are too many questions under way")]
    Busy,
}

impl Inquiry {
    /// In the place of `before`, whose rules were others, with the lists that it had. Where the same are asked, at the same
    /// addresses, it is of the same generations.
    pub(super) fn following(
        before: Option<&Self>,
        rules: &Revocation,
        files: CrlFiles,
        silence: Duration,
        metrics: Arc<Metrics>,
    ) -> Result<Self, FetchError> {
        let addresses = AddressRules::new(&rules.allowed_hosts, rules.allow_private_addresses);
        let errands = Arc::new(Errands {
            fetcher: Fetcher::guarded(addresses.clone(), None, rules.timeout)?,
            addresses,
            silent: Cache::new(MAX_SILENT),
            silence,
            places: Semaphore::new(MOST_QUESTIONS),
            timeout: rules.timeout,
            metrics,
        });
        let files = match before {
            Some(before) if before.methods == rules.methods && before.errands.goes_where(&errands) => {
                files.following(&before.files.load())
            }
            Some(before) => files.sharing(&before.files.load()),
            None => files,
        };
        errands.metrics.crls.read_from_files(files.ends());
        let lists = Lists::following(before.map(|before| &before.lists), Arc::clone(&errands), rules.crl_refresh);
        let (methods, without_nonce) = (rules.methods.clone(), Cache::new(MAX_WITHOUT_NONCE));
        Ok(Self { methods, files: ArcSwap::from_pointee(files), lists, without_nonce, errands })
    }

    /// Of the files that are about the certificate.
    pub(super) fn generation(&self, about: &Issued) -> u64 {
        self.files.load().generation(about)
    }

    pub(super) fn has_files(&self) -> bool {
        !self.files.load().is_empty()
    }

    pub(super) fn replace_files(&self, files: CrlFiles) {
        let files = files.following(&self.files.load());
        self.errands.metrics.crls.read_from_files(files.ends());
        self.files.store(Arc::new(files));
    }

    /// CRL files before any address in a certificate, whatever the methods, then each method in its turn: what the operator
    /// put there is nearer than anybody who could be asked. An answer that does not count beside what `revoked` the
    /// certificate is none.
    pub(super) async fn make(&self, about: &Issued, revoked: RevokedAsOf, now: UnixTime) -> Outcome {
        let files = self.files.load_full();
        if let Some(answer) = files.answer(about, now).await {
            if revoked.admits(Source::File, &answer) {
                return Outcome::Answered(Source::File, answer);
            }
            tracing::warn!(event = "crl_file_not_used", error = OLDER, "a CRL file brings no revoked certificate back");
        }
        let mut otherwise = Outcome::Silence;
        for method in &self.methods {
            let outcome = match method {
                Method::Ocsp => self.ask_responders(about, revoked, now).await,
                Method::Crl => self.lists.look_up(about, revoked, now).await,
            };
            match outcome {
                Outcome::Answered(..) => return outcome,
                Outcome::Unknown => otherwise = outcome,
                Outcome::Silence => {}
            }
        }
        otherwise
    }

    async fn ask_responders(&self, about: &Issued, revoked: RevokedAsOf, now: UnixTime) -> Outcome {
        let asked = Source::Asked(Method::Ocsp);
        let mut otherwise = Outcome::Silence;
        for written in about.responders().iter().take(MAX_ADDRESSES) {
            match self.ask_responder(written, about, now).await {
                Ok(Some(answer)) if revoked.admits(asked, &answer) => return Outcome::Answered(asked, answer),
                Ok(Some(_)) => self.errands.note(Method::Ocsp, written, &NoUse::Answer(OLDER)),
                Ok(None) => otherwise = Outcome::Unknown,
                Err(why) => self.errands.note(Method::Ocsp, written, &why),
            }
        }
        otherwise
    }

    /// None: the responder does not know the certificate. It is asked in another form where one brings nothing, in one
    /// timeout for them all; for some minutes without a nonce, where it answered so.
    async fn ask_responder(&self, written: &str, about: &Issued, now: UnixTime) -> Result<Option<Answer>, NoUse> {
        let errands = &self.errands;
        let (address, _place) = (errands.admit(written)?, errands.turn(&errands.places).await?);
        let until = tokio::time::Instant::now() + errands.timeout;
        let refused_at = self.without_nonce.get(written);
        let is_remembered = refused_at.is_some_and(|at| now.as_secs().abs_diff(at) < MEMORY_OF_NONCES);
        let first = if is_remembered { WITHOUT_NONCE } else { FIRST };
        let mut said = self.ask_as(first, &address, about, now).await;
        // Only of the first: whoever refuses one form and is silent at the next is there, and answers about others.
        errands.heed(written, &said);
        let forms = next_forms(first, &said);
        if forms.contains(&FIRST) {
            self.without_nonce.remove(written);
        }
        let is_of_form = said.as_ref().is_err_and(NoUse::is_of_form);
        for form in forms {
            let next = self.ask_as(form, &address, about, now);
            let next = tokio::time::timeout_at(until, next).await;
            if is_of_form && form == WITHOUT_NONCE && matches!(next, Err(_) | Ok(Ok(Some(_)))) {
                // A slow one, too: next time there is time for its answer.
                self.without_nonce.insert(written.to_owned(), now.as_secs());
            }
            let Ok(next) = next else { break };
            match (&said, &next) {
                (_, Ok(Some(_))) => return next,
                // What was said and signed stays said, and what is at fault tells more than that something is.
                (_, Ok(None)) | (Err(NoUse::Refused(_) | NoUse::Fetch(_)), Err(NoUse::Answer(_))) => said = next,
                (_, Err(why)) if why.is_silence() => break,
                _ => {}
            }
        }
        said
    }

    async fn ask_as(&self, form: Form, address: &Uri, about: &Issued, now: UnixTime) -> Result<Option<Answer>, NoUse> {
        let mut nonce = [0; 32];
        SystemRandom::new().fill(&mut nonce).map_err(|_| NoUse::Answer("no random numbers for a nonce"))?;
        let nonce = form.has_nonce.then_some(&nonce);
        let question = ocsp::request(about, form.hash, nonce).map_err(NoUse::Answer)?;
        let answer = self.errands.ask(address, question.into()).await?;
        match ocsp::verify(&answer, about, nonce, now).map_err(NoUse::Answer)? {
            Response::Known(answer) => Ok(Some(answer)),
            Response::Unknown => Ok(None),
            Response::Refused(error) => Err(NoUse::Refused(error)),
        }
    }
}

/// How a responder is asked.
#[derive(Clone, Copy, Eq, PartialEq)]
struct Form {
    hash: CertIdHash,
    has_nonce: bool,
}

/// In which forms a responder is asked that said this to the first. A nonce is optional (RFC 6960, section 4.4.1), and there are
/// responders that refuse a question with one; an answer with a wrong one is asked for no other way, and one that has too much
/// to do is left in peace.
fn next_forms(first: Form, said: &Result<Option<Answer>, NoUse>) -> Vec<Form> {
    let by_sha256 = Form { hash: CertIdHash::Sha256, ..first };
    let others: &[Form] = match said {
        Ok(Some(_)) | Err(NoUse::Refused(ocsp::TRY_LATER)) => &[],
        Err(NoUse::Fetch(FetchError::Status(status))) if BUSY.contains(status) => &[],
        Err(NoUse::Refused(_) | NoUse::Fetch(FetchError::Status(_))) => {
            &[FIRST, WITHOUT_NONCE, Form { hash: CertIdHash::Sha256, has_nonce: false }]
        }
        Err(why) if why.is_silence() => &[],
        Ok(None) | Err(_) => &[by_sha256],
    };
    others.iter().copied().filter(|form| *form != first).collect()
}

impl NoUse {
    /// Whether a responder refused what was asked, and not that it was asked now.
    fn is_of_form(&self) -> bool {
        match self {
            Self::Refused(error) => *error != ocsp::INTERNAL_ERROR,
            Self::Fetch(FetchError::Status(status)) => status.is_client_error(),
            _ => false,
        }
    }

    /// Whether nothing came back.
    fn is_silence(&self) -> bool {
        matches!(self, Self::Fetch(FetchError::NoAnswer(_) | FetchError::Closed(_) | FetchError::TimedOut(_)))
    }
}

impl Errands {
    /// Whoever asks has a place.
    async fn ask(&self, address: &Uri, question: Bytes) -> Result<Bytes, NoUse> {
        let begun = Instant::now();
        let answer = self.fetcher.post(address, "application/ocsp-request", question, ocsp::MAX_BYTES).await;
        self.metrics.outgoing("ocsp", begun.elapsed());
        Ok(answer?)
    }

    pub(super) async fn get(&self, written: &str, most: usize) -> Result<Bytes, NoUse> {
        let (address, _place) = (self.admit(written)?, self.turn(&self.places).await?);
        let begun = Instant::now();
        let answer = self.fetcher.get_as(LISTS, &address, most).await.map_err(NoUse::Fetch);
        self.metrics.outgoing("crl", begun.elapsed());
        self.heed(written, &answer);
        answer
    }

    /// Whether the rules of both for addresses are the same.
    pub(super) fn goes_where(&self, other: &Self) -> bool {
        self.addresses == other.addresses
    }

    fn admit(&self, written: &str) -> Result<Uri, NoUse> {
        let address = self.addresses.admit(written)?;
        let is_silent = self.silent.get(written).is_some_and(|until| Instant::now() < until);
        if is_silent { Err(NoUse::Silent) } else { Ok(address) }
    }

    /// Waits no longer than for an answer. That there is no place says nothing about the address, so it is not set aside.
    pub(super) async fn turn<'a>(&self, places: &'a Semaphore) -> Result<SemaphorePermit<'a>, NoUse> {
        let place = tokio::time::timeout(self.timeout, places.acquire()).await;
        place.ok().and_then(Result::ok).ok_or(NoUse::Busy)
    }

    fn heed<T>(&self, written: &str, answer: &Result<T, NoUse>) {
        if answer.as_ref().is_err_and(NoUse::is_silence) {
            self.set_aside(written);
        }
    }

    /// Says when the CRL that was fetched there ends.
    pub(super) fn received(&self, written: &str, crl: &Crl) {
        self.metrics.crls.fetched(written, crl.issuer_text(), crl.next_update());
    }

    /// Leaves an address alone for a while.
    pub(super) fn set_aside(&self, written: &str) {
        self.silent.insert(written.to_owned(), self.silence_from_now());
    }

    /// Until when what is of no use now is left alone.
    pub(super) fn silence_from_now(&self) -> Instant {
        Instant::now() + self.silence
    }

    pub(super) fn note(&self, method: Method, written: &str, why: &NoUse) {
        if matches!(why, NoUse::Silent) {
            // It was told when it did not answer; now every new certificate would tell it again.
            return;
        }
        tracing::warn!(
            event = "revocation_not_answered",
            method = ?method,
            address = written,
            error = %why,
            "whether a certificate is revoked was not answered"
        );
    }
}

/// What RFC 2585 calls them. Some servers have another name, and refuse what they have not.
const LISTS: &str = "application/pkix-crl, */*;q=0.1";
/// What says that a question came at a bad time, and nothing of its form.
const BUSY: [StatusCode; 4] = [
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];
/// How long a responder without nonces is remembered, in seconds.
const MEMORY_OF_NONCES: u64 = 600;
/// Responders without nonces that are remembered.
const MAX_WITHOUT_NONCE: usize = 1_000;
/// SHA-1 is what every responder knows.
const FIRST: Form = Form { hash: CertIdHash::Sha1, has_nonce: true };
const WITHOUT_NONCE: Form = Form { has_nonce: false, ..FIRST };
/// Addresses of one kind in a certificate that are tried.
pub(super) const MAX_ADDRESSES: usize = 3;
/// Silent addresses that are remembered.
const MAX_SILENT: usize = 10_000;
/// Under way at a time, to all addresses together.
const MOST_QUESTIONS: usize = 64;
