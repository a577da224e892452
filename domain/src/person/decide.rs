//! The rules: what follows from each command, or why it may not be.
//! Not here: where the facts lead.
//!
//! Three rules hold throughout. Asking for what is already so yields no event. A profile is edited
//! while the person lives; what the outside reports (a bounce, an ended code, a taken address) is
//! taken in at any time, because the record may be opened again. A repeat decides the same.

mod components;
mod contacts;
mod lifecycle;
mod profile;
mod skills;
mod verification;

use chrono::NaiveDate;
use kit::Context;

use super::{LifecycleStage as Stage, Person, PersonCommand, PersonError, PersonEvent};

pub use contacts::CONTACTS_MAX;
pub use verification::{CHALLENGE_HOURS, REQUESTS_PER_HOUR_MAX};

type Decision = Result<Vec<PersonEvent>, PersonError>;

fn one(event: impl Into<PersonEvent>) -> Decision {
    Ok(vec![event.into()])
}

/// It is already so.
const fn nothing() -> Decision {
    Ok(Vec::new())
}

impl Person {
    /// What follows from `command`.
    pub(super) fn consider(&self, command: &PersonCommand, context: &Context) -> Decision {
        use PersonCommand as C;
        if self.stage() == Stage::Unknown && !matches!(command, C::CreatePerson(_)) {
            return Err(PersonError::NotFound);
        }
        match command {
            C::CreatePerson(command) => self.create(command),
            C::ChangeName(command) => self.change_name(command, context),
            C::SetBirthDate(command) => self.set_birth_date(command, context),
            C::CorrectBirthDate(command) => self.correct_birth_date(command, context),
            C::AddContact(command) => self.add_contact(command, context),
            C::RequestContactVerification(command) => self.request_verification(command, context),
            C::ConfirmContact(command) => self.confirm_contact(command, context),
            C::ExpireContactVerification(command) => self.expire_verification(command, context),
            C::MarkContactUndeliverable(command) => self.mark_undeliverable(command, context),
            C::SetPreferredContact(command) => self.set_preferred_contact(command),
            C::RemoveContact(command) => self.remove_contact(command, context),
            C::ReleaseContact(command) => self.release_contact(command),
            C::ClaimSkill(command) => self.claim_skill(command, context),
            C::AdjustSkill(command) => self.adjust_skill(command),
            C::EndorseSkill(command) => self.endorse_skill(command, context),
            C::CertifySkill(command) => self.certify_skill(command, context),
            C::ExpireCertification(command) => self.expire_certification(command, context),
            C::RemoveSkill(command) => self.remove_skill(command),
            C::AddComponent(command) => self.add_component(command, context),
            C::UpdateComponent(command) => self.update_component(command),
            C::RemoveComponent(command) => self.remove_component(command),
            C::AddTag(command) => self.add_tag(command),
            C::RemoveTag(command) => self.remove_tag(command),
            C::SetPreferences(command) => self.set_preferences(command),
            C::Activate(_) => self.activate(),
            C::Suspend(command) => self.suspend(command),
            C::Reactivate(command) => self.reactivate(command),
            C::RecordDeath(command) => self.record_death(command, context),
            C::RetractDeath(command) => self.retract_death(command, context),
            C::Archive(command) => self.archive(command),
            C::Restore(command) => self.restore(command),
        }
    }

    /// Not in this stage of life.
    fn not_now<T>(&self) -> Result<T, PersonError> {
        Err(PersonError::NotWhile(self.stage()))
    }

    /// A profile is edited while the person lives.
    fn living(&self) -> Result<(), PersonError> {
        match self.stage() {
            Stage::Provisional | Stage::Active | Stage::Suspended => Ok(()),
            Stage::Unknown | Stage::Deceased | Stage::Archived => self.not_now(),
        }
    }
}

/// The date in UTC: the service knows no other calendar.
fn today(context: &Context) -> NaiveDate {
    context.now.date_naive()
}

fn not_in_future(date: NaiveDate, context: &Context) -> Result<(), PersonError> {
    if date > today(context) { Err(PersonError::InFuture) } else { Ok(()) }
}

/// What is corrected or taken back has somebody who answers for it.
fn named_user(context: &Context) -> Result<(), PersonError> {
    if context.actor.user.is_some() { Ok(()) } else { Err(PersonError::ActorRequired) }
}

fn fits(count: usize, max: usize) -> Result<(), PersonError> {
    if count <= max { Ok(()) } else { Err(PersonError::TooMany { max }) }
}

/// Whether one more fits.
fn room(taken: usize, max: usize) -> Result<(), PersonError> {
    fits(taken.saturating_add(1), max)
}
