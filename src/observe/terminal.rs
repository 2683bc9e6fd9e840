//! Whether whoever reads a stream sees colours. One rule for all that certbound prints.

use std::io::IsTerminal;

/// A terminal that has colours, unless its user wants none: `NO_COLOR` (no-color.org), `CLICOLOR=0` (bixense.com/clicolors).
pub(crate) fn shows_colours(stream: &impl IsTerminal) -> bool {
    let unwanted = anstyle_query::no_color() || anstyle_query::clicolor() == Some(false);
    stream.is_terminal() && anstyle_query::term_supports_color() && !unwanted
}
