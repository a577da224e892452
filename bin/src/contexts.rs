//! What the service is made of: the one list of aggregates, policies and projections.
//! A part that is not listed here does not run. Not here: how any of them runs.

use anyhow::Result;
use domain::{
    design::Design, mail::Mail, onboarding::Onboarding, person::Person, product::Product,
    reservation::Reservation, stripe_event::StripeEvent,
};
use effects::{FeesDue, MailsDue};
use infrastructure::{composition::Composition, problem::Problem};
use kit::{Aggregate, excerpt};
use policies::{
    ActivateOnOnboarding, AnnounceDesign, CertificationExpiry, EraseStripeEvents, ExpireOnboarding,
    ExpireVerification, OnboardingDriver, RecordStripePayments, RemindOfOnboarding,
    ReserveVerifiedEmail, SendVerification, SetAsideUnfitPayments, Welcome,
};
use projections::{
    DesignFunnel, DesignPatterns, DesignRequests, Directory, OnboardingBoard, People, Skills,
    StripeInbox, Timeline,
};

use crate::reader::Reader;

/// Something that takes every aggregate type, one after the other.
trait Visit: Sized {
    fn visit<A: Aggregate>(self) -> Self;
}

fn aggregates<V: Visit>(visitor: V) -> V {
    visitor
        .visit::<Person>()
        .visit::<Onboarding>()
        .visit::<Reservation>()
        .visit::<Mail>()
        .visit::<Product>()
        .visit::<Design>()
        .visit::<StripeEvent>()
}

/// Everything, ready to run.
#[must_use]
pub fn composition() -> Composition {
    aggregates(Composition::new())
        .policy(OnboardingDriver)
        .policy(ActivateOnOnboarding)
        .policy(ReserveVerifiedEmail)
        .policy(SendVerification)
        .policy(Welcome)
        .policy(ExpireVerification)
        .policy(ExpireOnboarding)
        .policy(RemindOfOnboarding)
        .policy(CertificationExpiry)
        .policy(RecordStripePayments)
        .policy(SetAsideUnfitPayments)
        .policy(AnnounceDesign)
        .policy(EraseStripeEvents)
        .projection(People)
        .projection(Directory)
        .projection(Timeline)
        .projection(OnboardingBoard)
        .tables(Skills)
        .tables(DesignRequests)
        .tables(DesignFunnel)
        .tables(DesignPatterns)
        .tables(StripeInbox)
}

/// The same and what only runs where it is given the means to, such as a mail server: for looking at
/// what it would do, never for running.
#[must_use]
pub fn for_looking() -> Composition {
    composition().effect(MailsDue).effect(FeesDue)
}

impl Visit for Composition {
    fn visit<A: Aggregate>(self) -> Self {
        self.aggregate::<A>()
    }
}

impl Visit for Vec<Reader> {
    fn visit<A: Aggregate>(mut self) -> Self {
        self.push(Reader::of::<A>());
        self
    }
}

/// A reader of each aggregate type.
#[must_use]
pub fn readers() -> Vec<Reader> {
    aggregates(Vec::new())
}

/// The reader of one aggregate type.
///
/// # Errors
/// `unknown-aggregate`, naming those that there are.
pub fn reader(aggregate: &str) -> Result<Reader, Problem> {
    let readers = readers();
    let known = || readers.iter().map(|reader| reader.aggregate).collect::<Vec<_>>().join(", ");
    let found = readers.iter().find(|reader| reader.aggregate == aggregate).copied();
    found.ok_or_else(|| {
        let wanted = excerpt(aggregate);
        Problem::unknown_aggregate(format!("{wanted:?} is none of {}", known()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_consistent() {
        composition().check().unwrap();
        for_looking().check().unwrap();
    }
}
