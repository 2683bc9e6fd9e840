//! The gate's questions are answered.

use std::sync::Arc;

use pingora::proxy::Session;
use rustls_pki_types::UnixTime;

use crate::{
    denial::Denial,
    gate::{Answer, Question},
    outside::{Consents, IntrospectionStore, KeyStore, RevocationStore, StatementKeys, UseStore},
    proxy::body,
};

/// Everything that certbound learns from elsewhere.
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
    pub consents: Consents,
}

impl Outside {
    /// Finds out what the gate asks.
    ///
    /// # Errors
    /// The body cannot be read, or is too large.
    pub(super) async fn answer(&self, question: Question, session: &mut Session) -> Result<Answer, Denial> {
        let now = UnixTime::now();
        Ok(match question {
            Question::Keys { issuer } => {
                self.keys.answer(issuer).await;
                Answer::Keys { issuer }
            }
            Question::Revocation(about) => {
                self.revocation.answer(&about, now).await;
                Answer::Revocation(about)
            }
            Question::Introspection(inquiry) => {
                let told = self.introspection.answer(&inquiry, now).await;
                Answer::Introspection(inquiry, told)
            }
            Question::Use(what) => Answer::Use(what, self.uses.answer(&what, now).await),
            Question::Body => Answer::Body(body::read_whole(session).await?),
            Question::KeysAt(at) => {
                let document = self.statements.answer(&at).await;
                Answer::KeysAt(at, document)
            }
            Question::Consent(request) => Answer::Consent(self.consents.answer(&request, now).await),
        })
    }
}
