//! The policies: one file per sentence, whenever this has happened, then that is asked for. Pure,
//! so that a repeated event repeats its orders.
//! Not here: delivery, retries, command ids, and anything that touches the outside.

mod activate_on_onboarding;
mod announce_design;
mod erase_stripe_events;
mod expire_certification;
mod expire_onboarding;
mod expire_verification;
mod onboarding_driver;
mod record_stripe_payments;
mod remind_of_onboarding;
mod reserve_verified_email;
mod send_verification;
mod set_aside_unfit_payments;
mod welcome;

pub use activate_on_onboarding::ActivateOnOnboarding;
pub use announce_design::AnnounceDesign;
pub use erase_stripe_events::EraseStripeEvents;
pub use expire_certification::CertificationExpiry;
pub use expire_onboarding::ExpireOnboarding;
pub use expire_verification::ExpireVerification;
pub use onboarding_driver::{Happening, OnboardingDriver};
pub use record_stripe_payments::RecordStripePayments;
pub use remind_of_onboarding::RemindOfOnboarding;
pub use reserve_verified_email::ReserveVerifiedEmail;
pub use send_verification::SendVerification;
pub use set_aside_unfit_payments::SetAsideUnfitPayments;
pub use welcome::Welcome;
