//! The export of spans, where it is built in and configured.

use std::io;

use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use crate::{
    config::Settings,
    observe::{Metrics, Spans},
};

/// The task that sends spans to the collector.
pub struct Export {
    told: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Export {
    /// Where spans go, and the task that sends them; none where nothing is configured.
    ///
    /// # Errors
    /// The authorities for https cannot be used.
    #[cfg(feature = "otel")]
    pub fn start(settings: &Settings, metrics: &Metrics) -> io::Result<Option<(Spans, Self)>> {
        use crate::outside::otlp::Exporter;

        let Some(tracing) = &settings.tracing else { return Ok(None) };
        let exporter = Exporter::new(tracing, &settings.backend.address, metrics.lost_spans());
        let (spans, exporter) = exporter.map_err(io::Error::other)?;
        let (told, heard) = oneshot::channel();
        let task = tokio::spawn(exporter.run(async {
            // Whoever drops the other end has come to an end too.
            let _ = heard.await;
        }));
        Ok(Some((spans, Self { told, task })))
    }

    /// None: this build sends nothing, and the configuration refuses an endpoint.
    ///
    /// # Errors
    /// Never.
    #[cfg(not(feature = "otel"))]
    pub fn start(_: &Settings, _: &Metrics) -> io::Result<Option<(Spans, Self)>> {
        Ok(None)
    }

    /// Sends what is left. What is not sent by `deadline` is lost.
    pub async fn finish(self, deadline: Instant) {
        let _ = self.told.send(());
        let _ = timeout_at(deadline, self.task).await;
    }
}
