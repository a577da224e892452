//! The rules of onboarding.
//! Not here: where an event leads.

use chrono::{DateTime, TimeDelta, Utc};
use kit::{Context, Machine};

use super::{
    Cancel, Fact, Facts, Onboarding, OnboardingCancelled, OnboardingCommand, OnboardingCompleted,
    OnboardingEmailAdded, OnboardingEmailVerified, OnboardingError, OnboardingEvent,
    OnboardingExpired, OnboardingFactNoted, OnboardingReminded, OnboardingReopened,
    OnboardingSkillsAdded, OnboardingSkillsSkipped, OnboardingStarted, OnboardingSteppedBack,
    Progress, facts::Reach,
};

/// How long onboarding may take unless the command says otherwise: two weeks, so that a holiday
/// does not end it.
const DEADLINE: TimeDelta = TimeDelta::days(14);
/// How long after the start, and after each reminder, the next one is due.
const REMINDER_EVERY: TimeDelta = TimeDelta::days(3);
/// More reminders than this are a nuisance.
const REMINDERS_MAX: u32 = 3;

type Decision = Result<Vec<OnboardingEvent>, OnboardingError>;

impl Onboarding {
    /// What follows from `command`: no event if it is already so.
    ///
    /// # Errors
    /// [`OnboardingError`], if it may not be.
    pub fn decide(&self, command: &OnboardingCommand, context: &Context) -> Decision {
        use OnboardingCommand as C;
        match command {
            C::StartOnboarding(c) => self.start(c.deadline, context.now),
            C::NoteEmailAdded(c) => {
                self.note(Fact::EmailAdded { contact: c.contact.clone(), as_of: c.as_of })
            }
            C::NoteEmailVerified(c) => {
                self.note(Fact::EmailVerified { contact: c.contact.clone(), as_of: c.as_of })
            }
            C::NoteEmailUnverified(c) => {
                self.note(Fact::EmailUnverified { contact: c.contact.clone(), as_of: c.as_of })
            }
            C::NoteEmailRemoved(c) => {
                self.note(Fact::EmailRemoved { contact: c.contact.clone(), as_of: c.as_of })
            }
            C::NoteSkillsAdded(c) => self.note(Fact::SkillsAdded { skills: c.skills.clone() }),
            C::NoteSuspended(c) => self.note(Fact::Suspended { as_of: c.as_of }),
            C::NoteReactivated(c) => self.note(Fact::Reactivated { as_of: c.as_of }),
            C::SkipSkills(_) => self.skip_skills(context),
            C::CompleteOnboarding(_) => self.complete(),
            C::Remind(_) => self.remind(context.now),
            C::Expire(_) => self.expire(context.now),
            C::Cancel(c) => self.cancel(c),
            C::Reopen(c) => self.reopen(c.deadline, context.now),
        }
    }

    fn start(&self, deadline: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Decision {
        if !self.is_unstarted() {
            return Ok(Vec::new());
        }
        let deadline = ahead(deadline, now)?;
        let started = OnboardingStarted { deadline, remind_at: now + REMINDER_EVERY };
        Ok(self.clone().settled(started.into()))
    }

    /// Records `fact` and goes as far as all recorded facts allow.
    fn note(&self, fact: Fact) -> Decision {
        let known = match self {
            // Only what another aggregate tells can overtake the start. A person whose own history
            // tells something before it is not to be onboarded, and leaves no trace here.
            Self::Unknown | Self::Noted(_) if !matches!(fact, Fact::EmailVerified { .. }) => {
                return Err(OnboardingError::NotStarted);
            }
            Self::Unknown => &Facts::default(),
            Self::Noted(facts) => facts,
            // It is over: what comes late changes nothing.
            Self::Completed { .. } | Self::Cancelled => return Ok(Vec::new()),
            Self::ProfileCreated(progress) | Self::Expired(progress) => &progress.facts,
            Self::EmailAdded(t) | Self::EmailVerified(t) | Self::SkillsAdded(t) => {
                &t.progress.facts
            }
        };
        let facts = known.clone().and(&fact);
        if facts == *known {
            return Ok(Vec::new());
        }
        if facts.too_many() {
            return Err(OnboardingError::TooManyFacts);
        }
        Ok(self.clone().settled(OnboardingFactNoted { fact }.into()))
    }

    /// `first`, and then every event that the facts imply.
    fn settled(mut self, first: OnboardingEvent) -> Vec<OnboardingEvent> {
        let mut events = Vec::new();
        let mut next = Some(first);
        // Ends: at most one step back, and from then on only steps ahead.
        while let Some(event) = next {
            self.advance(&event);
            events.push(event);
            next = self.implied();
        }
        events
    }

    /// The next event that the recorded facts imply, if they reach elsewhere than this is.
    fn implied(&self) -> Option<OnboardingEvent> {
        let reach = self.progress()?.facts.reach();
        Some(match (self, reach) {
            (Self::ProfileCreated(_), Reach::Email(contact)) => {
                OnboardingEmailAdded { contact }.into()
            }
            (Self::ProfileCreated(_), Reach::VerifiedEmail(contact) | Reach::Skills(contact)) => {
                OnboardingEmailAdded { contact }.into()
            }
            (Self::EmailAdded(t), Reach::Email(contact)) if contact != t.contact => {
                OnboardingEmailAdded { contact }.into()
            }
            (Self::EmailAdded(_), Reach::VerifiedEmail(contact) | Reach::Skills(contact)) => {
                OnboardingEmailVerified { contact }.into()
            }
            (Self::EmailVerified(t), Reach::VerifiedEmail(contact) | Reach::Skills(contact))
            | (Self::SkillsAdded(t), Reach::Skills(contact))
                if contact != t.contact =>
            {
                OnboardingEmailVerified { contact }.into()
            }
            (Self::EmailVerified(t), Reach::Skills(_)) if t.progress.facts.enough_skills() => {
                OnboardingSkillsAdded {}.into()
            }
            (Self::EmailVerified(_), Reach::Skills(_)) => OnboardingSkillsSkipped {}.into(),
            (Self::EmailAdded(t), Reach::Nothing)
            | (Self::EmailVerified(t) | Self::SkillsAdded(t), Reach::Nothing | Reach::Email(_)) => {
                OnboardingSteppedBack { contact: t.contact.clone() }.into()
            }
            _ => return None,
        })
    }

    fn skip_skills(&self, context: &Context) -> Decision {
        match self {
            Self::Unknown | Self::Noted(_) => Err(OnboardingError::NotStarted),
            Self::SkillsAdded(_) | Self::Completed { .. } => Ok(Vec::new()),
            Self::EmailVerified(_) if context.actor.user.is_none() => {
                Err(OnboardingError::ActorRequired)
            }
            Self::EmailVerified(_) => Ok(vec![OnboardingSkillsSkipped {}.into()]),
            Self::ProfileCreated(_) | Self::EmailAdded(_) | Self::Expired(_) | Self::Cancelled => {
                Err(OnboardingError::NotWhile(self.stage()))
            }
        }
    }

    fn complete(&self) -> Decision {
        match self {
            Self::Unknown | Self::Noted(_) => Err(OnboardingError::NotStarted),
            Self::Completed { .. } => Ok(Vec::new()),
            Self::SkillsAdded(t) if t.progress.facts.is_suspended() => {
                Err(OnboardingError::PersonSuspended)
            }
            Self::SkillsAdded(t) => {
                Ok(vec![OnboardingCompleted { contact: t.contact.clone() }.into()])
            }
            Self::ProfileCreated(_)
            | Self::EmailAdded(_)
            | Self::EmailVerified(_)
            | Self::Expired(_)
            | Self::Cancelled => Err(OnboardingError::NotWhile(self.stage())),
        }
    }

    fn remind(&self, now: DateTime<Utc>) -> Decision {
        let Progress { remind_at, reminders, .. } = self.open()?;
        let due = remind_at.ok_or(OnboardingError::RemindersExhausted { max: REMINDERS_MAX })?;
        if now < due {
            return Err(OnboardingError::NotDue { due });
        }
        let number = reminders + 1;
        let remind_at = (number < REMINDERS_MAX).then_some(now + REMINDER_EVERY);
        Ok(vec![OnboardingReminded { number, remind_at }.into()])
    }

    fn expire(&self, now: DateTime<Utc>) -> Decision {
        if matches!(self, Self::Expired(_)) {
            return Ok(Vec::new());
        }
        let due = self.open()?.deadline;
        if now < due {
            return Err(OnboardingError::NotDue { due });
        }
        Ok(vec![OnboardingExpired {}.into()])
    }

    fn cancel(&self, command: &Cancel) -> Decision {
        match self {
            Self::Unknown | Self::Noted(_) => Err(OnboardingError::NotStarted),
            Self::Completed { .. } => Err(OnboardingError::NotWhile(self.stage())),
            Self::Cancelled => Ok(Vec::new()),
            Self::ProfileCreated(_)
            | Self::EmailAdded(_)
            | Self::EmailVerified(_)
            | Self::SkillsAdded(_)
            | Self::Expired(_) => Ok(vec![OnboardingCancelled { reason: command.reason }.into()]),
        }
    }

    fn reopen(&self, deadline: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Decision {
        match self {
            Self::Unknown | Self::Noted(_) => Err(OnboardingError::NotStarted),
            Self::ProfileCreated(_)
            | Self::EmailAdded(_)
            | Self::EmailVerified(_)
            | Self::SkillsAdded(_) => Ok(Vec::new()),
            Self::Completed { .. } | Self::Cancelled => {
                Err(OnboardingError::NotWhile(self.stage()))
            }
            Self::Expired(_) => {
                let deadline = ahead(deadline, now)?;
                let reopened = OnboardingReopened { deadline, remind_at: now + REMINDER_EVERY };
                Ok(self.clone().settled(reopened.into()))
            }
        }
    }

    const fn is_unstarted(&self) -> bool {
        matches!(self, Self::Unknown | Self::Noted(_))
    }

    fn open(&self) -> Result<&Progress, OnboardingError> {
        match self.progress() {
            Some(progress) if self.is_open() => Ok(progress),
            _ if self.is_unstarted() => Err(OnboardingError::NotStarted),
            _ => Err(OnboardingError::NotWhile(self.stage())),
        }
    }
}

fn ahead(
    deadline: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, OnboardingError> {
    let deadline = deadline.unwrap_or(now + DEADLINE);
    if deadline <= now { Err(OnboardingError::DeadlinePassed) } else { Ok(deadline) }
}
