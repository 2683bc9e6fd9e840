//! Every disagreement with its reason; `docs/path-validation.md` tells the same.

use crate::difference::Difference;

pub(crate) const PATHS: &[Difference] = &[];
