//! The rules of mail.
//! Not here: where an event leads.

use kit::Machine;

use super::{
    FailureReason, Letter, Mail, MailCommand, MailDeferred, MailError, MailEvent, MailFailed,
    MailRequested, MailSending, MailSent, MarkMailFailed, RequestMail,
};

impl Mail {
    /// What follows from `command`: no event if it is already so.
    ///
    /// # Errors
    /// [`MailError`], if it may not be.
    pub fn decide(&self, command: &MailCommand) -> Result<Vec<MailEvent>, MailError> {
        use MailCommand as C;
        match command {
            C::RequestMail(RequestMail(letter)) => self.request(letter),
            C::MarkMailSending(_) => match self {
                Self::Requested(_) => Ok(vec![MailSending {}.into()]),
                Self::Sending(_) => Ok(Vec::new()),
                Self::Unknown | Self::Sent(_) | Self::Failed { .. } => {
                    Err(MailError::NotWhile(self.stage()))
                }
            },
            C::MarkMailDeferred(_) => match self {
                Self::Sending(_) => Ok(vec![MailDeferred {}.into()]),
                Self::Requested(_) => Ok(Vec::new()),
                Self::Unknown | Self::Sent(_) | Self::Failed { .. } => {
                    Err(MailError::NotWhile(self.stage()))
                }
            },
            C::MarkMailSent(_) => match self {
                Self::Requested(_) | Self::Sending(_) => Ok(vec![MailSent {}.into()]),
                Self::Sent(_) => Ok(Vec::new()),
                Self::Unknown | Self::Failed { .. } => Err(MailError::NotWhile(self.stage())),
            },
            C::MarkMailFailed(MarkMailFailed { reason }) => self.fail(*reason),
        }
    }

    fn fail(&self, reason: FailureReason) -> Result<Vec<MailEvent>, MailError> {
        match self {
            // Whoever does not know comes after one who does.
            Self::Sent(_) if reason == FailureReason::UnknownOutcome => Ok(Vec::new()),
            Self::Requested(_) | Self::Sending(_) | Self::Sent(_) => {
                Ok(vec![MailFailed { reason }.into()])
            }
            Self::Failed { .. } => Ok(Vec::new()),
            Self::Unknown => Err(MailError::NotWhile(self.stage())),
        }
    }

    fn request(&self, letter: &Letter) -> Result<Vec<MailEvent>, MailError> {
        match self.letter() {
            Some(known) if known == letter => Ok(Vec::new()),
            Some(_) => Err(MailError::AnotherLetter),
            None => Ok(vec![MailRequested { letter: letter.clone() }.into()]),
        }
    }
}
