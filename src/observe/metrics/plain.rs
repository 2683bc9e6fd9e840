//! The older text format, 0.0.4, for everyone who does not ask for OpenMetrics.

/// The same metrics as `openmetrics`.
///
/// There, a counter's help and type name the counter, and only its sample has `_total`; here they name the sample, or
/// whoever reads them finds a sample without help, of no type.
pub(super) fn text(openmetrics: &str) -> String {
    let mut plain = String::with_capacity(openmetrics.len() + openmetrics.len() / 16);
    // The help of a metric stands before its type.
    let mut help = None;
    for line in openmetrics.lines() {
        if let Some(described) = described(line, "# HELP ") {
            help = Some(described);
        } else if let Some((name, kind)) = described(line, "# TYPE ") {
            let suffix = if kind == "counter" { "_total" } else { "" };
            if let Some((_, help)) = help.take().filter(|(of, _)| *of == name) {
                push(&mut plain, &["# HELP ", name, suffix, " ", help]);
            }
            push(&mut plain, &["# TYPE ", name, suffix, " ", kind]);
        } else if !line.starts_with('#') {
            push(&mut plain, &[line]);
        }
    }
    plain
}

/// The name of a metric, and what a line that begins with `start` says of it.
fn described<'a>(line: &'a str, start: &str) -> Option<(&'a str, &'a str)> {
    line.strip_prefix(start)?.split_once(' ')
}

fn push(text: &mut String, parts: &[&str]) {
    text.extend(parts.iter().copied().chain(["\n"]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_and_type_of_a_counter_name_its_sample_and_all_else_stays() {
        let openmetrics = "\
# HELP asked Questions that were asked.
# TYPE asked counter
asked_total{by=\"# HELP a b\"} 1
# HELP took_seconds How long it took.
# TYPE took_seconds histogram
# UNIT took_seconds seconds
took_seconds_sum 2.5
took_seconds_bucket{le=\"+Inf\"} 1
# TYPE active gauge
active 0
# EOF
";
        let plain = "\
# HELP asked_total Questions that were asked.
# TYPE asked_total counter
asked_total{by=\"# HELP a b\"} 1
# HELP took_seconds How long it took.
# TYPE took_seconds histogram
took_seconds_sum 2.5
took_seconds_bucket{le=\"+Inf\"} 1
# TYPE active gauge
active 0
";
        assert_eq!(text(openmetrics), plain);
        assert_eq!(text("# EOF\n"), "");
    }
}
