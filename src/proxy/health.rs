//! The backend's own health check, asked on behalf of a probe that cannot reach the backend.

use std::time::Duration;

use http::{
    StatusCode,
    header::{CONNECTION, HOST},
};
use pingora::{
    connectors::{ConnectorOptions, http::Connector},
    http::RequestHeader,
    server::configuration::ServerConf,
};
use tokio::time::timeout;

use crate::{
    config::settings::Backend,
    denial::Denial,
    proxy::backend::{self, BackendPeer, final_header},
};

/// Asks the backend's health check, on a connection of its own each time.
pub struct Health {
    peer: BackendPeer,
    connector: Connector,
    request: RequestHeader,
    limit: Duration,
}

impl Health {
    /// None where the backend has no health check.
    ///
    /// # Errors
    /// What Pingora cannot use of the backend's address or path.
    pub fn of(backend: &Backend, conf: &ServerConf) -> pingora::Result<Option<Self>> {
        let Some(path) = &backend.health else { return Ok(None) };
        let mut request = RequestHeader::build("GET", path.as_bytes(), None)?;
        request.insert_header(HOST, backend.address.authority())?;
        if !backend.http2 {
            request.insert_header(CONNECTION, "close")?;
        }
        Ok(Some(Self {
            peer: BackendPeer::new(backend)?,
            connector: Connector::new(Some(ConnectorOptions::from_server_conf(conf))),
            request,
            limit: backend.connect_timeout.saturating_add(backend.response_timeout),
        }))
    }

    /// The backend's status, or that of the refusal which a request gets where it has none.
    pub async fn ask(&self) -> StatusCode {
        let answer = timeout(self.limit, self.get()).await;
        let status = answer.map_or(Err(Denial::BackendTimeout), |got| got.map_err(|error| backend::denial(&error)));
        status.unwrap_or_else(|denial| StatusCode::from_u16(denial.row().status).unwrap_or(StatusCode::BAD_GATEWAY))
    }

    async fn get(&self) -> pingora::Result<StatusCode> {
        let mut session = self.peer.connect(&self.connector).await?;
        session.write_request_header(Box::new(self.request.clone())).await?;
        session.finish_request_body().await?;
        let status = final_header(&mut session).await?.status;
        session.shutdown().await;
        Ok(status)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn backend(address: &str, response_timeout: Duration) -> Backend {
        Backend {
            address: address.into(),
            tls: None,
            http2: false,
            connect_timeout: LONG,
            response_timeout,
            max_body_bytes: 0,
            certificate: None,
            forward_authorization: true,
            headers: Vec::new(),
            health: Some("/health?deep=1".to_owned()),
        }
    }

    fn health(backend: &Backend) -> Option<Health> {
        let conf = ServerConf { ca_file: Some("/dev/null".into()), ..ServerConf::default() };
        Health::of(backend, &conf).unwrap()
    }

    /// What the probe is told, and what the backend was asked, when the backend answers `answer` or keeps silent.
    async fn probe(answer: Option<&'static str>, response_timeout: Duration) -> (u16, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let health = health(&backend(&listener.local_addr().unwrap().to_string(), response_timeout)).unwrap();
        let asked = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                socket.read_buf(&mut asked).await.unwrap();
            }
            if let Some(answer) = answer {
                socket.write_all(answer.as_bytes()).await.unwrap();
            }
            // Until the probe hangs up.
            let _ = socket.read_to_end(&mut Vec::new()).await;
            String::from_utf8(asked).unwrap().to_lowercase()
        });
        let status = health.ask().await.as_u16();
        (status, asked.await.unwrap())
    }

    #[tokio::test]
    async fn status_of_the_backend_is_passed_on() {
        for (answer, expected) in [
            ("HTTP/1.1 204 No Content\r\n\r\n", 204),
            ("HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n", 503),
            ("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 200),
            ("HTTP/1.1 101 Switching Protocols\r\n\r\n", 502),
            ("nonsense\r\n\r\n", 502),
        ] {
            let (status, asked) = probe(Some(answer), LONG).await;
            assert_eq!(status, expected, "{answer}");
            assert!(asked.starts_with("get /health?deep=1 http/1.1\r\n"), "{asked}");
            assert!(asked.contains("\r\nhost: 127.0.0.1:"), "{asked}");
        }
    }

    #[tokio::test]
    async fn backend_that_does_not_answer_is_a_gateway_timeout() {
        assert_eq!(probe(None, Duration::from_millis(20)).await.0, 504);
    }

    #[tokio::test]
    async fn backend_that_is_not_there_is_a_bad_gateway() {
        let nobody = {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            listener.local_addr().unwrap().to_string()
        };
        assert_eq!(health(&backend(&nobody, LONG)).unwrap().ask().await, StatusCode::BAD_GATEWAY);
    }

    #[test]
    fn backend_without_a_health_check_is_not_asked() {
        let silent = Backend { health: None, ..backend("127.0.0.1:1", LONG) };
        assert!(health(&silent).is_none());
    }
}
