//! How far everybody's onboarding is: found and counted by state, the nearest deadline first.
//! Not here: the person.

use chrono::{DateTime, SecondsFormat, Utc};
use cqrs_es::{EventEnvelope, View};
use domain::onboarding::{CancelReason, Onboarding, OnboardingEvent};
use kit::{Field, Key, PartId, Projection, Recorded, Term};
use serde::{Deserialize, Serialize};

use crate::seen::Seen;

/// One document per onboarding, under the person's id.
#[derive(Debug, Clone, Copy)]
pub struct OnboardingBoard;

/// The states of an onboarding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BoardState {
    /// Not started.
    #[default]
    Unknown,
    /// The person is there, and no e-mail.
    ProfileCreated,
    /// There is an e-mail.
    EmailAdded,
    /// The e-mail is verified.
    EmailVerified,
    /// There are skills too, or they were skipped.
    SkillsAdded,
    /// Done.
    Completed,
    /// Not done in time.
    Expired,
    /// Given up.
    Cancelled,
}

/// A card on the board.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardEntry {
    /// The person's id.
    pub person: String,
    /// How far it is.
    pub state: BoardState,
    /// Until when it should be complete.
    pub deadline: Option<DateTime<Utc>>,
    /// When the next reminder is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_at: Option<DateTime<Utc>>,
    /// How many reminders there have been.
    pub reminders: u32,
    /// The e-mail that is followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<PartId>,
    /// Whether skills are not asked for.
    pub skills_skipped: bool,
    /// Why it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<CancelReason>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When anything last happened.
    pub updated_at: Option<DateTime<Utc>>,
}

impl BoardState {
    /// The state as text, as in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::ProfileCreated => "profile-created",
            Self::EmailAdded => "email-added",
            Self::EmailVerified => "email-verified",
            Self::SkillsAdded => "skills-added",
            Self::Completed => "completed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Projection for OnboardingBoard {
    const NAME: &'static str = "onboarding-board";
    const VERSION: u32 = 1;
    const FIELDS: &'static [Field] = &[Field::exact("state")];
    type When = OnboardingEvent;
    type Document = BoardEntry;

    fn key(event: &Recorded<OnboardingEvent>) -> Option<Key> {
        // What a fact leads to is told by the events after it; before the start it has no card.
        let is_fact = matches!(event.event, OnboardingEvent::OnboardingFactNoted(_));
        (!is_fact).then(|| event.aggregate_id.to_string())
    }

    fn fold(document: &mut BoardEntry, event: &Recorded<OnboardingEvent>) {
        document.take(&event.into());
    }

    fn terms(document: &BoardEntry) -> Vec<Term> {
        vec![Term { field: "state", value: document.state.as_str().to_owned() }]
    }

    fn order(document: &BoardEntry) -> String {
        let deadline = document.deadline;
        deadline.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default()
    }
}

impl View<Onboarding> for BoardEntry {
    fn update(&mut self, event: &EventEnvelope<Onboarding>) {
        self.take(&event.into());
    }
}

impl BoardEntry {
    fn take(&mut self, seen: &Seen<'_, OnboardingEvent>) {
        use {BoardState as S, OnboardingEvent as E};
        match seen.event {
            E::OnboardingStarted(e) => {
                seen.id.clone_into(&mut self.person);
                self.started_at = seen.time;
                self.state = S::ProfileCreated;
                self.deadline = Some(e.deadline);
                self.remind_at = Some(e.remind_at);
            }
            E::OnboardingFactNoted(_) => return,
            E::OnboardingEmailAdded(e) => {
                self.state = S::EmailAdded;
                self.contact = Some(e.contact.clone());
            }
            E::OnboardingEmailVerified(e) => {
                // With skills there already, only another e-mail is followed.
                if self.state != S::SkillsAdded {
                    self.state = S::EmailVerified;
                }
                self.contact = Some(e.contact.clone());
            }
            E::OnboardingSkillsAdded(_) => self.state = S::SkillsAdded,
            E::OnboardingSkillsSkipped(_) => {
                self.state = S::SkillsAdded;
                self.skills_skipped = true;
            }
            E::OnboardingSteppedBack(_) => self.back(),
            E::OnboardingCompleted(e) => {
                self.close(S::Completed);
                self.contact = Some(e.contact.clone());
            }
            E::OnboardingReminded(e) => {
                self.reminders = e.number;
                self.remind_at = e.remind_at;
            }
            E::OnboardingExpired(_) => self.close(S::Expired),
            E::OnboardingCancelled(e) => {
                self.close(S::Cancelled);
                self.cancelled = Some(e.reason);
            }
            E::OnboardingReopened(e) => {
                self.back();
                self.deadline = Some(e.deadline);
                self.remind_at = Some(e.remind_at);
                self.reminders = 0;
            }
        }
        self.updated_at = seen.time.or(self.updated_at);
    }

    fn back(&mut self) {
        self.state = BoardState::ProfileCreated;
        self.contact = None;
    }

    const fn close(&mut self, state: BoardState) {
        self.state = state;
        self.remind_at = None;
    }
}
