#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use tokio::{
    io::{AsyncReadExt, DuplexStream, duplex},
    task::yield_now,
    time::{Instant, advance, timeout},
};

use super::*;

const LIMIT: Duration = Duration::from_secs(10);
const LIMITS: Limits = Limits { header: LIMIT, stall: LIMIT, section: 4096 };

/// The client's end, and the stream as Pingora has it when it waits for a request.
fn connected(head: &[u8], http2: bool) -> (DuplexStream, ClientStream) {
    let (client, server) = duplex(1024);
    let socket = Rewound::new(head.to_vec(), Box::new(server));
    let unread = Unread::new(|_, _| b"HTTP/1.1 400 ours\r\n\r\n".to_vec());
    let stream = ClientStream::new(socket, Connection::from(None), Activity::default(), http2, LIMITS, unread).unwrap();
    stream.get_proxy_digest().unwrap();
    (client, stream)
}

async fn read_some(stream: &mut ClientStream) -> io::Result<Vec<u8>> {
    let mut read = Vec::new();
    stream.read_buf(&mut read).await?;
    Ok(read)
}

#[tokio::test]
async fn bytes_read_before_are_read_again_first() {
    let (mut client, mut stream) = connected(b"GET / HT", false);
    client.write_all(b"TP/1.1\r\n").await.unwrap();
    drop(client);

    let mut few = [0; 3];
    stream.read_exact(&mut few).await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();

    assert_eq!([few.as_slice(), &rest].concat(), b"GET / HTTP/1.1\r\n");
}

#[tokio::test(start_paused = true)]
async fn header_section_that_comes_byte_by_byte_is_given_up_in_time() {
    let (mut client, mut stream) = connected(b"", false);
    let slow = tokio::spawn(async move {
        while client.write_all(b"G").await.is_ok() {
            sleep(LIMIT / 4).await;
        }
    });
    read_some(&mut stream).await.unwrap();
    let began = Instant::now();

    let error = timeout(LIMIT * 2, async {
        loop {
            if let Err(error) = read_some(&mut stream).await {
                break error;
            }
        }
    });

    assert_eq!(error.await.unwrap().kind(), ErrorKind::TimedOut);
    assert!(began.elapsed() <= LIMIT + LIMIT / 100, "{:?}", began.elapsed());
    drop(stream);
    slow.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn silence_before_a_request_and_a_slow_body_are_not_the_streams_business() {
    let (mut client, mut stream) = connected(b"", false);
    for _ in 0..2 {
        let writing = async {
            sleep(LIMIT * 3).await;
            client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        };
        tokio::join!(writing, async { read_some(&mut stream).await.unwrap() });
        stream.facts.arrive();
        let writing = async {
            sleep(LIMIT * 3).await;
            client.write_all(b"body").await.unwrap();
        };
        let (_, body) = tokio::join!(writing, async { read_some(&mut stream).await.unwrap() });
        assert_eq!(body, b"body");
        stream.get_proxy_digest().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn deadline_of_one_request_does_not_hold_for_the_next() {
    let (mut client, mut stream) = connected(b"GET", false);
    read_some(&mut stream).await.unwrap();
    client.write_all(b" / HTTP/1.1\r\n\r\n").await.unwrap();
    read_some(&mut stream).await.unwrap();
    assert!(stream.deadline.is_some());
    stream.facts.arrive();
    stream.get_proxy_digest().unwrap();

    advance(LIMIT * 2).await;
    for part in [b"GET / HTTP/1.1\r\n", b"\r\n".as_slice()] {
        client.write_all(part).await.unwrap();
        assert_eq!(read_some(&mut stream).await.unwrap(), part);
    }
}

#[tokio::test(start_paused = true)]
async fn http2_has_no_header_section_of_its_own() {
    let (client, mut stream) = connected(b"PRI", true);
    read_some(&mut stream).await.unwrap();
    let reading = tokio::spawn(async move { read_some(&mut stream).await });
    advance(LIMIT * 2).await;
    yield_now().await;
    assert!(!reading.is_finished());
    drop(client);
    assert!(reading.await.unwrap().unwrap().is_empty());
}

#[tokio::test]
async fn request_counts_as_arriving_from_its_first_byte_until_it_counts_for_itself() {
    let (mut client, mut stream) = connected(b"", false);
    let activity = stream.facts.activity.clone();
    let mut seen = vec![activity.arriving().now()];
    client.write_all(b"GET").await.unwrap();
    read_some(&mut stream).await.unwrap();
    seen.push(activity.arriving().now());
    stream.facts.arrive();
    seen.push(activity.arriving().now());
    stream.get_proxy_digest().unwrap();
    client.write_all(b"GET").await.unwrap();
    read_some(&mut stream).await.unwrap();
    seen.push(activity.arriving().now());
    drop(stream);
    seen.push(activity.arriving().now());

    assert_eq!(seen, [0, 1, 0, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn client_that_takes_nothing_is_given_up_in_time() {
    let (_client, mut stream) = connected(b"", false);
    // More than the client's end holds, less than is written at once.
    stream.write_all(&[b'a'; 2000]).await.unwrap();

    let flushed = timeout(LIMIT * 2, stream.flush()).await.unwrap();
    let given_up = Instant::now();
    let closed = timeout(LIMIT * 2, AsyncWriteExt::shutdown(&mut stream)).await.unwrap();

    assert_eq!(flushed.unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(closed.unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(given_up.elapsed(), Duration::ZERO, "it is given up once");
}

#[tokio::test(start_paused = true)]
async fn client_that_takes_its_time_gets_everything() {
    let (mut client, mut stream) = connected(b"", false);
    let sent = vec![b'a'; 20_000];
    let reading = tokio::spawn(async move {
        let (mut all, mut some) = (0, [0; 1024]);
        while let Ok(count @ 1..) = client.read(&mut some).await {
            all += count;
            sleep(LIMIT / 8).await;
        }
        all
    });

    stream.write_all(&sent).await.unwrap();
    stream.flush().await.unwrap();
    drop(stream);

    assert_eq!(reading.await.unwrap(), sent.len());
}
