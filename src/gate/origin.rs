//! What clients call, which a proxy behind a load balancer cannot see by itself.

use std::borrow::Cow;

use crate::{denial::Denial, gate::Inbound, peer::TrustedPeer};

/// Where clients believe to be: scheme and authority, lower case, without a port that the scheme implies.
#[derive(Clone, Debug, Default)]
pub enum PublicOrigin {
    /// What a trusted peer says in `X-Forwarded-Proto` and `X-Forwarded-Host`, else https and `Host`.
    #[default]
    Forwarded,
    /// As configured.
    Fixed(Box<str>),
}

impl PublicOrigin {
    /// The origin that the client called.
    ///
    /// # Errors
    /// `proof_invalid`: it cannot be told, because a header names several.
    pub(super) fn of(&self, _request: &Inbound<'_>, _peer: Option<TrustedPeer>) -> Result<Cow<'_, str>, Denial> {
        match self {
            Self::Fixed(origin) => Ok(Cow::Borrowed(origin)),
            Self::Forwarded => Err(Denial::ProofInvalid { why: "the origin is not known yet", nonce: None }),
        }
    }
}
