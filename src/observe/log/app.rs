//! Application events, one line each.

use std::{fmt, io, io::Write, panic, sync::Arc, time::SystemTime};

use arc_swap::ArcSwap;
use serde::ser::{SerializeMap, Serializer};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    subscriber::Interest,
};
use tracing_subscriber::layer::{Context, Layer};

use crate::{
    config::settings::Log,
    observe::{log::LISTENING, timestamp::Timestamp},
};

/// What is serious enough to be written. Clones are one.
#[derive(Clone)]
pub(super) struct Threshold(Arc<ArcSwap<LevelFilter>>);

impl Threshold {
    fn new(log: &Log) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(level(log))))
    }

    fn now(&self) -> LevelFilter {
        **self.0.load()
    }

    /// From now on as `log` says.
    pub(super) fn set(&self, log: &Log) {
        self.0.store(Arc::new(level(log)));
        // Call sites remember whether they are heard.
        tracing::callsite::rebuild_interest_cache();
    }
}

/// The configuration knows five words, all of which parse.
fn level(log: &Log) -> LevelFilter {
    log.level.parse().unwrap_or(LevelFilter::INFO)
}

/// Turns events into lines.
pub(super) struct AppLog<Out> {
    level: Threshold,
    json: bool,
    colour: bool,
    out: Out,
}

impl<Out: Fn(Vec<u8>)> AppLog<Out> {
    /// `out` is given one whole line at a time, its line feed included; it must not wait.
    pub(super) fn new(log: &Log, colour: bool, out: Out) -> Self {
        Self { level: Threshold::new(log), json: log.json, colour, out }
    }

    /// Changes what is heard.
    pub(super) fn threshold(&self) -> Threshold {
        self.level.clone()
    }

    /// Dependencies write what they see: Pingora paths and queries, h2 headers with tokens, rustls certificates.
    /// None of that belongs in a log at any level, so of them only two modules are heard, whose warnings speak of
    /// sockets alone.
    fn wants(&self, level: Level, target: &str) -> bool {
        let ours = target.split("::").next() == Some(OURS);
        let speaks_of_sockets = || level <= Level::WARN && HARMLESS.iter().any(|module| target.starts_with(module));
        target == LISTENING || (level <= self.level.now() && (ours || speaks_of_sockets()))
    }
}

impl<S: Subscriber, Out: Fn(Vec<u8>) + 'static> Layer<S> for AppLog<Out> {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // Records of the `log` crate share a few call sites, so the target of each has to be looked at.
        if metadata.target() == FOREIGN {
            Interest::sometimes()
        } else if self.wants(*metadata.level(), metadata.target()) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.wants(*metadata.level(), metadata.target())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // Or what is heard at any level would not come so far.
        Some(self.level.now().max(LevelFilter::INFO))
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let target = fields.target.take().unwrap_or_else(|| event.metadata().target().to_owned());
        let mut line = Vec::new();
        let written = if self.json {
            fields.json(*event.metadata().level(), &target, &mut line)
        } else {
            fields.text(*event.metadata().level(), &target, self.colour, &mut line)
        };
        if written.is_ok() {
            line.push(b'\n');
            (self.out)(line);
        }
    }
}

/// The fields of one event.
#[derive(Default)]
struct Fields {
    message: Option<String>,
    /// Of a record of the `log` crate.
    target: Option<String>,
    named: Vec<(&'static str, serde_json::Value)>,
}

impl Fields {
    fn json(&self, level: Level, target: &str, line: &mut Vec<u8>) -> io::Result<()> {
        let mut serializer = serde_json::Serializer::new(line);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("log_type", "app")?;
        map.serialize_entry("time", &Timestamp(SystemTime::now()))?;
        map.serialize_entry("level", name(level))?;
        map.serialize_entry("target", target)?;
        if let Some(message) = &self.message {
            map.serialize_entry("message", message)?;
        }
        for (name, value) in &self.named {
            map.serialize_entry(name, value)?;
        }
        Ok(map.end()?)
    }

    fn text(&self, level: Level, target: &str, colour: bool, line: &mut Vec<u8>) -> io::Result<()> {
        let (paint, plain) = if colour { (paint(level), "\x1b[0m") } else { ("", "") };
        write!(line, "{} {paint}{:5}{plain} ", Timestamp(SystemTime::now()), name(level).to_uppercase())?;
        match &self.message {
            // A line feed in a value must not begin a line of its own.
            Some(message) => message.chars().try_for_each(|character| match character {
                // Nothing encloses a message, so these end nothing.
                '\'' | '"' => write!(line, "{character}"),
                _ => write!(line, "{}", character.escape_debug()),
            })?,
            None => write!(line, "{target}")?,
        }
        self.named.iter().try_for_each(|(name, value)| write!(line, " {name}={value}"))
    }

    fn take(&mut self, field: &Field, value: serde_json::Value) {
        match field.name() {
            "log.module_path" | "log.file" | "log.line" => {}
            "log.target" => self.target = value.as_str().map(str::to_owned),
            name => self.named.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = Some(text);
        } else {
            self.take(field, text.into());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message = Some(value.to_owned());
        } else {
            self.take(field, value.into());
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.take(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.take(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.take(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.take(field, value.into());
    }
}

/// Makes a panic one line of the log: where it was, not what it said, because that may quote the request.
pub(super) fn report_panics() {
    panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(event = "panic", location, "a bug: a task panicked");
    }));
}

fn name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

fn paint(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        Level::DEBUG | Level::TRACE => "\x1b[2m",
    }
}

/// The target of our own events begins with the crate's name.
const OURS: &str = env!("CARGO_CRATE_NAME");
/// The target under which `tracing-log` hands on records of the `log` crate.
const FOREIGN: &str = "log";
/// Accepting connections and binding listeners.
const HARMLESS: [&str; 2] = ["pingora_core::services", "pingora_core::listeners"];
