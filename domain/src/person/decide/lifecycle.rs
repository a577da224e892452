//! Rules of becoming known, taking part, being suspended, dying and being archived.
//! Not here: the arrows.

use kit::Context;

use super::{Decision, Stage, fits, named_user, not_in_future, nothing, one};
use crate::person::{
    Archive, CreatePerson, DeathRecorded, DeathRetracted, Lifecycle, Person, PersonActivated,
    PersonArchived, PersonCreated, PersonError, PersonReactivated, PersonRestored, PersonSuspended,
    Reactivate, RecordDeath, Restore, RetractDeath, Standing, Suspend,
};

/// Most ids in other systems.
const EXTERNAL_IDS_MAX: usize = 20;

impl Person {
    pub(super) fn create(&self, command: &CreatePerson) -> Decision {
        let created = PersonCreated {
            name: command.name.clone(),
            source: command.source.clone(),
            onboarding: !command.source.is_trusted(),
            external_ids: command.external_ids.clone(),
        };
        let Some(origin) = &self.origin else {
            fits(created.external_ids.len(), EXTERNAL_IDS_MAX)?;
            return one(created);
        };
        // The flag is left out: it says what the rule was then.
        let same = origin.name == created.name
            && origin.source == created.source
            && origin.external_ids == created.external_ids;
        if same { nothing() } else { Err(PersonError::AlreadyExists) }
    }

    pub(super) fn activate(&self) -> Decision {
        match self.lifecycle {
            Lifecycle::Active | Lifecycle::Suspended(Standing::Active) => nothing(),
            // Onboarding may complete while a suspension is on its way to it; what it completed
            // must not be lost when the suspension ends.
            Lifecycle::Provisional | Lifecycle::Suspended(Standing::Provisional) => {
                let trusted = self.origin.as_ref().is_some_and(|origin| origin.source.is_trusted());
                if !trusted && self.contacts.verified() == 0 {
                    return Err(PersonError::NoVerifiedContact);
                }
                one(PersonActivated {})
            }
            _ => self.not_now(),
        }
    }

    pub(super) fn suspend(&self, command: &Suspend) -> Decision {
        match self.stage() {
            Stage::Suspended => nothing(),
            Stage::Provisional | Stage::Active => {
                one(PersonSuspended { reason: command.reason.clone() })
            }
            _ => self.not_now(),
        }
    }

    pub(super) fn reactivate(&self, command: &Reactivate) -> Decision {
        match self.stage() {
            Stage::Provisional | Stage::Active => nothing(),
            Stage::Suspended => one(PersonReactivated { reason: command.reason.clone() }),
            _ => self.not_now(),
        }
    }

    pub(super) fn record_death(&self, command: &RecordDeath, context: &Context) -> Decision {
        if self.stage() == Stage::Deceased && self.death_date == Some(command.date) {
            return nothing();
        }
        self.living()?;
        not_in_future(command.date, context)?;
        if self.birth_date.is_some_and(|born| command.date < born) {
            return Err(PersonError::BeforeBirth);
        }
        one(DeathRecorded { date: command.date })
    }

    pub(super) fn retract_death(&self, command: &RetractDeath, context: &Context) -> Decision {
        if self.stage() != Stage::Deceased {
            return self.living().and_then(|()| nothing());
        }
        named_user(context)?;
        one(DeathRetracted { reason: command.reason.clone() })
    }

    pub(super) fn archive(&self, command: &Archive) -> Decision {
        match self.stage() {
            Stage::Archived => nothing(),
            _ => one(PersonArchived { reason: command.reason.clone() }),
        }
    }

    pub(super) fn restore(&self, command: &Restore) -> Decision {
        match self.stage() {
            Stage::Archived => one(PersonRestored { reason: command.reason.clone() }),
            _ => nothing(),
        }
    }
}
