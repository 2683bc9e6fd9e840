//! The status page in HTML: works without scripts, in light and dark, and read aloud.

mod tables;

use super::{
    chart,
    markup::Markup,
    state::{Minute, State},
};
use crate::config::settings::Mode;

/// The page. `refreshes`: the browser asks again every ten seconds.
pub(super) fn of(state: &State, refreshes: bool) -> String {
    let mut page = Markup::default();
    head(&mut page, state, refreshes);
    heading(&mut page, state);
    page.put("<main>");
    banners(&mut page, state);
    figures(&mut page, state);
    hour(&mut page, &state.history.minutes);
    tables::reasons(&mut page, &state.history.minutes);
    tables::anchors(&mut page, state);
    page.put("<div class=\"columns\">");
    tables::keys(&mut page, state);
    tables::crls(&mut page, state);
    page.put("</div>");
    tables::refusals(&mut page, state);
    tables::listeners(&mut page, state);
    page.put("</main>");
    footer(&mut page, state, refreshes);
    page.finish()
}

fn head(page: &mut Markup, state: &State, refreshes: bool) {
    page.put("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    page.put("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
    if refreshes {
        page.put("<meta http-equiv=\"refresh\" content=\"10\">");
    }
    page.put("<link rel=\"icon\" href=\"data:,\"><title>certbound: ");
    page.put(mode(state).1).put(", ").put(readiness(state).1);
    page.put("</title><style>").put(STYLE).put("</style></head><body>");
}

/// One line that says how things are.
fn heading(page: &mut Markup, state: &State) {
    page.put("<header><h1>certbound</h1>");
    for (class, words) in [mode(state), readiness(state)] {
        page.put("<p class=\"tag ").put(class).put("\">").put(words).put("</p>");
    }
    let generation = &state.generation;
    page.put("<p>Generation ").text(generation.number).put(", in force since <time>").text(generation.since);
    page.put("</time> <span class=\"soft\">(").text(age(state, generation.since.0)).put(")</span></p></header>");
}

fn mode(state: &State) -> (&'static str, &'static str) {
    match state.mode {
        Mode::Enforce => ("good", "Enforcing"),
        Mode::Report => ("warn", "Report mode"),
    }
}

fn readiness(state: &State) -> (&'static str, &'static str) {
    if state.ready { ("good", "Ready") } else { ("bad", "Not ready") }
}

/// What nobody may overlook.
fn banners(page: &mut Markup, state: &State) {
    if state.mode == Mode::Report {
        page.put("<section class=\"banner warn\"><h2>Report mode: nothing is enforced</h2>");
        page.put(
            "<p>Requests that the gate refuses are recorded as <code>would_deny</code> and forwarded all the same. ",
        );
        page.put("To refuse them, write <code>mode = \"enforce\"</code>.</p></section>");
    }
    if !state.ready {
        page.put("<section class=\"banner bad\"><h2>Not ready</h2><ul>");
        for check in &state.checks {
            if let Some(failure) = &check.failure {
                page.put("<li>").text(check.name).put(": ").text(failure).put("</li>");
            }
        }
        page.put("</ul></section>");
    }
    if state.backend_exposed {
        page.put("<section class=\"banner bad\"><h2>The API answers past certbound</h2>");
        page.put("<p>It listens on an address other than loopback, where others get past every check. ");
        page.put("Have it listen on 127.0.0.1 alone; the log names the address (<code>backend_exposed</code>).</p></section>");
    }
    reload(page, state);
}

/// What became of the latest configuration.
fn reload(page: &mut Markup, state: &State) {
    if let (Some(at), false) = (state.reload.at, state.reload.faults.is_empty()) {
        page.put("<section class=\"banner bad\"><h2>The changed configuration was not applied</h2>");
        page.put("<p>It was read ").text(age(state, at.0)).put(", at <time>").text(at).put("</time>. Generation ");
        page.text(state.generation.number).put(" stays in force until these faults are gone:</p>");
        list(page, &state.reload.faults);
    }
    if !state.reload.waiting.is_empty() {
        page.put("<section class=\"banner warn\"><h2>Some changes wait for a restart</h2>");
        page.put(
            "<p>These keys changed in the configuration, and keep their old value until certbound is restarted:</p>",
        );
        list(page, &state.reload.waiting);
    }
}

/// Ends the banner too.
fn list(page: &mut Markup, items: &[String]) {
    page.put("<ul>");
    for item in items {
        page.put("<li>").text(item).put("</li>");
    }
    page.put("</ul></section>");
}

fn figures(page: &mut Markup, state: &State) {
    let hour = Hour::of(&state.history.minutes);
    page.put("<dl>");
    let figures: [(&'static str, u64); 5] = [
        ("Allowed, last hour", hour.allowed),
        ("Refused, last hour", hour.denied),
        ("Would be refused, last hour", hour.would_deny),
        ("Requests now", state.active.requests as u64),
        ("Connections now", state.active.connections as u64),
    ];
    for (name, value) in figures {
        page.put("<div><dt>").put(name).put("</dt><dd>").text(value).put("</dd></div>");
    }
    page.put("</dl>");
}

fn hour(page: &mut Markup, minutes: &[Minute]) {
    let Hour { allowed, denied, would_deny, most } = Hour::of(minutes);
    let label = format!(
        "Requests a minute in the last hour: {allowed} allowed, {would_deny} would be refused, {denied} refused; \
         at most {most} in a minute."
    );
    page.put("<section><h2>Requests a minute, last hour</h2><p class=\"legend\">");
    page.put("<span><i class=\"allowed\"></i>allowed</span><span><i class=\"denied\"></i>refused</span>");
    page.put("<span><i class=\"would\"></i>would be refused (report mode)</span>");
    page.put("<span class=\"soft\">at most ").text(most).put(" in a minute</span></p>");
    chart::requests(page, minutes, &label);
    page.put("<div class=\"scale\"><span>1 h ago</span><span>30 min ago</span><span>now</span></div></section>");
}

fn footer(page: &mut Markup, state: &State, refreshes: bool) {
    page.put("<footer><p>certbound ").text(state.version).put(", configuration <code>").text(&state.generation.config);
    page.put("</code>, seen at <time>").text(state.now).put("</time>. ");
    page.put("The same for programs: <a href=\"/status.json\">status.json</a>. ");
    if refreshes {
        page.put("Refreshed every 10 s; <a href=\"/?paused\">pause</a>.");
    } else {
        page.put("Refreshing is paused; <a href=\"/\">go on</a>.");
    }
    page.put("</p></footer></body></html>\n");
}

/// The sums of an hour.
struct Hour {
    allowed: u64,
    denied: u64,
    would_deny: u64,
    /// Requests in the busiest minute.
    most: u64,
}

impl Hour {
    fn of(minutes: &[Minute]) -> Self {
        let sum = |count: fn(&Minute) -> u32| minutes.iter().map(|minute| u64::from(count(minute))).sum();
        Self {
            allowed: sum(|minute| minute.allowed),
            denied: sum(|minute| minute.denied),
            would_deny: sum(|minute| minute.would_deny),
            most: minutes.iter().map(chart::total).max().unwrap_or(0),
        }
    }
}

/// How long ago, in words.
fn age(state: &State, then: rustls_pki_types::UnixTime) -> String {
    format!("{} ago", span(state.now.0.as_secs().saturating_sub(then.as_secs())))
}

/// A time in the unit that fits it, rounded down.
fn span(seconds: u64) -> String {
    let (unit, length) = match seconds {
        0..120 => ("s", 1),
        120..7200 => ("min", 60),
        7200..172_800 => ("h", 3600),
        172_800..63_072_000 => ("days", 86400),
        _ => ("years", 31_557_600),
    };
    format!("{} {unit}", seconds / length)
}

/// The page's own style. Its hash stands in the Content-Security-Policy.
pub(super) const STYLE: &str = include_str!("page.css");
/// The query that keeps the page as it is: a page that changes by itself can be stopped (WCAG 2.2, criterion 2.2.2).
pub(super) const PAUSED: &str = "paused";

#[cfg(test)]
mod tests;
