//! Why a mail refuses a command.
//! Not here: how a refusal travels.

use super::MailStage;

/// Why a mail refuses a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The command does not fit where the mail stands.
    #[error("not while the mail is {0:?}")]
    NotWhile(MailStage),
    /// The id stands for another letter.
    #[error("another mail was requested under this id")]
    AnotherLetter,
}

impl kit::DomainError for MailError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotWhile(_) => "mail-not-while",
            Self::AnotherLetter => "another-letter",
        }
    }
}
