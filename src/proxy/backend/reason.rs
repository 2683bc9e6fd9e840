//! Why the backend failed, in words of our own: Pingora's may quote a request or an answer.

use std::io;

use pingora::{BError, Error, ErrorType};

/// Why, one of a few sentences.
pub(super) fn reason(error: &Error) -> &'static str {
    use ErrorType::{
        ConnectNoRoute, ConnectRefused, ConnectTimedout, ConnectionClosed, H1Error, H2Downgrade, H2Error,
        HandshakeError, InternalError, InvalidCert, InvalidH2, InvalidHTTPHeader, ReadError, ReadTimedout,
        TLSHandshakeFailure, TLSHandshakeTimedout, WriteError, WriteTimedout,
    };
    match error.etype() {
        ConnectRefused => "nobody listens there",
        ConnectTimedout | TLSHandshakeTimedout => "no connection, TLS included, within connect_timeout",
        ConnectNoRoute if says(error, UNRESOLVED) => "its name does not resolve",
        ConnectNoRoute => "no way leads there",
        TLSHandshakeFailure | HandshakeError => handshake(error),
        InvalidCert => "what backend.tls names cannot be used",
        ReadTimedout => "no answer, or none of its rest, within response_timeout",
        WriteTimedout => "it did not take the request within response_timeout",
        ConnectionClosed => "it closed the connection before its answer",
        ReadError | WriteError if is_alert(error) => ALERT,
        ReadError => "the connection broke while its answer was awaited",
        WriteError => "the connection broke while the request was sent",
        InvalidHTTPHeader if says(error, UPGRADES) => "it upgrades the connection unasked",
        InvalidHTTPHeader | H1Error => "its answer is not HTTP/1.1 as it should be; perhaps it speaks TLS",
        H2Error | InvalidH2 | H2Downgrade => "it does not speak HTTP/2, or broke its rules",
        InternalError if says(error, TOO_LARGE) => "its answer is over 64 KiB, and check_issued has to look at it",
        _ => "for another reason",
    }
}

/// Pingora keeps only the text of what rustls said. Whatever else that holds, it chooses among these sentences and no more.
fn handshake(error: &Error) -> &'static str {
    let known = HANDSHAKES.iter().find(|(said, _)| says(error, said));
    known.map_or("the handshake failed", |(_, reason)| reason)
}

/// Whether the error or what it came from says so.
fn says(error: &Error, words: &str) -> bool {
    chain(error).any(|error| error.context.as_ref().is_some_and(|context| context.as_str().contains(words)))
}

/// Whether the backend ended TLS by an alert. With TLS 1.3 it may do so after the handshake, where it misses a certificate.
fn is_alert(error: &Error) -> bool {
    let causes = chain(error).filter_map(|error| error.cause.as_ref()?.downcast_ref::<io::Error>());
    causes
        .filter_map(|cause| cause.get_ref()?.downcast_ref())
        .any(|cause| matches!(cause, rustls::Error::AlertReceived(_)))
}

/// The error, and those of Pingora's that it came from.
fn chain(error: &Error) -> impl Iterator<Item = &Error> {
    std::iter::successors(Some(error), |error| error.cause.as_ref()?.downcast_ref::<BError>().map(|error| &**error))
}

/// What a backend whose name does not resolve fails with.
pub(super) const UNRESOLVED: &str = "the backend's name does not resolve";
/// What a token endpoint fails with whose answer is longer than what is looked at.
pub(in crate::proxy) const TOO_LARGE: &str = "the answer is too large to be looked at";
/// What a backend fails with that changes to another protocol though nobody asked for it.
pub(in crate::proxy) const UPGRADES: &str = "the backend upgrades unasked";
/// What rustls says of a handshake, and what that means.
const HANDSHAKES: [(&str, &str); 10] = [
    ("certificate not valid for name", "its certificate is for another name than backend.tls.server_name"),
    ("NotValidForName", "its certificate is for another name than backend.tls.server_name"),
    ("UnknownIssuer", "its certificate is of an authority that is not believed: see backend.tls.ca_file"),
    ("certificate expired", "its certificate has ended"),
    ("certificate not valid yet", "its certificate is not valid yet"),
    ("CaUsedAsEndEntity", "its certificate is that of an authority"),
    ("invalid peer certificate", "its certificate does not hold"),
    ("InvalidContentType", "it does not speak TLS"),
    ("received fatal alert", ALERT),
    ("handshake eof", "it closed the connection during the handshake: perhaps it does not speak TLS"),
];
const ALERT: &str = "it ended TLS with an alert: perhaps it asks for backend.tls.certificate_file, or for another one";

#[cfg(test)]
mod tests {
    use rustls::AlertDescription;

    use super::*;

    #[test]
    fn reason_is_found_behind_what_was_said_of_it_later() {
        let handshake = "TLS connect() failed: cause: invalid peer certificate: UnknownIssuer, SNI: bank.internal";
        let error =
            Error::explain(ErrorType::TLSHandshakeFailure, handshake).more_context("later").more_context("last");
        assert!(reason(&error).contains("backend.tls.ca_file"), "{}", reason(&error));
        let unresolved = Error::explain(ErrorType::ConnectNoRoute, UNRESOLVED).more_context("later");
        assert_eq!(reason(&unresolved), "its name does not resolve");
        let upgrading = Error::explain(ErrorType::InvalidHTTPHeader, UPGRADES).more_context("later");
        assert_eq!(reason(&upgrading), "it upgrades the connection unasked");
        let large = Error::explain(ErrorType::InternalError, TOO_LARGE).into_up();
        assert!(reason(&large).contains("check_issued"), "{}", reason(&large));
    }

    #[test]
    fn certificate_that_is_missed_after_the_handshake_is_named() {
        let alert = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
        let broken = |cause: io::Error| Error::because(ErrorType::ReadError, "while reading", cause);
        assert_eq!(reason(&broken(io::Error::new(io::ErrorKind::InvalidData, alert))), ALERT);
        assert_ne!(reason(&broken(io::ErrorKind::ConnectionReset.into())), ALERT);
    }

    #[test]
    fn nothing_of_an_error_but_its_kind_is_told() {
        let secret = "Authorization: Bearer secret";
        for kind in [ErrorType::InvalidHTTPHeader, ErrorType::TLSHandshakeFailure, ErrorType::Custom("secret")] {
            assert!(!reason(&Error::explain(kind, secret)).contains("secret"));
        }
    }
}
