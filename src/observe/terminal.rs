//! What whoever reads a stream sees: one rule for all that certbound prints.

use std::io::IsTerminal;

/// A terminal that has colours, unless its user wants none: `NO_COLOR` (no-color.org), `CLICOLOR=0` (bixense.com/clicolors).
pub(crate) fn shows_colours(stream: &impl IsTerminal) -> bool {
    let unwanted = anstyle_query::no_color() || anstyle_query::clicolor() == Some(false);
    stream.is_terminal() && anstyle_query::term_supports_color() && !unwanted
}

/// A stranger's text, in which nothing moves the cursor, or turns the direction of what stands beside it.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            ' '..='~' => shown.push(letter),
            _ if letter.is_alphanumeric() => shown.push(letter),
            _ => shown.extend(letter.escape_unicode()),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_stranger_cannot_reach_the_terminal() {
        let check = |text: &str, expected: &str| assert_eq!(visible(text), expected);
        check("Müller & Söhne (EU)", "Müller & Söhne (EU)");
        check("a\u{1b}[2Jb", "a\\u{1b}[2Jb");
        check("a\r\nclientAuth: yes", "a\\u{d}\\u{a}clientAuth: yes");
        check("\u{202e}abc\u{200b}", "\\u{202e}abc\\u{200b}");
    }
}
