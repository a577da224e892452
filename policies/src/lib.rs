//! The policies: one file per sentence, whenever this has happened, then that is asked for. Pure,
//! so that a repeated event repeats its orders.
//! Not here: delivery, retries, command ids, and anything that touches the outside.

mod activate_on_onboarding;
mod onboarding_driver;
mod reserve_verified_email;
mod send_verification;
mod welcome;

pub use activate_on_onboarding::ActivateOnOnboarding;
pub use onboarding_driver::{Happening, OnboardingDriver};
pub use reserve_verified_email::ReserveVerifiedEmail;
pub use send_verification::SendVerification;
pub use welcome::Welcome;
