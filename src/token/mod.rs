//! The access token: read, its signature and claims checked, believed.

pub mod bearer;
pub mod claims;
pub mod introspection;
pub mod issued;
pub(crate) mod json;
mod jwk;
mod jws;
pub mod key_ring;
pub mod keys;
mod kinds;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests state what they need")]
pub(crate) mod mint;
pub mod nonce;
pub mod proof;
pub mod single_use;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]
mod vectors;
pub mod verify;

pub use bearer::BearerToken;
pub use claims::{Claims, Grant};
pub use introspection::{Inquiry, Introspection, Introspections};
pub use issued::IssuedToken;
pub(crate) use jwk::{PublicKey, key_identifier};
pub(crate) use jws::{Jws, media_type};
pub use key_ring::KeyRing;
pub(crate) use keys::jwks;
pub use keys::{Algorithm, KeySet};
pub use nonce::Nonces;
pub use proof::{Proof, ProofRules};
pub use single_use::{Purpose, SingleUse, Use};
pub use verify::{AccessToken, Issuer, Issuers, TokenRules, Verify};
