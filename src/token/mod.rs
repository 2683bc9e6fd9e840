//! The access token: read, its signature and claims checked, believed.

pub mod bearer;
pub mod claims;
pub mod keys;
pub mod verify;

pub use bearer::BearerToken;
pub use claims::{Claims, Grant};
pub use keys::{Algorithm, KeySet};
pub use verify::{AccessToken, Issuer, Issuers, KeyRing, TokenRules};
