//! HTML in the making: what the program says stands as it is, and everything else is escaped. There is no third way in.

use std::fmt::{self, Write};

/// A document in the making.
#[derive(Default)]
pub(super) struct Markup(String);

impl Markup {
    /// Markup of the program's own.
    pub(super) fn put(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text, or the value of an attribute in double quotes, from wherever it comes.
    pub(super) fn text(&mut self, text: impl fmt::Display) -> &mut Self {
        // Writing into a string does not fail.
        let _ = write!(Escaping(&mut self.0), "{text}");
        self
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

struct Escaping<'a>(&'a mut String);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                _ if letter.is_control() || turns_around(letter) => self.0.push(char::REPLACEMENT_CHARACTER),
                _ => self.0.push(letter),
            }
        }
        Ok(())
    }
}

/// Whether the letter changes the direction of what follows: a name could show as another one (UAX 9, section 2).
fn turns_around(letter: char) -> bool {
    matches!(letter, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_place() {
        let check = |text: &str, expected: &str| {
            let mut markup = Markup::default();
            markup.put("<p title=\"").text(text).put("\">");
            assert_eq!(markup.finish(), format!("<p title=\"{expected}\">"));
        };
        check("CN=Bank & Söhne", "CN=Bank &amp; Söhne");
        check("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;");
        check("\" onclick='x'", "&quot; onclick=&#39;x&#39;");
        check("a\u{202e}b\0c\nd\u{2066}", "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}");
        check("", "");
    }
}
