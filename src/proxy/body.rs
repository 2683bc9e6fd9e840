//! A request's body, read whole before anything is forwarded, and forwarded unchanged.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, EXPECT};
use pingora::{ErrorType, proxy::Session};

use crate::denial::Denial;

/// Reads the body whole; what was read goes to the backend all the same, byte for byte.
///
/// The body is kept by Pingora, which hands it to the backend as if it had just arrived. Whoever waits for
/// `100 Continue` gets it here, so the backend is not asked for another. Time is bounded by the listener's idle timeout,
/// for the whole body, and by a minute.
///
/// # Errors
/// `body_too_large` over 64 KiB and over `max_body_bytes` (0: no limit), before anything is read where the length says so;
/// `request_malformed` where the body is not well framed, ends early, or does not arrive in time.
pub(super) async fn read_whole(session: &mut Session, max_body_bytes: u64) -> Result<Bytes, Denial> {
    let most = if max_body_bytes == 0 { MOST_BYTES } else { max_body_bytes.min(MOST_BYTES) };
    if announced(session) > most {
        return Err(Denial::BodyTooLarge);
    }
    session.as_downstream_mut().enable_retry_buffering();
    let patience = session.as_downstream_mut().get_total_drain_timeout().unwrap_or(LONGEST).min(LONGEST);
    let read = async {
        invite(session).await?;
        let downstream = session.as_downstream_mut();
        let mut length = 0_u64;
        while let Some(piece) = downstream.read_request_body().await.map_err(|error| broken(error.etype()))? {
            length = length.saturating_add(piece.len() as u64);
            if length > most || downstream.retry_buffer_truncated() {
                return Err(Denial::BodyTooLarge);
            }
        }
        Ok(downstream.get_retry_buffer().unwrap_or_default())
    };
    tokio::time::timeout(patience, read).await.unwrap_or(Err(LATE))
}

/// The length that the request announces, in bytes; 0: it says nothing of it.
pub(super) fn announced(session: &Session) -> u64 {
    let length = session.req_header().headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.and_then(|length| length.trim().parse().ok()).unwrap_or(0)
}

/// Whether a body of which so many bytes came in this time takes so long that it must be meant: each piece resets the clocks
/// of Pingora, so that a client could hold a connection to the backend for as long as it likes.
///
/// `idle`: how long a client may be silent, which is granted once for the whole body.
pub(super) fn drips(taken: Duration, bytes: u64, idle: Duration) -> bool {
    taken.saturating_sub(idle) > Duration::from_secs(bytes / LEAST_BYTES_A_SECOND)
}

/// Answers `100 Continue` to whoever waits for it (RFC 9110, section 10.1.1), once.
async fn invite(session: &mut Session) -> Result<(), Denial> {
    let expected = session.req_header().headers.get(EXPECT);
    if !expected.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        return Ok(());
    }
    // For Pingora an answer before the end of the body condemns the connection. This one asks for that end; every later
    // answer has to condemn it still, or what is left of the body would be taken for the next request.
    session.set_close_on_response_before_downstream_finish(false);
    let written = session.as_downstream_mut().write_continue_response().await;
    session.set_close_on_response_before_downstream_finish(true);
    written.map_err(|error| broken(error.etype()))?;
    session.req_header_mut().remove_header(&EXPECT);
    Ok(())
}

/// What is told to a client whose body could not be read for `error`.
pub(super) fn broken(error: &ErrorType) -> Denial {
    match error {
        ErrorType::ReadTimedout | ErrorType::WriteTimedout => LATE,
        _ => Denial::RequestMalformed { why: "the body is not well framed" },
    }
}

/// What Pingora keeps of a body.
pub(crate) const MOST_BYTES: u64 = 64 * 1024;
/// What the slowest of honest networks brings, and no more than a client can do without effort.
const LEAST_BYTES_A_SECOND: u64 = 500;
/// For the whole body, whatever the listener allows: so long a wait for so little is an attack.
const LONGEST: Duration = Duration::from_secs(60);
const LATE: Denial = Denial::RequestMalformed { why: "the body did not arrive in time" };

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::*;

    /// A session whose request is `sent`, and the client's side of its connection.
    async fn session(sent: &str) -> (Session, DuplexStream) {
        let (mut client, server) = tokio::io::duplex(1024 * 1024);
        client.write_all(sent.as_bytes()).await.unwrap();
        let mut session = Session::new_h1(Box::new(server));
        session.as_downstream_mut().read_request().await.unwrap();
        (session, client)
    }

    fn of_length(length: usize) -> String {
        format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{}", "a".repeat(length))
    }

    fn chunked(length: usize) -> String {
        let chunk = format!("{:x}\r\n{}\r\n", length, "a".repeat(length));
        format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n")
    }

    #[test]
    fn body_drips_when_it_is_slower_than_silence_and_the_slowest_network_together() {
        let seconds = Duration::from_secs;
        let check = |taken: u64, bytes: u64, expected: bool| {
            assert_eq!(drips(seconds(taken), bytes, seconds(60)), expected, "{bytes} bytes in {taken} s");
        };

        check(60, 1, false);
        check(61, 1, true);
        check(160, 50_000, false);
        check(161, 50_000, true);
        check(3600, 10_000_000, false);
        assert!(!drips(Duration::MAX, u64::MAX, Duration::MAX));
    }

    #[tokio::test]
    async fn body_of_64_kib_is_read_whole_and_kept_and_one_byte_more_is_too_large() {
        for sent in [of_length(64 * 1024), chunked(64 * 1024)] {
            let (mut session, _client) = session(&sent).await;
            let body = read_whole(&mut session, 0).await.unwrap();
            assert_eq!(body, "a".repeat(64 * 1024));
            assert_eq!(session.as_downstream_mut().get_retry_buffer(), Some(body));
            assert!(session.as_downstream_mut().is_body_done());
        }
        for sent in [of_length(64 * 1024 + 1), chunked(64 * 1024 + 1)] {
            let (mut session, _client) = session(&sent).await;
            assert!(matches!(read_whole(&mut session, 0).await, Err(Denial::BodyTooLarge)));
        }
    }

    #[tokio::test]
    async fn body_over_the_limit_of_the_backend_is_too_large() {
        for (sent, most, passes) in [(of_length(9), 9, true), (chunked(9), 9, true), (of_length(9), 8, false)] {
            let (mut session, _client) = session(&sent).await;
            assert_eq!(read_whole(&mut session, most).await.is_ok(), passes, "{most}");
        }
        let (mut session, _client) = session(&chunked(9)).await;
        assert!(matches!(read_whole(&mut session, 8).await, Err(Denial::BodyTooLarge)));
    }

    #[tokio::test]
    async fn announced_length_is_refused_before_the_body_comes_and_is_not_asked_for() {
        let sent = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 65537\r\n\r\n";
        let (mut session, mut client) = session(sent).await;
        assert!(matches!(read_whole(&mut session, 0).await, Err(Denial::BodyTooLarge)));
        drop(session);
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "");
    }

    #[tokio::test]
    async fn request_without_a_body_has_an_empty_one() {
        let of_no_chunks = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        for sent in ["POST / HTTP/1.1\r\nHost: a\r\n\r\n", &of_length(0), of_no_chunks] {
            let (mut session, _client) = session(sent).await;
            assert_eq!(read_whole(&mut session, 0).await.unwrap(), "");
        }
    }

    #[tokio::test]
    async fn body_that_ends_early_or_is_not_well_framed_is_malformed() {
        let early = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc";
        let unframed = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n";
        for sent in [early, unframed] {
            let (mut session, client) = session(sent).await;
            drop(client);
            let read = read_whole(&mut session, 0).await;
            assert!(matches!(read, Err(Denial::RequestMalformed { .. })), "{read:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn body_that_does_not_arrive_in_time_is_malformed() {
        let (mut session, _client) = session("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc").await;
        session.as_downstream_mut().set_total_drain_timeout(Some(Duration::from_secs(7200)));
        let begun = tokio::time::Instant::now();
        assert!(matches!(read_whole(&mut session, 0).await, Err(Denial::RequestMalformed { .. })));
        assert!(begun.elapsed() <= LONGEST);
    }
}
