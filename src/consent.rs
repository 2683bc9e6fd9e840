//! The consent that a user gave the client, asked for before a request is forwarded.

mod answer;
mod question;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};

use crate::{
    denial::Denial,
    route::{RequestPath, Route},
    token::AccessToken,
};

/// What is asked, of whoever keeps consents.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConsentRequest {
    /// The value of the configured claim.
    pub consent_id: Arc<str>,
    /// The token's client.
    pub client_id: Option<Arc<str>>,
    /// The token's subject.
    pub subject: Option<Arc<str>>,
    /// The method.
    pub method: Method,
    /// The exact path. Holds account numbers: it goes to the consent service and nowhere else.
    pub path: Arc<str>,
    /// The route's template.
    pub route: Arc<str>,
    /// The body of the request, where the service is told it and there is one.
    pub body: Option<Bytes>,
}

/// What the service said.
#[derive(Clone, Debug)]
pub enum ConsentAnswer {
    /// No usable answer.
    Unavailable,
    /// `isValid` is `false`.
    Refused {
        /// `errorCode`, cleaned and bounded.
        code: Option<Arc<str>>,
        /// `errorMessage`, cleaned and bounded.
        message: Option<Arc<str>>,
    },
    /// `isValid` is `true`.
    Given {
        /// `consentInformation`, for the backend.
        information: Option<HeaderValue>,
    },
}

/// Proof that the service found the consent to cover this request.
///
/// Only [`Consent::from_answer`] makes one.
#[derive(Clone, Debug)]
pub struct Consent {
    id: Arc<str>,
    information: Option<HeaderValue>,
}

impl ConsentRequest {
    /// A request under this consent.
    pub fn about(id: &Arc<str>, token: &AccessToken, route: &Route, method: &Method, path: RequestPath<'_>) -> Self {
        let claims = token.claims();
        Self {
            consent_id: Arc::clone(id),
            client_id: claims.client_id().map(Arc::from),
            subject: claims.subject().map(Arc::from),
            method: method.clone(),
            path: path.as_str().into(),
            route: Arc::clone(route.path.as_str()),
            body: None,
        }
    }
}

impl Consent {
    /// The header in which a backend of WSO2's reads [`Self::information`]. Nobody else's is ever forwarded.
    pub const INFORMATION: HeaderName = HeaderName::from_static("account-request-information");

    /// The consent that the token names.
    ///
    /// # Errors
    /// `consent_missing`.
    pub fn named_by(token: &AccessToken) -> Result<&Arc<str>, Denial> {
        token.claims().consent_id().ok_or(Denial::ConsentMissing)
    }

    /// Takes the service's word.
    ///
    /// # Errors
    /// `consent_refused`, `consent_unavailable`.
    pub fn from_answer(id: &Arc<str>, answer: &ConsentAnswer) -> Result<Self, Denial> {
        match answer {
            ConsentAnswer::Unavailable => Err(Denial::ConsentUnavailable),
            ConsentAnswer::Refused { code, message } => {
                Err(Denial::ConsentRefused { code: code.clone(), message: message.clone() })
            }
            ConsentAnswer::Given { information } => Ok(Self { id: Arc::clone(id), information: information.clone() }),
        }
    }

    /// The identifier.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// What the backend is told of it.
    pub fn information(&self) -> Option<&HeaderValue> {
        self.information.as_ref()
    }
}
