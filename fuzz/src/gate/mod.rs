//! The whole gate: what is asked of it, how it is asked, and who holds its permits to account.

pub mod cast;
pub mod request;
pub mod witness;
pub mod world;
