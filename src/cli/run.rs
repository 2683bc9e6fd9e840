//! `certbound run`: serves until it is told to end.

use std::{io, process::ExitCode, sync::Arc, time::Duration};

use clap::Args;
use nix::sys::{
    resource::{Resource, getrlimit, setrlimit},
    signal::Signal::SIGXFSZ,
};
use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
};

use crate::{
    cli::{Configuration, failure},
    config::{Settings, Supplies},
    observe,
    proxy::{
        World,
        serve::{Ended, Server},
    },
};

/// Serve
///
/// SIGTERM, SIGINT, and SIGQUIT end it: no new connection is taken, requests under way have `drain_timeout` to finish; a second one cuts them off.
/// SIGHUP and SIGUSR1 have the configuration and its files read anew, as does a change of them within 5 s; at any fault the old one stays.
/// The exit code is 0 when all have, 1 when some were cut off or something else failed, and 2 for a bad configuration.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  certbound run --config /etc/certbound/proxy.toml")]
pub(super) struct Run {
    #[command(flatten)]
    configuration: Configuration,
}

impl Run {
    pub(super) fn execute(&self) -> ExitCode {
        let (settings, supplies, warnings) = match self.configuration.load() {
            Ok(loaded) => loaded,
            Err(code) => return code,
        };
        observe::log::install(&settings.log);
        for warning in &warnings {
            tracing::warn!(event = "configuration", "{}", warning.0);
        }
        allow_descriptors(settings.listen.max_connections);
        let served = serve(settings, supplies);
        observe::log::flush();
        match served {
            Ok(Ended::Finished) => ExitCode::SUCCESS,
            Ok(Ended::Cut) => failure("requests were cut off after drain_timeout"),
            Ok(Ended::CutAtOnce) => failure("requests were cut off by a second signal"),
            Err(error) => failure(error),
        }
    }
}

/// Has as many files open as the process may have: what a shell or systemd allows at first is a thousand, which is kept for
/// programs that certbound is none of. Says so where even that is too few for the connections on either side.
fn allow_descriptors(connections: usize) {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let allowed = if soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() { hard } else { soft };
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_mul(2);
    if allowed < wanted {
        tracing::warn!(
            event = "descriptors_few",
            allowed,
            wanted,
            "max_connections needs more open files than allowed"
        );
    }
}

fn serve(settings: Settings, supplies: Supplies) -> io::Result<Ended> {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(settings.listen.threads)
        .thread_name("certbound")
        .enable_all()
        .build()?;
    let (ended, world) = runtime.block_on(until_told(settings, supplies))?;
    // Ends what was cut off, so that its last words are in the audit log before that is closed.
    runtime.shutdown_timeout(LAST_MOMENT);
    world.audit.close();
    Ok(ended)
}

async fn until_told(settings: Settings, supplies: Supplies) -> io::Result<(Ended, Arc<World>)> {
    // Before the first socket: whoever starts certbound may tell it to end as soon as it listens.
    let mut signals = Signals::listen()?;
    let server = Server::start(settings, supplies).await?;
    let world = Arc::clone(server.world());
    signals.reload = Some(server.reload());
    let ended = server.run(async || {
        let name = signals.end().await;
        tracing::info!(event = "ending", signal = name);
    });
    Ok((ended.await, world))
}

/// What the operating system tells the process.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hang_up: Signal,
    user1: Signal,
    user2: Signal,
    /// Only that it does not end the process: a log that may not grow says so to whoever writes to it.
    _file_size: Signal,
    reload: Option<Arc<Notify>>,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hang_up: signal(SignalKind::hangup())?,
            user1: signal(SignalKind::user_defined1())?,
            user2: signal(SignalKind::user_defined2())?,
            _file_size: signal(SignalKind::from_raw(SIGXFSZ as i32))?,
            reload: None,
        })
    }

    /// Waits to be told to end, and says how. Meanwhile SIGHUP has the configuration read anew, and so has SIGUSR1, by
    /// which many tell a server that its log was moved away.
    async fn end(&mut self) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.quit.recv() => return "SIGQUIT",
                _ = self.hang_up.recv() => self.reload(),
                _ = self.user1.recv() => self.reload(),
                // It would end the process if nobody listened.
                _ = self.user2.recv() => tracing::debug!(event = "signal_ignored", signal = "SIGUSR2"),
            }
        }
    }

    fn reload(&self) {
        if let Some(reload) = &self.reload {
            reload.notify_one();
        }
    }
}

const LAST_MOMENT: Duration = Duration::from_secs(1);
