//! Whether something was remembered or found anew.

/// How a verified thing was found. No verdict depends on it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lookup {
    /// Remembered.
    Hit,
    /// Verified anew.
    Miss,
}
