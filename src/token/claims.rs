//! The claims of an access token (RFC 7519, section 4; RFC 9068, section 2.2), each at most once.

use rustls_pki_types::UnixTime;

use crate::thumbprint::Thumbprint;

/// Claims of a token whose signature holds. Times and audience are not yet compared.
#[derive(Clone, Debug)]
pub struct Claims {
    // private fields: iss, sub, aud, exp, nbf, iat, jti, scope, client_id, aut, cnf, names present
}

/// Who obtained the token: the client for itself, or for a user.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Grant {
    /// The client for itself.
    Application,
    /// A user's.
    User,
}

impl Claims {
    /// Reads the payload: a JSON object, each name once, known claims of the right type.
    ///
    /// # Errors
    /// Why it is `token_malformed`.
    pub fn parse(payload: &[u8]) -> Result<Self, &'static str> {
        todo!()
    }

    /// `iss`.
    pub fn issuer(&self) -> Option<&str> {
        todo!()
    }
    /// `sub`.
    pub fn subject(&self) -> Option<&str> {
        todo!()
    }
    /// `client_id`, else `azp`.
    pub fn client_id(&self) -> Option<&str> {
        todo!()
    }
    /// `scope` or `scp`, as one string with single spaces.
    pub fn scope(&self) -> Option<&str> {
        todo!()
    }
    /// `exp`.
    pub fn expires(&self) -> Option<UnixTime> {
        todo!()
    }
    /// Base64url SHA-256 of `jti`, for the audit line.
    pub fn jti_sha256(&self) -> Option<&str> {
        todo!()
    }
    /// `cnf["x5t#S256"]`.
    pub fn confirmation(&self) -> Option<&Thumbprint> {
        todo!()
    }
    /// `aut` where present, else whether `sub` is the client (RFC 9068, section 2.2).
    pub fn grant(&self) -> Option<Grant> {
        todo!()
    }
}
