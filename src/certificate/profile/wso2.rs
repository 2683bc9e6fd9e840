//! WSO2's header, which a load balancer of any make fills: PEM or base64 of DER, percent-encoded or not.

use super::{Der, base64_der, escaped_pem, pem, percent};
use crate::denial::Denial;

/// Which form it is shows at the first byte and at a percent sign; no form is tried after another.
pub(super) fn read(value: &[u8]) -> Result<Vec<Der>, Denial> {
    match (pem::is_begun(value), percent::is_encoded(value)) {
        (true, true) => escaped_pem::read(value),
        (true, false) => pem::read_one_line(value),
        (false, _) => base64_der::read(&percent::decode(value)?),
    }
}
