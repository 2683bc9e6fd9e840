//! One process from its first bound socket to its last answer.

use std::{io, sync::Arc, time::Duration};

use pingora::{
    apps::HttpServerOptions,
    protocols::http::v2::server::{H2Options, default_h2_options},
    proxy::HttpProxy,
    server::configuration::ServerConf,
    tls::{RootCertStore, load_platform_certs_incl_env_into_store},
};
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
    time::{Instant, timeout, timeout_at},
};

use crate::{
    config::{
        Settings, Supplies,
        settings::{Address, Backend, Listen, StatusPage},
    },
    observe::{AuditLog, Metrics, expiry, log::LISTENING},
    proxy::{
        World,
        admin::Admin,
        exposure::Exposure,
        generation::Generation,
        health::Health,
        listen::{Handshake, Reception, Socket, Unread},
        pages,
        reload::Reloader,
        service::Sidecar,
        status::{Listener, Status},
        telemetry::Export,
        unread,
    },
};

/// A process whose listeners are bound and which answers probes, but takes no request yet.
pub struct Server {
    world: Arc<World>,
    data: Socket,
    reception: Reception,
    proxy: Arc<HttpProxy<Sidecar>>,
    /// Admin and status listeners, expiry, reloads, and whether the API answers past us: until the process ends.
    background: JoinSet<()>,
    reload: Arc<Notify>,
    export: Option<Export>,
}

/// How requests under way ended when the process was told to end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// Every one was answered.
    Finished,
    /// Some were cut off after `drain_timeout`.
    Cut,
    /// Some were cut off before, because nobody wanted to wait.
    CutAtOnce,
}

impl Server {
    /// Binds every listener and begins to fetch keys.
    ///
    /// # Errors
    /// In words for the operator: a port in use, an audit file that cannot be opened, and the like.
    pub async fn start(settings: Settings, supplies: Supplies) -> io::Result<Self> {
        let metrics = Arc::new(Metrics::new());
        let audit = AuditLog::open(&settings.audit)?;
        let anchors = settings.gate.certificates.truststore().anchors();
        metrics.configuration.taken(anchors, settings.own_certificates(), false);
        let generation = Generation::first(settings, supplies, &metrics)?;
        let (spans, export) = Export::start(&generation.settings, &metrics)?.unzip();
        let world = Arc::new(World::new(generation, metrics, audit, spans));
        let Settings { listen, backend, admin, status, .. } = &world.generation().settings;

        // First the listener that says what is still missing.
        let admin_socket = bind("admin", admin).await?;
        let data = bind("data", &listen.address).await?;
        let status_socket = match status {
            Some(status) => bind_status(status).await?,
            None => None,
        };
        world.activity.start();
        let sockets = [("data", Some(&data)), ("admin", Some(&admin_socket)), ("status", status_socket.as_ref())];
        let listeners = Listener::all(sockets);

        let conf = Arc::new(server_conf(listen, backend)?);
        let health = Health::of(backend, &conf).map_err(io::Error::other)?;
        let handshake = Arc::new(Handshake::new(listen).map_err(io::Error::other)?);
        let reload = Arc::new(Notify::new());
        let reloader = Reloader::new(Arc::clone(&world), Arc::clone(&handshake), Arc::clone(&reload));
        let mut background = JoinSet::new();
        background.spawn(pages::serve(Admin::new(Arc::clone(&world), health), admin_socket));
        if let Some(socket) = status_socket {
            let status = Status::new(Arc::clone(&world), listeners, socket.is_port());
            background.spawn(pages::serve(status, socket));
        }
        background.spawn(watch_expiry(Arc::clone(&world)));
        background.spawn(reloader.run());
        match Exposure::of(&world) {
            Some(exposure) => drop(background.spawn(exposure.watch())),
            None => world.metrics.backend_exposed(Some(false)),
        }
        let reception = reception(&world, listen, handshake);
        let proxy = Arc::new(proxy(&world, conf)?);
        Ok(Self { data, reception, proxy, background, reload, export, world })
    }

    /// Whoever notifies it has the configuration read anew.
    pub fn reload(&self) -> Arc<Notify> {
        Arc::clone(&self.reload)
    }

    /// What requests share.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Serves until `told`, then waits for the requests under way, but not longer than `drain_timeout`. Whoever tells it
    /// twice does not want to wait.
    ///
    /// Connections without a request do not hold the end up, and one whose header section is under way does so for a second.
    pub async fn run(self, mut told: impl AsyncFnMut()) -> Ended {
        let activity = self.world.activity.clone();
        let (shutdown, heard) = watch::channel(false);
        let taking_in = tokio::spawn(self.reception.run(self.data, self.proxy, heard));
        told().await;
        activity.drain();
        // From here on Pingora ends each connection with the request that is under way. Idle ones are left as they are:
        // a balancer that sends another request on one is answered, and told that it was the last.
        shutdown.send_replace(true);
        let _ = taking_in.await;
        let mut until = Instant::now() + self.world.generation().settings.listen.drain_timeout;
        let arriving = timeout_at(until.min(Instant::now() + GOODBYE), activity.arriving().none());
        tracing::info!(event = "draining", requests = activity.requests().now());
        let drained = async {
            let _ = arriving.await;
            timeout_at(until, activity.requests().none()).await
        };
        let ended = tokio::select! {
            biased;
            drained = drained => drained.map_or(Ended::Cut, |()| Ended::Finished),
            () = told() => Ended::CutAtOnce,
        };
        if ended == Ended::Finished {
            // HTTP/2 answers may still be on their way from the request's task to the connection's.
            let _ = timeout(GOODBYE, activity.http2().none()).await;
        } else {
            until = Instant::now();
        }
        drop(self.background);
        if let Some(export) = self.export {
            export.finish(until.max(Instant::now() + GOODBYE)).await;
        }
        ended
    }
}

fn reception(world: &Arc<World>, listen: &Listen, handshake: Arc<Handshake>) -> Reception {
    let believing = Arc::clone(world);
    let believes = move |peer| believing.generation().settings.gate.peers.believes_proxy_header(peer);
    let lost = world.metrics.lost_connections();
    let refusing = Arc::clone(world);
    let unread = Unread::new(move |connection, too_large| unread::refuse(&refusing, connection, too_large));
    Reception::new(listen, handshake, world.activity.clone(), lost, Box::new(believes), unread)
}

async fn watch_expiry(world: Arc<World>) {
    let configured = || {
        let generation = world.generation();
        let anchors = generation.settings.gate.certificates.truststore().anchors();
        let own = generation.settings.own_certificates().map(|(key, end)| ("certificate", key.to_owned(), end));
        anchors.map(|(subject, end)| ("anchor", subject.to_owned(), end)).chain(own).collect()
    };
    expiry::watch(configured, &world.metrics).await;
}

async fn bind(listener: &'static str, address: &Address) -> io::Result<Socket> {
    let socket = Socket::bind(address).await?;
    tracing::info!(target: LISTENING, event = "listening", listener, address = %socket);
    Ok(socket)
}

/// None where another process has the address that nobody chose.
async fn bind_status(page: &StatusPage) -> io::Result<Option<Socket>> {
    match bind("status", &page.address).await {
        Err(error) if !page.chosen && error.kind() == io::ErrorKind::AddrInUse => {
            tracing::warn!(event = "status_not_served", error = %error, "the status page is not served");
            Ok(None)
        }
        bound => bound.map(Some),
    }
}

fn proxy(world: &Arc<World>, conf: Arc<ServerConf>) -> io::Result<HttpProxy<Sidecar>> {
    let generation = world.generation();
    let listen = &generation.settings.listen;
    let sidecar = Sidecar::new(Arc::clone(world), &conf).map_err(io::Error::other)?;
    let mut proxy = HttpProxy::new(sidecar, conf);
    let mut options = HttpServerOptions::default();
    options.h2_idle_timeout = Some(listen.idle_timeout);
    // So that CONNECT comes to the gate, which refuses it in our own words.
    options.allow_connect_method_proxying = true;
    proxy.server_options = Some(options);
    proxy.h2_options = Some(http2_options(listen));
    proxy.handle_init_modules();
    Ok(proxy)
}

/// Pingora's client side reads its options from the configuration of its server.
///
/// # Errors
/// The backend is to be held to the operating system's authorities, and there are none, as in an image from scratch.
fn server_conf(listen: &Listen, backend: &Backend) -> io::Result<ServerConf> {
    let mut conf = ServerConf { threads: listen.threads, ..ServerConf::default() };
    if backend.tls.as_ref().is_none_or(|tls| tls.authorities.is_some()) {
        // Otherwise every certificate of the operating system is loaded.
        conf.ca_file = Some("/dev/null".to_owned());
    } else {
        // Pingora loads them again, and panics over one that cannot be read.
        let mut authorities = RootCertStore::empty();
        let loaded = load_platform_certs_incl_env_into_store(&mut authorities);
        if loaded.is_err() || authorities.is_empty() {
            return Err(io::Error::other(NO_AUTHORITIES));
        }
    }
    Ok(conf)
}

/// What one connection may ask for at a time; what costs the server without being served, above all (CVE-2023-44487).
fn http2_options(listen: &Listen) -> H2Options {
    // Up to twice the limit the request is refused in our own words, and recorded; beyond, the library refuses it.
    let header_list = u32::try_from(listen.max_header_bytes.saturating_mul(2)).unwrap_or(u32::MAX);
    let mut options = default_h2_options();
    options
        .max_header_list_size(header_list)
        .max_concurrent_streams(MOST_STREAMS)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(STREAM_WINDOW * MOST_STREAMS)
        .max_concurrent_reset_streams(MOST_RESETS)
        .max_pending_accept_reset_streams(MOST_RESETS)
        .max_local_error_reset_streams(Some(MOST_LOCAL_ERRORS));
    options
}

const NO_AUTHORITIES: &str =
    "backend.tls: the operating system's authorities cannot be read; write ca_file, with those of the backend";
const MOST_STREAMS: u32 = 100;
/// What may come of one body before it is read. There is room for that of every stream: one that nobody reads yet must not
/// keep the others of its connection from sending theirs.
const STREAM_WINDOW: u32 = 65_535;
const MOST_RESETS: usize = 20;
/// Over the whole life of a connection, which a load balancer may share among its clients: what each of them does wrong counts
/// for all. What is under way is bounded by `max_requests`.
const MOST_LOCAL_ERRORS: usize = 10_000;
const GOODBYE: Duration = Duration::from_secs(1);
