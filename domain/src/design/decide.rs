//! The rules: what follows from each command, or why it may not be.
//! Not here: where the facts lead.
//!
//! Asking for what is already so yields no event. What a provider reports is taken in at any time,
//! whatever has become of the request: the money has moved, and somebody has to know.

mod answers;
mod erasure;
mod payment;
mod request;

use kit::{Context, Machine as _, Personal};

use super::{
    Design, DesignCommand, DesignError, DesignEvent, DesignStatus as Status, Provenance,
    RefundRequested,
};
use crate::money::Money;

pub use answers::{QUESTIONS_MAX, VERSIONS_MAX};
pub use payment::FACTS_MAX;

type Decision = Result<Vec<DesignEvent>, DesignError>;

fn one(event: impl Into<DesignEvent>) -> Decision {
    Ok(vec![event.into()])
}

/// It is already so.
const fn nothing() -> Decision {
    Ok(Vec::new())
}

impl Design {
    /// What follows from `command`.
    pub(super) fn consider(&self, command: &DesignCommand, context: &Context) -> Decision {
        use DesignCommand as C;
        if self.status() == Status::Unknown && !matches!(command, C::CreateRequest(_)) {
            return Err(DesignError::NotFound);
        }
        if self.erased.is_some() && erasure::is_about_a_person(command) {
            return Err(DesignError::PersonalDataErased);
        }
        match command {
            C::CreateRequest(command) => self.create(command),
            C::AnswerQuestion(command) => self.answer(command, context),
            C::SubmitRequest(command) => self.submit(command),
            C::CancelRequest(command) => self.cancel(command),
            C::Quote(command) => self.quoted(command),
            C::RecordPayment(command) => self.record_payment(command),
            C::RecordFees(command) => self.record_fees(command),
            C::StartDesign(command) => self.start(command),
            C::CompleteDesign(command) => self.complete(command),
            C::ErasePersonalData(_) => Ok(self.erase()),
        }
    }

    /// Not in this status.
    fn not_now<T>(&self) -> Result<T, DesignError> {
        Err(DesignError::NotWhile(self.status()))
    }

    /// Where the request stands after `event`.
    fn status_after(&self, event: impl Into<DesignEvent>) -> Status {
        let mut after = self.lifecycle;
        after.advance(&event.into());
        after.stage()
    }

    /// The request as `events` make it.
    fn after(&self, events: &[DesignEvent]) -> Self {
        let mut after = self.clone();
        events.iter().for_each(|event| after.take(event));
        after
    }

    /// `event`, and what is to be given back because of it.
    fn with_refunds(
        &self,
        event: impl Into<DesignEvent>,
        provenance: Option<&Provenance>,
    ) -> Decision {
        let (event, mut after) = (event.into(), self.clone());
        after.take(&event);
        let refund = |(intent_id, money, reason): (_, Money, _)| {
            let provenance = provenance.map(Provenance::author).map(Personal::Known);
            let Money { amount, currency } = money;
            RefundRequested { intent_id, amount, currency, reason, provenance }.into()
        };
        Ok(std::iter::once(event).chain(after.refunds_due().into_iter().map(refund)).collect())
    }
}
