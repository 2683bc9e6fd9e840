//! Bodies with their framing: right, nearly right, and wrong in the ways that smuggling lives on.

use crate::spoof::chance::Chance;

/// The fields that frame a body, and all that comes after the header section.
pub(super) struct Framed {
    pub(super) fields: String,
    pub(super) rest: Vec<u8>,
}

/// A body that is framed as RFC 9112 has it. `fake`: a request that would pass, were it one.
pub(super) fn sound(chance: &mut Chance, fake: &[u8]) -> Framed {
    let body = content(chance, fake);
    if chance.below(2) == 0 {
        return Framed { fields: format!("Content-Length: {}\r\n", body.len()), rest: body };
    }
    let mut rest = Vec::new();
    let mut left = body.as_slice();
    while !left.is_empty() {
        let (now, later) = left.split_at(1 + chance.below(left.len()));
        left = later;
        chunk(&size(now.len(), chance), &extension(chance), now, &mut rest);
    }
    let last = chance.of(&["0", "0", "0", "00", "000000"]);
    rest.extend_from_slice(format!("{last}{}\r\n", extension(chance)).as_bytes());
    for _ in 0..chance.of(&[0, 0, 0, 1, 3]) {
        let long = "a".repeat(chance.of(&[0, 10, 5000, 20_000]));
        let value = chance.of(&["v", "GET /accounts/x HTTP/1.1", "", "X: y"]);
        rest.extend_from_slice(format!("X-T: {value}{long}\r\n").as_bytes());
    }
    rest.extend_from_slice(b"\r\n");
    let coding = chance.of(&["chunked", "chunked", "Chunked", "\tchunked "]);
    Framed { fields: format!("Transfer-Encoding: {coding}\r\n"), rest }
}

/// A body of which the length is in doubt, is not the one that was meant, or comes to no end.
pub(super) fn unsound(chance: &mut Chance, fake: &[u8]) -> Framed {
    match chance.below(10) {
        0 | 1 => of_a_length(chance, fake),
        2 => of_codings(chance, fake),
        _ => Framed { fields: "Transfer-Encoding: chunked\r\n".to_owned(), rest: of_chunks(chance, fake) },
    }
}

fn content(chance: &mut Chance, fake: &[u8]) -> Vec<u8> {
    match chance.below(8) {
        0 => Vec::new(),
        1 | 2 => fake.to_vec(),
        3 => [b"\r\n0\r\n\r\n", fake].concat(),
        4 => [fake, fake].concat(),
        5 => fake.iter().copied().cycle().take(1 + chance.below(70_000)).collect(),
        6 => vec![b'\n'; chance.below(40)],
        _ => b"hello".to_vec(),
    }
}

fn of_a_length(chance: &mut Chance, fake: &[u8]) -> Framed {
    let body = content(chance, fake);
    let length = body.len();
    let less = length.saturating_sub(1 + chance.below(10));
    let more = length + 1 + chance.below(400);
    let fields = match chance.below(16) {
        0 => format!("Content-Length: {less}\r\n"),
        1 | 2 => format!("Content-Length: {more}\r\n"),
        3 => format!("Content-Length: +{length}\r\n"),
        4 => format!("Content-Length: {length}, {length}\r\n"),
        5 => format!("Content-Length: {length}\r\nContent-Length: {length}\r\n"),
        6 => format!("Content-Length: {length}\r\nContent-Length: {less}\r\n"),
        7 => "Content-Length: \r\n".to_owned(),
        8 => format!("Content-Length: 0x{length:x}\r\n"),
        9 => format!("Content-Length: 000{length}\r\n"),
        10 => "Content-Length: 18446744073709551616\r\n".to_owned(),
        11 => "Content-Length: 18446744073709551615\r\n".to_owned(),
        12 => format!("Content-Length: {length} {length}\r\n"),
        13 => format!("Content-Length : {length}\r\n"),
        14 => format!("Content-Length:\r\n {length}\r\n"),
        _ => "Content-Length: -1\r\n".to_owned(),
    };
    Framed { fields, rest: body }
}

fn of_codings(chance: &mut Chance, fake: &[u8]) -> Framed {
    let coding = chance.of(&[
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: chunked;q=1",
        "Transfer-Encoding: chunked\x0b",
        "Transfer-Encoding: ",
        "Transfer-Encoding: ,chunked",
        "Transfer-Encoding : chunked",
        "X: y\r\n Transfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "X: y\nTransfer-Encoding: chunked",
        "X: y\rTransfer-Encoding: chunked",
        "Transfer_Encoding: chunked",
    ]);
    Framed { fields: format!("{coding}\r\n"), rest: [b"0\r\n\r\n", fake].concat() }
}

/// Some chunks that are as they should be, then a fault, then a request, and maybe an end.
fn of_chunks(chance: &mut Chance, fake: &[u8]) -> Vec<u8> {
    let mut sent = Vec::new();
    for _ in 0..chance.below(3) {
        let piece = vec![b'b'; chance.of(&[1, 2, 300, 9000, 33_000])];
        chunk(&size(piece.len(), chance), &extension(chance), &piece, &mut sent);
    }
    match chance.below(4) {
        0 => sent.extend(fault_of_size(chance)),
        1 => sent.extend(fault_of_extension(chance, fake)),
        2 => sent.extend(fault_of_data(chance)),
        _ => sent.extend(fault_of_trailer(chance, fake)),
    }
    if chance.below(3) > 0 {
        sent.extend_from_slice(fake);
    }
    if chance.below(3) == 0 {
        sent.extend_from_slice(b"\r\n0\r\n\r\n");
    }
    if chance.below(12) == 0 {
        sent.truncate(chance.below(sent.len() + 1));
    }
    sent
}

fn fault_of_size(chance: &mut Chance) -> Vec<u8> {
    let line: &[u8] = chance.of(&[
        b"zz\r\n",
        b"-1\r\n",
        b"+5\r\n",
        b"0x5\r\n",
        b" 5\r\n",
        b"5 \r\n",
        b"5\t;a\r\n",
        b"5 5\r\n",
        b"\r\n",
        b" \r\n",
        b";a\r\n",
        b"5,\r\n",
        b"5\n",
        b"5\r",
        b"5\r\r\n",
        b"5\0\r\n",
        b"0\n\n",
        b"0\r\n\n",
        b"0\n\r\n",
        b"0 \r\n\r\n",
        b"0\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"ffffffffffffffff\r\n",
        b"fffffffffffffffff\r\n",
        b"7fffffffffffffff\r\n",
        b"fffffffffffffffe\r\n",
        b"10000000000000005\r\n",
        b"00000000000000005\r\n",
        b"0000000000000000000000000005\r\n",
        b"ffffffff\r\n",
        b"0000000000000000\r\n\r\n",
        b"00000000000000000\r\n\r\n",
    ]);
    line.to_vec()
}

fn fault_of_extension(chance: &mut Chance, fake: &[u8]) -> Vec<u8> {
    let long = "a".repeat(chance.of(&[1, 8000, 8185, 8192, 9000, 70_000]));
    match chance.below(8) {
        0 => b"5;\n\r\nhello\r\n".to_vec(),
        1 => [b"5;\n", fake, b"hello\r\n0\r\n\r\n"].concat(),
        2 => b"5;a\rb\r\nhello\r\n".to_vec(),
        3 => b"5;\0\x80\r\nhello\r\n".to_vec(),
        4 => b"5;a=\"b\r\nhello\r\n".to_vec(),
        5 => b"5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n".to_vec(),
        6 => format!("5;a={long}\r\nhello\r\n").into_bytes(),
        _ => format!("0;{long}\n\r\n\r\n").into_bytes(),
    }
}

fn fault_of_data(chance: &mut Chance) -> Vec<u8> {
    let data: &[u8] = chance.of(&[
        b"5\r\nhello",
        b"5\r\nhello\n",
        b"5\r\nhello\r",
        b"5\r\nhelloo\r\n",
        b"5\r\nhell\r\n",
        b"5\r\nhel\r\n",
        b"5\r\nhello\r\n\r\n",
        b"5\r\nhello\n\n0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"2\r\n\r\n0\r\n\r\n",
        b"1\r\nab\r\n0\r\n\r\n",
    ]);
    data.to_vec()
}

fn fault_of_trailer(chance: &mut Chance, fake: &[u8]) -> Vec<u8> {
    let long = vec![b'a'; chance.of(&[10, 60_000, 65_526, 65_534, 65_540, 66_000, 69_548, 131_072, 200_000])];
    match chance.below(11) {
        0 => b"0\r\nX\r\n\r\n".to_vec(),
        1 => b"0\r\nX: y\n\r\n".to_vec(),
        2 => b"0\r\nX: y\r\n\n".to_vec(),
        3 => b"0\r\nX: y\rz\r\n\r\n".to_vec(),
        4 => b"0\r\n X: y\r\n\r\n".to_vec(),
        5 => b"0\r\n\rX: y\r\n\r\n".to_vec(),
        6 => [b"0\r\n", fake].concat(),
        7 => [b"0\r\nX: ", long.as_slice()].concat(),
        8 => [b"0\r\nX: ", long.as_slice(), b"\r\n\r\n"].concat(),
        9 => [b"0\r\nX: ", long.as_slice(), b"\r\n", fake].concat(),
        _ => b"0\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello".to_vec(),
    }
}

fn chunk(size: &str, extension: &str, data: &[u8], sent: &mut Vec<u8>) {
    sent.extend_from_slice(size.as_bytes());
    sent.extend_from_slice(extension.as_bytes());
    sent.extend_from_slice(b"\r\n");
    sent.extend_from_slice(data);
    sent.extend_from_slice(b"\r\n");
}

fn size(length: usize, chance: &mut Chance) -> String {
    match chance.below(5) {
        0 => format!("{length:X}"),
        1 => format!("000{length:x}"),
        2 => format!("{length:016x}"),
        _ => format!("{length:x}"),
    }
}

fn extension(chance: &mut Chance) -> String {
    match chance.below(12) {
        0 => ";a".to_owned(),
        1 => ";a=b;c".to_owned(),
        2 => r#";a="GET /accounts/x HTTP/1.1 ; \" \\ ""#.to_owned(),
        3 => " ;\ta = b ; c".to_owned(),
        4 => format!(";a={}", "b".repeat(chance.of(&[10, 1000, 8100]))),
        _ => String::new(),
    }
}
