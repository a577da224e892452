//! Where an onboarding stands, and where each event leads.
//! Not here: the rules that make events.

use chrono::{DateTime, Utc};
use kit::{Machine, PartId};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::{Facts, OnboardingEvent, OnboardingReminded, OnboardingReopened, OnboardingStarted};

/// Where an onboarding stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[strum_discriminants(
    name(OnboardingStage),
    derive(VariantArray, IntoStaticStr, Serialize, Deserialize),
    doc = "Where an onboarding stands, without its data."
)]
pub enum Onboarding {
    /// Nothing is known.
    #[default]
    Unknown,
    /// Not started, and something came early.
    Noted(Facts),
    /// The person is there, and no e-mail.
    ProfileCreated(Progress),
    /// There is an e-mail.
    EmailAdded(Tracked),
    /// The e-mail is verified.
    EmailVerified(Tracked),
    /// There are skills too, or they were skipped.
    SkillsAdded(Tracked),
    /// Done.
    Completed {
        /// The verified contact that was followed.
        contact: PartId,
    },
    /// Not done in time.
    Expired(Progress),
    /// Given up.
    Cancelled,
}

/// What every onboarding that may still move knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Until when it should be complete.
    pub deadline: DateTime<Utc>,
    /// When the next reminder is due, if there is one.
    pub remind_at: Option<DateTime<Utc>>,
    /// How many reminders there have been.
    pub reminders: u32,
    /// What is known of the person.
    pub facts: Facts,
}

/// Progress that follows one e-mail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tracked {
    /// The contact that is followed.
    pub contact: PartId,
    /// The rest.
    pub progress: Progress,
}

impl Progress {
    const fn new(started: &OnboardingStarted, facts: Facts) -> Self {
        let remind_at = Some(started.remind_at);
        Self { deadline: started.deadline, remind_at, reminders: 0, facts }
    }

    fn tracking(self, contact: &PartId) -> Tracked {
        Tracked { contact: contact.clone(), progress: self }
    }

    const fn remind(&mut self, reminded: &OnboardingReminded) {
        self.reminders = reminded.number;
        self.remind_at = reminded.remind_at;
    }

    const fn reopen(&mut self, reopened: &OnboardingReopened) {
        self.deadline = reopened.deadline;
        self.remind_at = Some(reopened.remind_at);
        self.reminders = 0;
    }
}

impl Onboarding {
    /// What is known, unless it is over or has not begun.
    #[must_use]
    pub const fn progress(&self) -> Option<&Progress> {
        match self {
            Self::ProfileCreated(progress) | Self::Expired(progress) => Some(progress),
            Self::EmailAdded(tracked)
            | Self::EmailVerified(tracked)
            | Self::SkillsAdded(tracked) => Some(&tracked.progress),
            Self::Unknown | Self::Noted(_) | Self::Completed { .. } | Self::Cancelled => None,
        }
    }

    /// Whether it has begun and is neither done, expired nor given up.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.progress().is_some() && !matches!(self, Self::Expired(_))
    }

    const fn progress_mut(&mut self) -> Option<&mut Progress> {
        match self {
            Self::ProfileCreated(progress) | Self::Expired(progress) => Some(progress),
            Self::EmailAdded(tracked)
            | Self::EmailVerified(tracked)
            | Self::SkillsAdded(tracked) => Some(&mut tracked.progress),
            Self::Unknown | Self::Noted(_) | Self::Completed { .. } | Self::Cancelled => None,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Progress)) -> Self {
        if let Some(progress) = self.progress_mut() {
            change(progress);
        }
        self
    }

    fn expired(self) -> Self {
        match self {
            Self::ProfileCreated(progress) => Self::Expired(progress),
            Self::EmailAdded(tracked)
            | Self::EmailVerified(tracked)
            | Self::SkillsAdded(tracked) => Self::Expired(tracked.progress),
            other => other,
        }
    }
}

impl Machine for Onboarding {
    type Event = OnboardingEvent;
    type Stage = OnboardingStage;

    #[rustfmt::skip] // A table: one arrow per line.
    fn after(self, event: &OnboardingEvent) -> Result<Self, Self> {
        use OnboardingEvent as E;
        Ok(match (self, event) {
            (Self::Unknown,           E::OnboardingFactNoted(e))     => Self::Noted(Facts::default().and(&e.fact)),
            (Self::Noted(facts),      E::OnboardingFactNoted(e))     => Self::Noted(facts.and(&e.fact)),
            (Self::Unknown,           E::OnboardingStarted(e))       => Self::ProfileCreated(Progress::new(e, Facts::default())),
            (Self::Noted(facts),      E::OnboardingStarted(e))       => Self::ProfileCreated(Progress::new(e, facts)),
            (Self::ProfileCreated(p), E::OnboardingEmailAdded(e))    => Self::EmailAdded(p.tracking(&e.contact)),
            (Self::EmailAdded(t),     E::OnboardingEmailAdded(e))    => Self::EmailAdded(t.progress.tracking(&e.contact)),
            (Self::EmailAdded(t),     E::OnboardingEmailVerified(e)) => Self::EmailVerified(t.progress.tracking(&e.contact)),
            (Self::EmailVerified(t),  E::OnboardingEmailVerified(e)) => Self::EmailVerified(t.progress.tracking(&e.contact)),
            (Self::SkillsAdded(t),    E::OnboardingEmailVerified(e)) => Self::SkillsAdded(t.progress.tracking(&e.contact)),
            (Self::EmailVerified(t),  E::OnboardingSkillsAdded(_))   => Self::SkillsAdded(t),
            (Self::EmailVerified(t),  E::OnboardingSkillsSkipped(_)) => Self::SkillsAdded(t).with(|p| p.facts.skip_skills()),
            (Self::EmailAdded(t),     E::OnboardingSteppedBack(_))   => Self::ProfileCreated(t.progress),
            (Self::EmailVerified(t),  E::OnboardingSteppedBack(_))   => Self::ProfileCreated(t.progress),
            (Self::SkillsAdded(t),    E::OnboardingSteppedBack(_))   => Self::ProfileCreated(t.progress),
            (Self::SkillsAdded(_),    E::OnboardingCompleted(e))     => Self::Completed { contact: e.contact.clone() },
            (Self::Expired(p),        E::OnboardingReopened(e))      => Self::ProfileCreated(p).with(|p| p.reopen(e)),
            (here,                    E::OnboardingReminded(e))  if here.is_open() => here.with(|p| p.remind(e)),
            (here,                    E::OnboardingExpired(_))   if here.is_open() => here.expired(),
            (here, E::OnboardingFactNoted(e)) if here.progress().is_some() => here.with(|p| p.facts.note(&e.fact)),
            (here, E::OnboardingCancelled(_)) if here.progress().is_some() => Self::Cancelled,
            (here, _) => return Err(here),
        })
    }

    fn stage(&self) -> OnboardingStage {
        self.into()
    }
}
