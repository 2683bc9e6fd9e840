//! What an opaque token costs: known, and asked about for the first time.

use std::{
    cell::Cell,
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use super::{
    BARE, UNCHECKED,
    issuer::Algorithm::Es256,
    leg::{Extent, Leg},
    proxy::NO_REVOCATION,
    report::Report,
    stage::Stage,
    traffic::Requests,
};

/// Bare Pingora, a JWT, one opaque token again and again, and a new opaque token with each request. The certificate is known
/// in all of them.
pub(crate) fn measure(extent: Extent) {
    let stage = Stage::set();
    fs::write(stage.folder.path().join("rs-secret"), "a secret of the resource server").expect("a secret");
    let mut claims = stage.client.claims(0);
    claims["active"] = true.into();
    let server = authorization_server(&claims.to_string());
    let introspection = format!(
        "introspection = {{ endpoint = \"http://{server}/introspect\", client_id = \"rs\", \
         client_secret_file = \"rs-secret\", cache_ttl = \"1h\" }}\n{NO_REVOCATION}"
    );
    let number = Cell::new(0_u64);
    let request = |number: u64| stage.client.request(&format!("opaque-{number:016}ghijklmnopqrstuv"));
    let new = Requests::New(Box::new(|| {
        number.set(number.get() + 1);
        request(number.get())
    }));
    let mut legs = vec![Leg::new(UNCHECKED, BARE, stage.bare(), stage.known(Es256))];
    for (name, requests) in
        [("JWT, known", stage.known(Es256)), ("opaque, known", Requests::Same(request(0))), ("opaque, new", new)]
    {
        legs.push(Leg::new("certbound", name, stage.certbound(&legs.len().to_string(), &introspection), requests));
    }
    super::measure(&mut legs, &stage.cores, extent);
    println!("{}", Report::new(&stage, &legs, extent).text());
}

/// Says the same of every token, on kept connections.
fn authorization_server(answer: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the authorization server");
    let address = listener.local_addr().expect("its address");
    let length = answer.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
    let answer: Arc<str> = (head + answer).into();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || serve(stream, &answer));
        }
    });
    address
}

/// A question ends with its token, which every question has in its body.
fn serve(mut stream: TcpStream, answer: &str) {
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        buffer.extend_from_slice(&chunk[..read]);
        let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if buffer.len() < end + 4 + length.unwrap_or(0) {
            continue;
        }
        buffer.clear();
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
