//! A bar for people at a terminal: what is being measured, and how far it is.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;

/// The bar, or nothing where nobody watches.
#[derive(Clone)]
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(output: Output) -> Self {
        if output.is_json() || !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::no_length();
        bar.set_draw_target(ProgressDrawTarget::stderr());
        if let Ok(style) =
            ProgressStyle::with_template("{msg}  [{bar:30}] {percent:>3}%  {elapsed}")
        {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Begins with something that has `length` steps.
    pub(super) fn stage(&self, what: String, length: u64) {
        self.0.set_length(length);
        self.0.set_position(0);
        self.0.set_message(what);
    }

    pub(super) fn at(&self, step: u64) {
        self.0.set_position(step);
    }

    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}
