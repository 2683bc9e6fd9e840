//! What an answer says about the backend's own connection, which ends there (RFC 9110, sections 2.5 and 7.6.1).

use http::{
    HeaderName, Version,
    header::{CONNECTION, CONTENT_LENGTH, TE, TRANSFER_ENCODING, UPGRADE},
};
use pingora::http::{ResponseHeader, StatusCode};

use crate::proxy::framing;

/// Takes out the fields that mean that connection, whether `Connection` names them or not, and the version that is spoken
/// there. How the body is framed stays, and so do `Connection` itself, which Pingora writes anew, and what agrees to another
/// protocol.
pub(super) fn forget(answer: &mut ResponseHeader) {
    if answer.version == Version::HTTP_10 {
        answer.set_version(Version::HTTP_11);
    }
    let agrees = answer.status == StatusCode::SWITCHING_PROTOCOLS;
    for name in &ALWAYS {
        if answer.headers.contains_key(name) && !(agrees && name == UPGRADE) {
            answer.remove_header(name);
        }
    }
    if !answer.headers.contains_key(CONNECTION) {
        return;
    }
    let named: Vec<HeaderName> =
        framing::connection_options(&answer.headers).filter_map(|name| HeaderName::from_bytes(name).ok()).collect();
    for name in named.iter().filter(|name| !STAY.contains(name)) {
        answer.remove_header(name);
    }
}

const ALWAYS: [HeaderName; 4] =
    [HeaderName::from_static("keep-alive"), HeaderName::from_static("proxy-connection"), TE, UPGRADE];
const STAY: [HeaderName; 4] = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE];

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use super::*;

    /// The names that are left, in alphabetical order.
    fn left(status: u16, fields: &[(&'static str, &str)]) -> Vec<String> {
        let mut answer = ResponseHeader::build(status, None).unwrap();
        for (name, value) in fields {
            answer.append_header(*name, *value).unwrap();
        }
        forget(&mut answer);
        let mut names: Vec<_> = answer.headers.keys().map(HeaderName::to_string).collect();
        names.sort();
        names
    }

    #[test]
    fn fields_of_the_connection_are_left_out_and_all_others_stay() {
        let fields = [
            ("content-type", "a/b"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("x-hop", "1"),
            ("x-other", "2"),
            ("connection", "keep-alive, X-Hop,, ;"),
        ];
        assert_eq!(left(200, &fields), ["connection", "content-type", "x-other"]);
        assert_eq!(left(200, &[("date", "a")]), ["date"]);
    }

    #[test]
    fn version_that_the_backend_speaks_ends_there() {
        let mut answer = ResponseHeader::build(200, None).unwrap();
        answer.set_version(Version::HTTP_10);
        forget(&mut answer);
        assert_eq!(answer.version, Version::HTTP_11);
    }

    #[test]
    fn framing_and_agreed_protocols_are_no_fields_to_leave_out() {
        let fields = [("connection", "content-length, transfer-encoding, upgrade"), ("content-length", "3")];
        assert_eq!(left(200, &fields), ["connection", "content-length"]);
        let agreed = [("connection", "upgrade"), ("upgrade", "websocket"), ("keep-alive", "a")];
        assert_eq!(left(101, &agreed), ["connection", "upgrade"]);
    }
}
