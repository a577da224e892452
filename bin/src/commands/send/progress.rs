//! The progress of a batch: a bar for people at a terminal, nothing for anyone else.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{input::Source, output::Output};

/// A bar over the lines of `source`. Its length is the file's size, which costs no extra reading.
pub(super) fn bar(output: Output, source: &Source) -> ProgressBar {
    if output.is_json() || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let length = match source {
        Source::File(path) => std::fs::metadata(path).ok().map(|metadata| metadata.len()),
        Source::Text(text) => Some(text.len() as u64),
        Source::Stdin => None,
    };
    let (bar, template) = match length {
        Some(length) => (
            ProgressBar::new(length),
            "{msg}  [{bar:30}] {percent:>3}%  {elapsed} of about {duration}",
        ),
        None => (ProgressBar::no_length(), "{msg}  {spinner} {elapsed}"),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
