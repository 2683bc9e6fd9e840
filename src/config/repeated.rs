//! Where a key or a table that stands twice stands first: the parser tells only the second place.

/// How it is written, and the line of the first place. `name`: the last part of what stands twice, at `offset`.
pub(super) fn first<'a>(text: &'a str, offset: usize, name: &str) -> Option<(&'a str, usize)> {
    let start = text.get(..offset)?.rfind('\n').map_or(0, |newline| newline + 1);
    let (before, rest) = text.split_at_checked(start)?;
    let again = written(rest.lines().next()?);
    // In an inline table the line begins with another key.
    if bare(again).rsplit('.').next() != Some(name) {
        return None;
    }
    let mut found = None;
    for (number, line) in before.lines().map(written).enumerate() {
        // A key may stand once in each table.
        if !is_header(again) && is_header(line) {
            found = None;
        }
        if is_header(again) == is_header(line) && bare(again) == bare(line) {
            found = found.or(Some((again, number + 1)));
        }
    }
    found
}

/// A table's header, or the key of a line.
fn written(line: &str) -> &str {
    let line = line.trim();
    let end = if is_header(line) { line.rfind(']').map(|end| end + 1) } else { line.find('=') };
    end.and_then(|end| line.get(..end)).unwrap_or(line).trim_end()
}

fn is_header(line: &str) -> bool {
    line.starts_with('[')
}

fn bare(written: &str) -> &str {
    written.trim_matches(['[', ']', ' '].as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_twice_is_found_where_it_stands_first() {
        let check = |text: &str, name: &str, expected: Option<(&str, usize)>| {
            assert_eq!(first(text, text.rfind(name).unwrap_or_default(), name), expected, "{text}");
        };
        check("# a\n[listen]\na = 1\n[backend]\n [ listen ] # again\n", "listen", Some(("[ listen ]", 2)));
        check("[[token.issuer]]\n[token.issuer]", "issuer", Some(("[token.issuer]", 1)));
        check("[a]\nkey = 1\n[b]\nkey = 1\nother = 2\nkey=3", "key", Some(("key", 4)));
        check("mode = 1\nmode = 2", "mode", Some(("mode", 1)));
        check("a = { b = 1, b = 2 }", "b", None);
        check("b = 1\na = { b = 1, b = 2 }", "b", None);
        check("listen.address = 1\n[listen]", "listen", None);
    }
}
