//! The one bearer token of a request (RFC 6750, section 2.1). Nowhere but in `Authorization` is one looked for.

use http::HeaderMap;

use crate::denial::Denial;

/// The characters after `Bearer `: not decoded, not verified, not believed.
#[derive(Clone, Copy)]
pub struct BearerToken<'a>(&'a str);

impl<'a> BearerToken<'a> {
    /// Reads the one `Authorization` header.
    ///
    /// # Errors
    /// `token_missing` (none, or another scheme), `token_repeated` (two headers), `token_malformed`
    /// (not `b64token`: several credentials joined by commas among them; over [`Self::MAX_BYTES`]).
    pub fn read(headers: &'a HeaderMap) -> Result<Self, Denial> {
        todo!()
    }

    /// A token longer than this is not read.
    pub const MAX_BYTES: usize = 16 * 1024;
}
