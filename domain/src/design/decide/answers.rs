//! Rules of answers: each one is the next version, and the last one is current.
//! Not here: which questions there are; whoever asks them knows.

use kit::Context;

use super::{Decision, Status, nothing, one};
use crate::design::{Answer, AnswerQuestion, AnswerVersioned, Design, DesignError};

/// Most questions of one request.
pub const QUESTIONS_MAX: usize = 500;
/// Most answers to one question.
pub const VERSIONS_MAX: u32 = 10_000;

impl Design {
    pub(super) fn answer(&self, command: &AnswerQuestion, context: &Context) -> Decision {
        match self.status() {
            Status::Draft | Status::Submitted | Status::Paid | Status::InDesign => {}
            Status::Unknown | Status::Completed | Status::Cancelled => return self.not_now(),
        }
        let AnswerQuestion { question_id, text, file_url, options, provenance } = command.clone();
        let answer = Answer {
            text: self.personal(text),
            file_url: self.personal(file_url),
            options: self.personal(options),
        };
        let provenance = self.personal(provenance);
        if answer.is_empty() {
            return Err(DesignError::EmptyAnswer);
        }
        let current = self.answers.get(&question_id);
        if current.is_some_and(|current| current.digest == answer.digest()) {
            return nothing();
        }
        if current.is_none() && self.answers.len() >= QUESTIONS_MAX {
            return Err(DesignError::TooManyQuestions { max: QUESTIONS_MAX });
        }
        let before = current.map_or(0, |current| current.version);
        if before >= VERSIONS_MAX {
            return Err(DesignError::TooManyVersions { max: VERSIONS_MAX });
        }
        let (answer_id, version) = (context.id(), before + 1);
        one(AnswerVersioned { answer_id, question_id, version, answer, provenance })
    }
}
