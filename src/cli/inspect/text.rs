//! What is shown, for people: one block a certificate, without colours, so that it pastes into a ticket.

use std::fmt::{Display, Write as _};

use rustls_pki_types::UnixTime;

use crate::{
    certificate::{
        inspect::{Description, Key},
        organization::Organization,
        qualified::{QcType, Qualification, Requirement, Role, Statements},
    },
    denial::Denial,
    observe::terminal::visible,
    second::Second,
    validity::Validity,
};

/// A block for each of `descriptions`, which stood at these places among `all`.
pub(super) fn blocks(descriptions: &[(usize, Description)], all: usize, now: UnixTime) -> String {
    let blocks = descriptions.iter().map(|(place, description)| {
        let mut block = Block(String::new());
        if all > 1 {
            block.0 = format!("Certificate {} of {all}\n", place + 1);
        }
        identity(&mut block, description, now);
        issuer(&mut block, description, *place);
        purpose(&mut block, description);
        qualification(&mut block, description);
        addresses(&mut block, description);
        verdict(&mut block, description, now);
        block.0
    });
    blocks.collect::<Vec<_>>().join("\n")
}

/// Code and reason, with dates as people read them.
pub(super) fn refusal(denial: &Denial, now: UnixTime) -> String {
    let code = denial.code();
    match denial {
        Denial::CertificateExpired { not_after } => format!("{code}: {}", ended(*not_after, now)),
        Denial::CertificateNotYetValid { not_before } => {
            format!("{code}: begins in {}", days(not_before.saturating_sub(now.as_secs())))
        }
        _ => format!("{code}: {}", denial.detail().unwrap_or(denial.row().title.into())),
    }
}

/// Lines of a label and its value.
struct Block(String);

impl Block {
    fn line(&mut self, label: &str, value: impl Display) {
        // Nothing fails to be written into a string.
        let _ = writeln!(self.0, "{label:<16}{}", visible(&value.to_string()));
    }

    fn list(&mut self, label: &str, values: &[impl Display], none: &str) {
        let values: Vec<_> = values.iter().map(ToString::to_string).collect();
        if values.is_empty() {
            self.line(label, none);
        } else {
            self.line(label, values.join(", "));
        }
    }

    /// One line a value: addresses are long.
    fn lines(&mut self, label: &str, values: &[String], none: &str) {
        if values.is_empty() {
            self.line(label, none);
        }
        for (place, value) in values.iter().enumerate() {
            self.line(if place == 0 { label } else { "" }, value);
        }
    }
}

fn identity(block: &mut Block, description: &Description, now: UnixTime) {
    let Validity { from, until } = description.valid;
    block.line("x5t#S256", description.thumbprint);
    let (subject, issuer) = &description.spelled;
    block.line("subject", subject);
    block.line("issuer", issuer);
    block.line("serial", &description.serial);
    block.line("valid", format_args!("{} to {}, {}", Second(from), Second(until), remaining(from, until, now)));
    let Key { kind, bits } = &description.key;
    match bits {
        Some(bits) => block.line("key", format_args!("{kind}, {bits} bits")),
        None => block.line("key", kind),
    }
    block.line("signature", &description.signature);
}

fn remaining(from: UnixTime, until: UnixTime, now: UnixTime) -> String {
    let (from, until, second) = (from.as_secs(), until.as_secs(), now.as_secs());
    if second < from {
        format!("begins in {}", days(from - second))
    } else if second <= until {
        format!("expires in {}", days(until - second))
    } else {
        ended(until, now)
    }
}

fn ended(until: u64, now: UnixTime) -> String {
    format!("expired {} ago", days(now.as_secs().saturating_sub(until)))
}

/// Days that have passed whole.
fn days(seconds: u64) -> String {
    match seconds / (24 * 60 * 60) {
        0 => "less than a day".into(),
        1 => "1 day".into(),
        days => format!("{days} days"),
    }
}

fn issuer(block: &mut Block, description: &Description, place: usize) {
    match description.issued_by {
        Some(issuer) if issuer == place => block.line("signed by", "itself"),
        Some(issuer) => block.line("signed by", format_args!("certificate {}", issuer + 1)),
        None => block.line("signed by", "a certificate that is not shown here"),
    }
}

fn purpose(block: &mut Block, description: &Description) {
    block.list("keyUsage", description.key_usage.as_deref().unwrap_or_default(), "none");
    block.list("extKeyUsage", description.extended_key_usage.as_deref().unwrap_or_default(), "none");
    block.list("also named", &description.alternative_names, "none");
}

fn qualification(block: &mut Block, description: &Description) {
    match &description.organization_identifier {
        Some(text) => {
            let reading = Organization::read(text).map_or("of no known form".into(), |read| read.to_string());
            block.line("organization", format_args!("{text} ({reading})"));
        }
        None => block.line("organization", "no organizationIdentifier"),
    }
    match &description.qualification {
        Qualification::Absent => block.line("qcStatements", "none"),
        Qualification::Malformed(why) => block.line("qcStatements", format_args!("malformed: {why}")),
        Qualification::Stated(stated) => statements(block, stated),
    }
    if !description.other_statements.is_empty() {
        block.list("also states", &description.other_statements, "");
    }
}

fn statements(block: &mut Block, statements: &Statements) {
    block.line("QcCompliance", if statements.compliance { "yes" } else { "no" });
    block.list("QcType", &statements.types.iter().map(QcType::name).collect::<Vec<_>>(), "none");
    match &statements.psd2 {
        Some(psd2) => {
            block.list("PSD2 roles", &psd2.roles.iter().map(Role::name).collect::<Vec<_>>(), "none");
            block.line("NCA", format_args!("{} ({})", psd2.nca_id, psd2.nca_name));
        }
        None => block.line("PSD2 roles", "no PSD2 statement"),
    }
}

fn addresses(block: &mut Block, description: &Description) {
    for (label, addresses) in [("OCSP", &description.ocsp), ("CRL", &description.crl)] {
        match addresses {
            Some(addresses) => block.lines(label, addresses, "none"),
            None => block.line(label, "the extension cannot be read"),
        }
    }
}

/// What certbound would make of it with the defaults of `proxy.toml`.
fn verdict(block: &mut Block, description: &Description, now: UnixTime) {
    block.line(
        "clientAuth",
        match description.client_auth {
            Some(true) => "yes",
            Some(false) => "no",
            None if description.as_anchor.is_some() => "not said: an authority may issue for any purpose",
            None => "not said: refused unless [truststore] require_client_auth = false",
        },
    );
    let accepted = match is_answered_for(description) {
        true => "would be accepted if its issuer is in the truststore and has not revoked it",
        false => "would be accepted if its issuer is in the truststore and [revocation] crl_files has its list",
    };
    block.lines("as a client", &refusals(&description.as_client, now), accepted);
    if let Some(refused) = &description.as_anchor {
        block.lines("as an anchor", &refusals(refused, now), "would be taken into a truststore");
        return;
    }
    for (label, require) in [("eidas psd2", Requirement::Psd2), ("eidas qwac", Requirement::Qwac)] {
        match description.under(require) {
            Ok(()) => block.line(label, "qualified"),
            Err(denial) => block.line(label, refusal(&denial, now)),
        }
    }
}

/// Whether it names an address at which somebody can be asked whether it was revoked.
fn is_answered_for(description: &Description) -> bool {
    let addresses = [&description.ocsp, &description.crl].into_iter().flatten().flatten();
    addresses
        .filter_map(|address| address.split_once("://"))
        .any(|(scheme, _)| ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web)))
}

fn refusals(denials: &[Denial], now: UnixTime) -> Vec<String> {
    denials.iter().map(|denial| refusal(denial, now)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validity_is_counted_in_whole_days() {
        let at = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let check = |now, expected: &str| assert_eq!(remaining(at(864_000), at(1_728_000), at(now)), expected);
        check(0, "begins in 10 days");
        check(864_000, "expires in 10 days");
        check(1_728_000 - 86_400, "expires in 1 day");
        check(1_728_000, "expires in less than a day");
        check(1_728_001, "expired less than a day ago");
        check(1_728_000 + 172_800, "expired 2 days ago");
    }
}
