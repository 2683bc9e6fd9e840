//! What revokes a certificate counts until a newer answer says otherwise.

use rustls_pki_types::UnixTime;

use crate::certificate::revocation::{Answer, Method, Status};

/// Who gave an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Source {
    /// A CRL file of the operator.
    File,
    /// Whoever was asked in this way.
    Asked(Method),
}

/// thisUpdate of the answers that revoked a certificate; of none where it is not revoked.
///
/// Every answer here is signed and current. An older one does not bring a certificate back all the same: a list that was made
/// before the revocation, a mirror that lags behind, and an answer that somebody recorded are signed and current too.
#[derive(Clone, Copy, Default)]
pub(super) struct RevokedAsOf {
    file: Option<UnixTime>,
    /// The newest of those that were asked for.
    asked: Option<UnixTime>,
}

impl RevokedAsOf {
    /// Whether the answer counts: it revokes, or is newer than what did.
    ///
    /// What the operator puts in the place of her own file counts however old it is, unless somebody who was asked revoked the
    /// certificate later than that.
    pub(super) fn admits(self, source: Source, answer: &Answer) -> bool {
        let newest = match source {
            Source::File => self.asked,
            Source::Asked(_) => self.asked.max(self.file),
        };
        answer.status != Status::Good || Some(answer.this_update) > newest
    }

    /// Whether more stands against the certificate than `before`.
    pub(super) fn exceeds(self, before: Self) -> bool {
        self.file > before.file || self.asked > before.asked
    }

    /// The same after an answer that counts.
    pub(super) fn after(self, source: Source, answer: &Answer) -> Self {
        let at = Some(answer.this_update);
        match (answer.status, source) {
            (Status::Good, _) => Self::default(),
            (Status::Revoked { .. }, Source::File) => Self { file: at, ..self },
            (Status::Revoked { .. }, Source::Asked(_)) => Self { asked: at.max(self.asked), ..self },
        }
    }
}

impl Source {
    pub(super) fn method(self) -> Method {
        match self {
            Self::File => Method::Crl,
            Self::Asked(method) => method,
        }
    }
}

/// Why a good answer that does not count is none.
pub(super) const OLDER: &str = "it is older than the answer that revoked the certificate";
