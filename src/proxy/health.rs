//! The backend's own health check, asked on behalf of a probe that cannot reach the backend.

use std::time::Duration;

use http::{
    StatusCode,
    header::{CONNECTION, HOST},
};
use pingora::{
    Error, ErrorType,
    connectors::{ConnectorOptions, http::Connector},
    http::RequestHeader,
    server::configuration::ServerConf,
};
use tokio::time::timeout;

use crate::{
    config::settings::{Address, Backend},
    proxy::backend::BackendPeer,
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
        let host = match &backend.address {
            Address::Tcp(name) => name,
            Address::Unix(_) => "localhost",
        };
        request.insert_header(HOST, host)?;
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

    /// The backend's status; 502 when it cannot be reached, 504 when it does not answer in time.
    pub async fn ask(&self) -> StatusCode {
        match timeout(self.limit, self.get()).await {
            Ok(Ok(status)) => status,
            Ok(Err(error)) if matches!(error.etype(), ErrorType::ReadTimedout | ErrorType::ConnectTimedout) => {
                StatusCode::GATEWAY_TIMEOUT
            }
            Ok(Err(_)) => StatusCode::BAD_GATEWAY,
            Err(_) => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    async fn get(&self) -> pingora::Result<StatusCode> {
        let (peer, _) = self.peer.choose(0).await?;
        let (mut session, _) = self.connector.get_http_session(&*peer).await?;
        session.write_request_header(Box::new(self.request.clone())).await?;
        session.finish_request_body().await?;
        session.read_response_header().await?;
        let status = session.response_header().map(|head| head.status).filter(|status| !status.is_informational());
        session.shutdown().await;
        status.ok_or_else(|| Error::new(ErrorType::InvalidHTTPHeader))
    }
}
