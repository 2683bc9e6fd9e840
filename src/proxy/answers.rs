//! The gate's questions are answered.

use std::{io, sync::Arc, time::Duration};

use pingora::proxy::Session;
use rustls_pki_types::UnixTime;
use tokio::{sync::Mutex, task::JoinHandle, time::timeout};

use crate::{
    config::{Crls, Settings, Supplies, settings::Revocation},
    denial::Denial,
    gate::{Answer, Question},
    observe::Metrics,
    outside::{Consents, CrlFiles, IntrospectionStore, KeyStore, RevocationStore, StatementKeys, UseStore},
    proxy::body,
    refresh::crl::CrlWatch,
};

/// Everything that certbound learns from elsewhere. Cheap to clone.
#[derive(Clone)]
pub struct Outside {
    /// What certificate authorities said.
    pub revocation: Arc<RevocationStore>,
    /// The issuers' keys.
    pub keys: Arc<KeyStore>,
    /// What issuers said of tokens.
    pub introspection: Arc<IntrospectionStore>,
    /// What was used before.
    pub uses: Arc<UseStore>,
    /// The key sets of registrations.
    pub statements: Arc<StatementKeys>,
    /// The consent service.
    pub consents: Arc<Consents>,
    /// Refreshes the issuers' keys.
    keys_task: Arc<Task>,
    /// Reads CRL files anew.
    lists: Option<Lists>,
}

/// CRL files that are watched.
#[derive(Clone)]
struct Lists {
    watch: Arc<Mutex<CrlWatch>>,
    task: Arc<Task>,
}

/// Work that goes on until nobody needs it any more.
struct Task(JoinHandle<()>);

impl Task {
    fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Arc<Self> {
        Arc::new(Self(tokio::spawn(work)))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Outside {
    /// Nobody has been asked yet; fetching the issuers' keys begins.
    ///
    /// # Errors
    /// Authorities that cannot be used.
    pub fn new(settings: &Settings, supplies: Supplies, metrics: &Arc<Metrics>) -> io::Result<Self> {
        let Supplies { crls, uses, consent } = supplies;
        let (revocation, lists) = revocation(None, &settings.revocation, crls, metrics)?;
        let keys = keys(settings, None, metrics)?;
        let consents = Consents::new(consent, Arc::clone(metrics)).map_err(io::Error::other)?;
        Ok(Self {
            introspection: introspection(settings, metrics)?,
            uses: UseStore::new(uses, Arc::clone(metrics)).map_err(io::Error::other)?,
            keys_task: Task::spawn(Arc::clone(&keys).run()),
            revocation,
            keys,
            statements: statements(settings, metrics)?,
            consents: Arc::new(consents),
            lists,
        })
    }

    /// What serves `settings` in the place of `before`: each part is kept with what it knows where its settings are the same.
    /// What waits for a restart (`[cache]`, `[replay]`, `[consent]`) is the same in both.
    ///
    /// Keys that are not known yet are fetched before this returns, once, unless an issuer takes too long.
    ///
    /// # Errors
    /// Authorities that cannot be used.
    pub(super) async fn following(
        &self,
        before: &Settings,
        settings: &Settings,
        crls: Crls,
        metrics: &Arc<Metrics>,
    ) -> io::Result<Self> {
        let mut next = self.clone();
        let same_timeout = before.fetch_timeout == settings.fetch_timeout;
        if before.keys == settings.keys && same_timeout {
            next.keys.reread_files();
        } else {
            next.keys = keys(settings, Some(&self.keys), metrics)?;
            next.keys_task = Task::spawn(Arc::clone(&next.keys).run());
            // Fetching goes on behind the caller's back, and requests that need these keys wait for it.
            let _ = timeout(FIRST_FETCH, next.keys.first_fetch()).await;
        }
        if before.registration == settings.registration && same_timeout {
            next.statements.reread_file();
        } else {
            next.statements = statements(settings, metrics)?;
        }
        if before.revocation != settings.revocation {
            (next.revocation, next.lists) = revocation(Some(&self.revocation), &settings.revocation, crls, metrics)?;
        } else if let Some(lists) = &next.lists {
            // By now they may be newer than what was read with the configuration.
            lists.watch.lock().await.look().await;
        }
        if before.introspection != settings.introspection || !same_timeout {
            next.introspection = introspection(settings, metrics)?;
        }
        Ok(next)
    }

    /// Ends what goes on by itself, and empties what is remembered, and is no part of `next`: requests that are under way
    /// ask what they need, however long they last.
    pub(super) fn give_way_to(&self, next: &Self) {
        if !Arc::ptr_eq(&self.keys_task, &next.keys_task) {
            self.keys_task.0.abort();
            self.keys.give_way_to(&next.keys);
        }
        if !Arc::ptr_eq(&self.introspection, &next.introspection) {
            self.introspection.forget();
        }
        if !Arc::ptr_eq(&self.revocation, &next.revocation) {
            self.revocation.give_way();
        }
        if let Some(lists) = &self.lists {
            let stays = next.lists.as_ref().is_some_and(|next| Arc::ptr_eq(&lists.task, &next.task));
            if !stays {
                lists.task.0.abort();
            }
        }
    }

    /// Finds out what the gate asks.
    ///
    /// # Errors
    /// The body cannot be read, or is too large.
    pub(super) async fn answer(
        &self,
        question: Question,
        session: &mut Session,
        max_body_bytes: u64,
    ) -> Result<Answer, Denial> {
        match question {
            Question::Body => Ok(Answer::Body(body::read_whole(session, max_body_bytes).await?)),
            question => self.look_up(question, UnixTime::now()).await,
        }
    }

    /// Who is asked, where that is somebody else and may take its time.
    pub(super) fn asks(&self, question: &Question) -> Option<&'static str> {
        match question {
            Question::Keys { .. } => Some("keys"),
            Question::Revocation(_) => Some("revocation"),
            Question::Introspection(_) => Some("introspection"),
            Question::Use(_) => self.uses.is_shared().then_some("use"),
            Question::KeysAt(_) | Question::NewerKeysAt(_) => Some("statement_keys"),
            Question::Consent(_) => Some("consent"),
            Question::Body => None,
        }
    }

    /// Finds out what has nothing to do with the request's connection, for a request that is judged at `now`.
    ///
    /// # Errors
    /// The question is about the body.
    pub async fn look_up(&self, question: Question, now: UnixTime) -> Result<Answer, Denial> {
        Ok(match question {
            Question::Keys { issuer } => {
                self.keys.answer(issuer).await;
                Answer::Keys { issuer }
            }
            Question::Revocation(about) => {
                let standing = self.revocation.answer(&about, now).await;
                Answer::Revocation(about, standing)
            }
            Question::Introspection(inquiry) => {
                let told = self.introspection.answer(&inquiry, now).await;
                Answer::Introspection(inquiry, told)
            }
            Question::Use(what) => Answer::Use(what, self.uses.answer(&what, now).await),
            Question::KeysAt(at) => {
                let document = self.statements.answer(&at).await;
                Answer::KeysAt(at, document)
            }
            Question::NewerKeysAt(at) => {
                let document = self.statements.answer_anew(&at).await;
                Answer::NewerKeysAt(at, document)
            }
            Question::Consent(request) => {
                // This one says when it was asked, and whoever is asked holds it to the present.
                let told = self.consents.answer(&request, UnixTime::now()).await;
                Answer::Consent(request, told)
            }
            Question::Body => return Err(question.unanswered()),
        })
    }
}

fn keys(settings: &Settings, before: Option<&KeyStore>, metrics: &Arc<Metrics>) -> io::Result<Arc<KeyStore>> {
    let (timeout, cache) = (settings.fetch_timeout, settings.token_cache_bytes);
    KeyStore::following(before, settings.keys.clone(), timeout, cache, Arc::clone(metrics)).map_err(io::Error::other)
}

fn introspection(settings: &Settings, metrics: &Arc<Metrics>) -> io::Result<Arc<IntrospectionStore>> {
    let consent_claim = settings.gate.issuers.rules.consent_claim.clone();
    IntrospectionStore::new(&settings.introspection, settings.fetch_timeout, consent_claim, Arc::clone(metrics))
        .map_err(io::Error::other)
}

fn statements(settings: &Settings, metrics: &Arc<Metrics>) -> io::Result<Arc<StatementKeys>> {
    let source = settings.registration.clone();
    StatementKeys::new(source, settings.fetch_timeout, Arc::clone(metrics)).map_err(io::Error::other)
}

/// Knows what `before` does, and the CRL files, which are read anew when they change.
fn revocation(
    before: Option<&RevocationStore>,
    settings: &Revocation,
    crls: Crls,
    metrics: &Arc<Metrics>,
) -> io::Result<(Arc<RevocationStore>, Option<Lists>)> {
    let store = RevocationStore::following(before, settings, CrlFiles::new(crls.lists), Arc::clone(metrics));
    let store = store.map_err(io::Error::other)?;
    metrics.configuration.lists_read(true);
    let lists = CrlWatch::new(settings, crls.looks, Arc::clone(&store), Arc::clone(metrics)).map(|watch| {
        let watch = Arc::new(Mutex::new(watch));
        Lists { task: Task::spawn(CrlWatch::run(Arc::clone(&watch))), watch }
    });
    Ok((store, lists))
}

/// A change is applied within 5 s, whoever hangs; up to three of them passed until the files had come to rest.
const FIRST_FETCH: Duration = Duration::from_secs(2);
