//! The rules of mail.
//! Not here: where an event leads.

use kit::Machine;

use super::{
    Letter, Mail, MailCommand, MailError, MailEvent, MailFailed, MailRequested, MailSent,
    MarkMailFailed, RequestMail, Template,
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
            C::MarkMailSent(_) => match self {
                Self::Requested(_) => Ok(vec![MailSent {}.into()]),
                Self::Sent(_) => Ok(Vec::new()),
                Self::Unknown | Self::Failed { .. } => Err(MailError::NotWhile(self.stage())),
            },
            C::MarkMailFailed(MarkMailFailed { reason }) => match self {
                Self::Requested(_) | Self::Sent(_) => {
                    Ok(vec![MailFailed { reason: *reason }.into()])
                }
                Self::Failed { .. } => Ok(Vec::new()),
                Self::Unknown => Err(MailError::NotWhile(self.stage())),
            },
        }
    }

    fn request(&self, letter: &Letter) -> Result<Vec<MailEvent>, MailError> {
        match self.letter() {
            Some(known) if known == letter => return Ok(Vec::new()),
            Some(_) => return Err(MailError::AnotherLetter),
            None => {}
        }
        let has_code = letter.challenge.is_some() && letter.expires_at.is_some();
        if letter.template == Template::VerifyContact && !has_code {
            return Err(MailError::ChallengeMissing);
        }
        Ok(vec![MailRequested { letter: letter.clone() }.into()])
    }
}
