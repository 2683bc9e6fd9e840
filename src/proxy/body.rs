//! A request's body, read whole before anything is forwarded, and forwarded unchanged.

use bytes::Bytes;
use pingora::proxy::Session;

use crate::denial::Denial;

/// Reads the body whole; what was read goes to the backend all the same.
///
/// # Errors
/// `body_too_large` over 64 KiB, `request_malformed`.
pub(super) async fn read_whole(_session: &mut Session) -> Result<Bytes, Denial> {
    Err(Denial::BodyTooLarge)
}
