//! The smallest aggregate that does what any does: it takes a note and keeps count.

use kit::{Context, DomainError};
use serde::{Deserialize, Serialize};

/// Take a note.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakeNote {
    /// The note.
    pub text: String,
}

/// A note was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoteTaken {
    /// The note.
    pub text: String,
}

kit::commands! {
    /// What may be asked of a notebook.
    pub enum NotebookCommand { "take-note" => TakeNote }
}

kit::events! {
    /// What happens to a notebook.
    pub enum NotebookEvent for "notebook" { "note-taken" => NoteTaken: 1 }
}

/// A notebook is never refused anything.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NotebookError {}

impl DomainError for NotebookError {
    fn code(&self) -> &'static str {
        match *self {}
    }
}

/// How many notes there are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Notebook {
    notes: u64,
}

impl kit::Aggregate for Notebook {
    const TYPE: &'static str = "notebook";
    const STATE_SCHEMA: u32 = 1;
    type Command = NotebookCommand;
    type Event = NotebookEvent;
    type Error = NotebookError;

    fn decide(
        &self,
        command: &NotebookCommand,
        _: &Context,
    ) -> Result<Vec<NotebookEvent>, NotebookError> {
        let NotebookCommand::TakeNote(TakeNote { text }) = command;
        Ok(vec![NoteTaken { text: text.clone() }.into()])
    }

    fn evolve(&mut self, _: &NotebookEvent) {
        self.notes += 1;
    }
}
