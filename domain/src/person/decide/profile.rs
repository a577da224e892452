//! Rules of names, the birth date, tags and preferences.
//! Not here: the death date; it moves the lifecycle.

use chrono::NaiveDate;
use kit::Context;

use super::{Decision, Stage, named_user, not_in_future, nothing, one, room};
use crate::person::{
    AddTag, BirthDateCorrected, BirthDateSet, ChangeName, CorrectBirthDate, NameChanged, Person,
    PersonError, PreferencesChanged, RemoveTag, SetBirthDate, SetPreferences, Tagged, Untagged,
};

/// Most tags of a person.
const TAGS_MAX: usize = 100;

impl Person {
    pub(super) fn change_name(&self, command: &ChangeName, context: &Context) -> Decision {
        self.living()?;
        if self.names.get(&command.usage) == Some(&command.name) {
            return nothing();
        }
        if let Some(effective) = command.effective {
            not_in_future(effective, context)?;
        }
        one(NameChanged {
            usage: command.usage,
            name: command.name.clone(),
            reason: command.reason.clone(),
            effective: command.effective,
        })
    }

    pub(super) fn set_birth_date(&self, command: &SetBirthDate, context: &Context) -> Decision {
        self.birth_known_at_all()?;
        match self.birth_date {
            Some(date) if date == command.date => nothing(),
            Some(_) => Err(PersonError::BirthDateAlreadySet),
            None => {
                self.could_be_born(command.date, context)?;
                one(BirthDateSet { date: command.date })
            }
        }
    }

    pub(super) fn correct_birth_date(
        &self,
        command: &CorrectBirthDate,
        context: &Context,
    ) -> Decision {
        self.birth_known_at_all()?;
        match self.birth_date {
            None => Err(PersonError::BirthDateNotSet),
            Some(date) if date == command.date => nothing(),
            Some(_) => {
                named_user(context)?;
                self.could_be_born(command.date, context)?;
                one(BirthDateCorrected { date: command.date, reason: command.reason.clone() })
            }
        }
    }

    /// A birth date may become known after death, and not in a closed record.
    fn birth_known_at_all(&self) -> Result<(), PersonError> {
        if self.stage() == Stage::Deceased { Ok(()) } else { self.living() }
    }

    fn could_be_born(&self, date: NaiveDate, context: &Context) -> Result<(), PersonError> {
        not_in_future(date, context)?;
        if self.death_date.is_some_and(|died| date > died) {
            return Err(PersonError::AfterDeath);
        }
        Ok(())
    }

    pub(super) fn add_tag(&self, command: &AddTag) -> Decision {
        self.living()?;
        if self.tags.contains(&command.tag) {
            return nothing();
        }
        room(self.tags.len(), TAGS_MAX)?;
        one(Tagged { tag: command.tag.clone() })
    }

    pub(super) fn remove_tag(&self, command: &RemoveTag) -> Decision {
        self.living()?;
        if !self.tags.contains(&command.tag) {
            return nothing();
        }
        one(Untagged { tag: command.tag.clone() })
    }

    pub(super) fn set_preferences(&self, command: &SetPreferences) -> Decision {
        self.living()?;
        if self.preferences == *command {
            return nothing();
        }
        one(PreferencesChanged { preferences: command.clone() })
    }
}
