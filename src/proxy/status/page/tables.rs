//! The tables of the status page. Each says in words what its colours say.

use std::collections::BTreeMap;

use rustls_pki_types::UnixTime;

use super::{age, span};
use crate::{
    observe::expiry::Remaining,
    proxy::status::{
        chart,
        markup::Markup,
        state::{Anchor, Keys, Minute, State},
    },
};

/// Refusals of the last hour by code, the most frequent first.
pub(super) fn reasons(page: &mut Markup, minutes: &[Minute]) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (code, count) in minutes.iter().flat_map(|minute| &minute.reasons) {
        *counts.entry(code).or_default() += u64::from(*count);
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
    page.put("<section><h2>Refusals by reason, last hour</h2>");
    if counts.is_empty() {
        page.put("<p class=\"soft\">None.</p></section>");
        return;
    }
    page.put("<table><thead><tr><th scope=\"col\">Reason</th><th scope=\"col\" class=\"count\">Refusals</th>");
    page.put("<th scope=\"col\">Minute by minute</th></tr></thead><tbody>");
    for (code, count) in counts {
        page.put("<tr><td><code>").text(code).put("</code></td><td class=\"count\">").text(count);
        page.put("</td><td class=\"span\">");
        let each: Vec<u32> = minutes.iter().map(|minute| minute.reasons.get(code).copied().unwrap_or(0)).collect();
        chart::occurrences(page, &each);
        page.put("</td></tr>");
    }
    page.put("</tbody></table></section>");
}

/// Trust anchors on a line of time, the one that ends first in the first place.
pub(super) fn anchors(page: &mut Markup, state: &State) {
    page.put("<section><h2>Trust anchors</h2>");
    let (first, more) = state.anchors.split_at_checked(SHOWN).unwrap_or((&state.anchors, &[]));
    if first.is_empty() {
        page.put("<p class=\"bad\">None: every certificate is refused.</p></section>");
        return;
    }
    page.put("<div class=\"narrow\">");
    chart::axis(page);
    page.put("</div>");
    lines(page, first, state.now.0);
    if !more.is_empty() {
        page.put("<details><summary>").text(more.len()).put(" more, which end later</summary>");
        lines(page, more, state.now.0);
        page.put("</details>");
    }
    page.put("</section>");
}

fn lines(page: &mut Markup, anchors: &[Anchor], now: UnixTime) {
    page.put("<table><thead><tr><th scope=\"col\">Subject</th><th scope=\"col\">Ends</th><th scope=\"col\">Left</th>");
    page.put("<th scope=\"col\"><span class=\"narrow\">On a line of time</span>");
    chart::axis(page);
    page.put("</th></tr></thead><tbody>");
    for anchor in anchors {
        let end = anchor.not_after.0;
        let (class, words) = left(end, now);
        page.put("<tr><td>").text(&anchor.subject).put("</td><td class=\"when\" data-name=\"ends\">");
        page.text(date(anchor)).put("</td><td class=\"when ").put(class).put("\">").text(words);
        page.put("</td><td class=\"span\">");
        chart::timeline(page, class, end, now);
        page.put("</td></tr>");
    }
    page.put("</tbody></table>");
}

/// The day is enough for whoever looks; the rest is in `/status.json`.
fn date(anchor: &Anchor) -> String {
    let time = anchor.not_after.to_string();
    time.split_once('T').map_or_else(String::new, |(date, _)| date.to_owned())
}

/// How long something is still good: the colour, and words that say the same.
fn left(end: UnixTime, now: UnixTime) -> (&'static str, String) {
    let remaining = Remaining::of(end, now);
    let left = span(end.as_secs().saturating_sub(now.as_secs()));
    if remaining.has_ended() {
        ("bad", format!("ended {} ago", span(now.as_secs().saturating_sub(end.as_secs()))))
    } else if remaining.is_urgent() {
        ("bad", format!("urgent: ends in {left}"))
    } else if remaining.is_soon() {
        ("warn", format!("soon: ends in {left}"))
    } else {
        ("good", format!("ends in {left}"))
    }
}

pub(super) fn keys(page: &mut Markup, state: &State) {
    page.put("<section><h2>Keys of token issuers</h2>");
    if state.keys.is_empty() {
        page.put("<p class=\"soft\">None are fetched.</p></section>");
        return;
    }
    page.put("<table><thead><tr><th scope=\"col\">Issuer</th><th scope=\"col\" class=\"count\">Keys</th>");
    page.put("<th scope=\"col\">Last read</th></tr></thead><tbody>");
    for keys in &state.keys {
        let (class, words) = freshness(keys, state);
        page.put("<tr><td>").text(&keys.issuer).put("</td><td class=\"count\" data-name=\"keys\">").text(keys.keys);
        page.put("</td><td data-name=\"read\" class=\"").put(class).put("\">").text(words).put("</td></tr>");
    }
    page.put("</tbody></table></section>");
}

fn freshness(keys: &Keys, state: &State) -> (&'static str, String) {
    let Some(fetched) = keys.fetched else { return ("bad", "never".to_owned()) };
    let ago = age(state, fetched.0);
    let old = state.now.0.as_secs().saturating_sub(fetched.0.as_secs());
    if keys.keys == 0 {
        ("bad", format!("{ago}: no usable key"))
    } else if old > keys.refresh_seconds.saturating_mul(2) {
        ("warn", format!("overdue: {ago}"))
    } else {
        ("good", ago)
    }
}

pub(super) fn crls(page: &mut Markup, state: &State) {
    page.put("<section><h2>Revocation lists (CRLs)</h2>");
    if state.crls.is_empty() {
        page.put("<p class=\"soft\">None at hand.</p></section>");
        return;
    }
    page.put("<table><thead><tr><th scope=\"col\">Issuer</th><th scope=\"col\">Last read</th>");
    page.put("<th scope=\"col\">Next one due</th></tr></thead><tbody>");
    let now = state.now.0.as_secs();
    for crl in &state.crls {
        let due = crl.next_update.0.as_secs();
        let (class, words) = match due.checked_sub(now) {
            Some(left) => ("good", format!("in {}", span(left))),
            None => ("bad", format!("overdue for {}", span(now.saturating_sub(due)))),
        };
        page.put("<tr><td>")
            .text(&crl.issuer)
            .put("</td><td class=\"when\" data-name=\"read\">")
            .text(age(state, crl.read.0));
        page.put("</td><td data-name=\"next\" class=\"").put(class).put("\">").text(words).put("</td></tr>");
    }
    page.put("</tbody></table></section>");
}

pub(super) fn refusals(page: &mut Markup, state: &State) {
    page.put("<section><h2>Last refusals</h2>");
    if state.refusals.is_empty() {
        page.put("<p class=\"soft\">None since the start.</p></section>");
        return;
    }
    page.put("<table><thead><tr><th scope=\"col\">Time</th><th scope=\"col\">Reason</th><th scope=\"col\">Route</th>");
    page.put("<th scope=\"col\">Issuer of the certificate</th><th scope=\"col\">Interaction, as in the audit log</th>");
    page.put("</tr></thead><tbody>");
    for refusal in &state.refusals {
        page.put("<tr><td class=\"when\"><time>").text(refusal.time).put("</time></td><td><code>").text(refusal.code);
        page.put("</code>").put(if refusal.decision == "deny" { "" } else { " (forwarded: report mode)" });
        page.put("</td><td data-name=\"route\">").text(refusal.route.as_deref().unwrap_or("none"));
        page.put("</td><td data-name=\"issuer\">").text(refusal.certificate_issuer.as_deref().unwrap_or("none proven"));
        page.put("</td><td class=\"id\">").text(refusal.interaction_id).put("</td></tr>");
    }
    page.put("</tbody></table></section>");
}

pub(super) fn listeners(page: &mut Markup, state: &State) {
    page.put("<section><h2>Listeners</h2><table><thead><tr><th scope=\"col\">Listener</th>");
    page.put("<th scope=\"col\">Address</th></tr></thead><tbody>");
    for listener in &state.listeners {
        page.put("<tr><td>").text(listener.name).put("</td><td><code>").text(&listener.address);
        page.put("</code></td></tr>");
    }
    page.put("</tbody></table></section>");
}

/// Anchors that are shown without asking for more.
const SHOWN: usize = 12;
