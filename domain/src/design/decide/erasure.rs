//! Rules of erasing what is personal: once, for good, and the provider's events with it.
//! Not here: keys; whoever keeps the log destroys them because of the event.

use kit::{AggregateId, Personal};

use crate::design::{Design, DesignCommand, DesignEvent, PersonalDataErased, Provenance};

/// Whether `command` is of no use without what it says about a person.
pub(super) const fn is_about_a_person(command: &DesignCommand) -> bool {
    use DesignCommand as C;
    matches!(command, C::CreateRequest(_) | C::AnswerQuestion(_) | C::SubmitRequest(_))
}

impl Design {
    /// Erases what there is to erase.
    pub(super) fn erase(&self) -> Vec<DesignEvent> {
        match &self.erased {
            Some(named) if self.told.is_subset(named) => Vec::new(),
            _ => vec![self.erasure()],
        }
    }

    /// The event that erases, with the provider's events that none before has named.
    pub(super) fn erasure(&self) -> DesignEvent {
        let before = self.erased.as_ref();
        let new = |event: &AggregateId| before.is_none_or(|before| !before.contains(event));
        let stripe_events = self.told.iter().filter(|event| new(event)).cloned().collect();
        PersonalDataErased { stripe_events }.into()
    }

    /// What may still be written of `value`: nothing, once everything personal is erased.
    pub(super) fn personal<T>(&self, value: Option<T>) -> Option<Personal<T>> {
        value.filter(|_| self.erased.is_none()).map(Personal::Known)
    }

    /// The same of where a command says that it comes from.
    pub(super) fn said(&self, provenance: Option<&Provenance>) -> Option<Personal<Provenance>> {
        self.personal(provenance.cloned())
    }
}
