//! What the commands about archives and backups share: a bar, a graceful end, and words for damage.
//! Not here: copying and putting back.

use std::{future::Future, io};

use anyhow::Error;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use infrastructure::{
    backup::{Fault, Progress},
    problem::Problem,
};
use tokio_util::sync::CancellationToken;

use crate::{
    exit::Advised,
    output::{Output, clean},
    signals::Stop,
};

/// A bar that follows one stream after the other.
#[derive(Debug)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new(output: Output) -> Self {
        let bar = ProgressBar::new(0);
        bar.set_draw_target(if output.is_json() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        });
        if let Ok(style) =
            ProgressStyle::with_template("{msg:28} {bar:30} {pos}/{len}  {per_sec}  {eta} left")
        {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Shows how far it is.
    pub(crate) fn show(&self, Progress { doing, stream, at, of }: Progress<'_>) {
        self.0.set_message(format!("{doing} {stream}"));
        self.0.set_length(of);
        self.0.set_position(at);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Does `work`, which looks at `token`; the first signal asks it to end in good order.
///
/// # Errors
/// If signals cannot be heard.
pub(crate) async fn stoppable<T>(
    token: &CancellationToken,
    work: impl Future<Output = T>,
) -> io::Result<T> {
    let mut stop = Stop::listen()?;
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok(done),
            () = stop.asked() => token.cancel(),
        }
    }
}

/// The problem, with what to do about it: `again` if the same may go better another time.
pub(crate) fn advised(problem: Problem, again: &str) -> Error {
    let advice = match problem.code.as_str() {
        "conflict" | "invalid" | "not-found" => "",
        "corrupt" => "`verify` says all that is wrong with the files.",
        _ => again,
    };
    Error::from(problem).context(Advised::instead(advice))
}

/// What is wrong with a copy, a line each; none if all is well.
pub(crate) fn told(faults: &[Fault]) -> String {
    let lines: Vec<_> = faults.iter().map(|fault| clean(&fault.to_string())).collect();
    lines.join("\n")
}

/// A size for people.
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(crate) fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        _ if bytes < 1e6 => format!("{:.1} kB", bytes / 1e3),
        _ if bytes < 1e9 => format!("{:.1} MB", bytes / 1e6),
        _ => format!("{:.2} GB", bytes / 1e9),
    }
}
