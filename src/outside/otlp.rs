//! Sends spans to a collector, by OTLP over gRPC: one unary call a batch.
//!
//! Written here because it is one message in one direction: HTTP/2 is in the program already, and the client libraries would
//! bring a second stack on top of it, with runtime, router, and random numbers of their own.

mod message;

use std::{pin::pin, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header::CONTENT_TYPE, uri::PathAndQuery};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use prometheus_client::metrics::counter::Counter;
use tokio::{
    sync::mpsc::Receiver,
    time::{sleep, timeout},
};

use crate::{
    config::settings::{Address, Tracing},
    observe::{
        Spans,
        trace::{Ended, span::Server},
    },
    outside::http::{AGENT, Connector, FetchError, client_config, reasons},
};

/// Takes finished requests from a queue to the collector.
pub struct Exporter {
    queue: Receiver<Ended>,
    collector: Collector,
    server: Server,
    instance: String,
    lost: Counter,
}

struct Collector {
    client: Client<HttpsConnector<Connector>, Full<Bytes>>,
    call: Uri,
}

/// Why a batch did not arrive. Holds nothing that the collector said but numbers.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("the request cannot be written: {0}")]
    Request(#[from] http::Error),
    #[error("no answer: {0}")]
    NoAnswer(String),
    #[error("no whole answer within {CALL:?}")]
    TimedOut,
    #[error("the answer has status {}, only 200 counts", .0.as_u16())]
    Status(StatusCode),
    #[error("the collector refuses with gRPC status {0}")]
    Refused(u16),
    #[error("the answer has no gRPC status")]
    Unsaid,
}

impl Exporter {
    /// A queue, and what takes spans out of it. `backend`: as spans name it. What does not arrive counts in `lost`.
    ///
    /// # Errors
    /// The authorities for https, or the endpoint, cannot be used.
    pub fn new(tracing: &Tracing, backend: &Address, lost: Counter) -> Result<(Spans, Self), FetchError> {
        let (spans, queue) = Spans::queue(tracing.sample_percent, lost.clone());
        let collector = Collector::new(tracing)?;
        let instance = uuid::Uuid::new_v4().to_string();
        Ok((spans, Self { queue, collector, server: server(backend), instance, lost }))
    }

    /// Exports until `told`, and then what is left.
    pub async fn run(mut self, told: impl Future<Output = ()>) {
        let mut told = pin!(told);
        let mut ending = false;
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                biased;
                () = &mut told, if !ending => {
                    ending = true;
                    // What is in it can still be read.
                    self.queue.close();
                }
                read = self.queue.recv_many(&mut batch, BATCH) => if read == 0 { return },
            }
            if !ending && batch.len() < BATCH {
                tokio::select! {
                    () = sleep(LINGER) => {}
                    () = &mut told => {
                        ending = true;
                        self.queue.close();
                    }
                }
                while batch.len() < BATCH
                    && let Ok(more) = self.queue.try_recv()
                {
                    batch.push(more);
                }
            }
            self.export(&batch).await;
        }
    }

    /// Sends a batch, three times at most where time may help.
    async fn export(&self, batch: &[Ended]) {
        if batch.is_empty() {
            return;
        }
        let spans: Vec<_> = batch.iter().flat_map(|ended| ended.spans(&self.server)).collect();
        let message = message::request(&spans, &self.instance);
        let mut sent = self.collector.send(message.clone()).await;
        for pause in PAUSES {
            let Err(error) = &sent else { return };
            if !error.may_heal() {
                break;
            }
            sleep(pause).await;
            sent = self.collector.send(message.clone()).await;
        }
        if let Err(error) = sent {
            self.lost.inc_by(batch.len() as u64);
            tracing::warn!(event = "spans_not_exported", requests = batch.len(), error = %error, "spans are lost");
        }
    }
}

impl Collector {
    fn new(tracing: &Tracing) -> Result<Self, FetchError> {
        let tls = client_config(tracing.authorities.as_deref())?;
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http2();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .http2_only(true)
            .build(connector.wrap_connector(Connector::Anywhere));
        let mut call = tracing.endpoint.clone().into_parts();
        call.path_and_query = Some(PathAndQuery::from_static(EXPORT));
        let call = Uri::from_parts(call).map_err(|error| FetchError::Request(error.into()))?;
        Ok(Self { client, call })
    }

    /// One call.
    ///
    /// What the answer says of spans that the collector took and threw away is not read.
    async fn send(&self, message: Bytes) -> Result<(), ExportError> {
        let request = Request::post(self.call.clone())
            .header(CONTENT_TYPE, "application/grpc")
            // A server that speaks gRPC may refuse whoever does not expect trailers.
            .header(http::header::TE, "trailers")
            .header(http::header::USER_AGENT, AGENT)
            .body(Full::new(message))?;
        timeout(CALL, self.exchange(request)).await.unwrap_or(Err(ExportError::TimedOut))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<(), ExportError> {
        let no_answer = |error: &(dyn std::error::Error + 'static)| ExportError::NoAnswer(reasons(error));
        let answer = self.client.request(request).await.map_err(|error| no_answer(&error))?;
        let (head, body) = answer.into_parts();
        if head.status != StatusCode::OK {
            return Err(ExportError::Status(head.status));
        }
        let body = Limited::new(body, MOST_ANSWER).collect().await.map_err(|error| no_answer(error.as_ref()))?;
        // An answer that is nothing but a status has it in its only header section.
        let status = body.trailers().and_then(status).or_else(|| status(&head.headers)).ok_or(ExportError::Unsaid)?;
        if status == 0 { Ok(()) } else { Err(ExportError::Refused(status)) }
    }
}

impl ExportError {
    /// Whether the same call may succeed later, as OTLP has it.
    fn may_heal(&self) -> bool {
        match self {
            Self::NoAnswer(_) | Self::TimedOut => true,
            Self::Status(status) => matches!(status.as_u16(), 429 | 502 | 503 | 504),
            Self::Refused(status) => matches!(status, 1 | 4 | 8 | 10 | 11 | 14 | 15),
            Self::Request(_) | Self::Unsaid => false,
        }
    }
}

fn status(fields: &HeaderMap) -> Option<u16> {
    fields.get("grpc-status").and_then(|status: &HeaderValue| status.to_str().ok()?.parse().ok())
}

fn server(backend: &Address) -> Server {
    match backend {
        Address::Unix(path) => Server { address: path.display().to_string(), port: None },
        Address::Tcp { host, port } => Server { address: host.clone(), port: Some(*port) },
    }
}

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// Requests in one call.
const BATCH: usize = 512;
/// In which a batch comes together.
const LINGER: Duration = Duration::from_secs(1);
/// For one call.
const CALL: Duration = Duration::from_secs(10);
/// Between calls with the same batch. Meanwhile the queue fills, and bounds what is kept.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];
const MOST_ANSWER: usize = 64 * 1024;
