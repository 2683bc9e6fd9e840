//! What arrives on a connection and is taken for a request can be read in one way only (RFC 9112), by rules written once
//! more here: where it ends, whom it is for, and which fields it has.
#![no_main]

use certbound::{
    headers::{IdentityHeaders, ReadNames},
    proxy::{
        inbound::{self, Arrival},
        interaction::Interaction,
        request_line::RequestLine,
    },
};
use http::HeaderName;
use libfuzzer_sys::{Corpus, fuzz_target};
use pingora::proxy::Session;
use tokio::{
    io::AsyncWriteExt,
    runtime::{Builder, Runtime},
};

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
}

fuzz_target!(|sent: &[u8]| -> Corpus {
    let line = was_repaired(&[sent]);
    assert!(
        sent.len() > 1 << 10 || line == was_repaired(&sent.chunks(1).collect::<Vec<_>>()),
        "it depends on the reads"
    );
    let Some(mut session) = RUNTIME.with(|runtime| runtime.block_on(read(sent))) else { return Corpus::Keep };
    let identity = IdentityHeaders::new(ReadNames::default(), []);
    let Arrival { form, .. } = inbound::arrive(&mut session, &identity, 4096);
    let interaction = Interaction::of(&session.req_header().headers);
    assert_eq!(interaction.value().to_str().map(str::to_ascii_lowercase).ok(), Some(interaction.id().to_string()));
    if line || form.is_err() {
        return Corpus::Keep;
    }
    assert_eq!(one_way(sent), Ok(()), "{}", sent.escape_ascii());
    let request = session.req_header();
    assert!(request.raw_path().starts_with(b"/"), "{}", sent.escape_ascii());
    let folded = |name: &HeaderName| name.as_str().replace(['_', '.'], "-");
    assert!(request.headers.keys().all(|name| folded(name) != "x-ssl-client-cert"), "{}", sent.escape_ascii());
    let _ = inbound::path(request);
    Corpus::Keep
});

/// As Pingora reads it.
async fn read(sent: &[u8]) -> Option<Session> {
    let (mut client, server) = tokio::io::duplex(sent.len().max(1));
    client.write_all(sent).await.ok()?;
    drop(client);
    let mut session = Session::new_h1(Box::new(server));
    session.as_downstream_mut().read_request().await.ok()?.then_some(session)
}

fn was_repaired(reads: &[&[u8]]) -> bool {
    let line = RequestLine::default();
    reads.iter().for_each(|read| line.see(read));
    line.was_repaired()
}

/// Whether the header section is one that no two readers could take apart differently.
fn one_way(sent: &[u8]) -> Result<(), &'static str> {
    let begin = sent.iter().position(|byte| !b"\r\n".contains(byte)).ok_or("nothing was sent")?;
    let end = sent.windows(4).skip(begin).position(|window| window == b"\r\n\r\n").ok_or("the section has no end")?;
    let section = &sent[begin..begin + end];
    if section.split(|byte| *byte == b'\n').rev().skip(1).any(|line| line.last() != Some(&b'\r')) {
        return Err("a line ends without CR");
    }
    let mut lines = section.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let line = lines.next().unwrap_or_default();
    if line.iter().filter(|byte| **byte == b' ').count() != 2 || line.iter().any(|byte| !(b' '..=b'~').contains(byte)) {
        return Err("the request line is not of three words");
    }
    let mut fields = Vec::new();
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':').ok_or("a line is no field")?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.is_empty() || !name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
        {
            return Err("a field has no name");
        }
        if value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return Err("a value holds a control byte");
        }
        fields.push((name.to_ascii_lowercase(), value));
    }
    framed(&fields, line.ends_with(b" HTTP/1.0"))
}

fn framed(fields: &[(Vec<u8>, &[u8])], is_old: bool) -> Result<(), &'static str> {
    let values = |name: &str| {
        fields.iter().filter(|(sent, _)| sent == name.as_bytes()).map(|(_, value)| *value).collect::<Vec<_>>()
    };
    let (lengths, codings, hosts) = (values("content-length"), values("transfer-encoding"), values("host"));
    if !lengths.is_empty() && !codings.is_empty() || lengths.len() > 1 || codings.len() > 1 {
        return Err("the body has two ends");
    }
    if lengths.iter().any(|length| length.is_empty() || !length.iter().all(u8::is_ascii_digit)) {
        return Err("the length is no number");
    }
    if codings.iter().any(|coding| !coding.eq_ignore_ascii_case(b"chunked")) {
        return Err("the coding is not `chunked`");
    }
    if hosts.len() > 1 || hosts.is_empty() && !is_old {
        return Err("there is not one host");
    }
    let of_host = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(byte);
    if !hosts.iter().all(|host| host.iter().all(of_host)) {
        return Err("the host is none");
    }
    let options = values("connection");
    let mut options = options.iter().flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    let known = ["close", "keep-alive", "upgrade", "te", "http2-settings", ""];
    match options.all(|option| known.iter().any(|known| option.eq_ignore_ascii_case(known.as_bytes()))) {
        true => Ok(()),
        false => Err("the connection takes a field away"),
    }
}
