//! What clients call, which a proxy behind a load balancer cannot see by itself.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName};

use crate::{denial::Denial, gate::Inbound, peer::TrustedPeer};

/// Where clients believe to be: scheme and authority, in any case, without a final slash.
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
    /// `proof_invalid`: it cannot be told, because a header names several, or none.
    pub(super) fn of(&self, request: &Inbound<'_>, voucher: Option<TrustedPeer>) -> Result<Cow<'_, str>, Denial> {
        if let Self::Fixed(origin) = self {
            return Ok(Cow::Borrowed(origin));
        }
        let told = |name| if voucher.is_some() { only(request.headers, name) } else { Ok(None) };
        // Mutual TLS ended before certbound or in it, so https is what was called.
        let scheme = told(FORWARDED_PROTO)?.unwrap_or("https");
        let authority = told(FORWARDED_HOST)?.or(request.authority).filter(|authority| !authority.is_empty());
        let authority = authority.ok_or_else(|| unknown("the request does not say which host was called"))?;
        Ok(Cow::Owned(format!("{scheme}://{authority}")))
    }
}

/// The only value of a header; none where it is absent.
///
/// Of several, each proxy added its own, and the first is the client's where the balancer passes it on.
fn only(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, Denial> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().ok().map(str::trim).filter(|text| !text.is_empty() && !text.contains(','));
    match (text, values.next()) {
        (Some(text), None) => Ok(Some(text)),
        _ => Err(unknown("X-Forwarded-Proto or X-Forwarded-Host is not one value")),
    }
}

fn unknown(why: &'static str) -> Denial {
    Denial::ProofInvalid { why, nonce: None }
}

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
