//! What is known of Stripe: how its webhooks are signed, and how its API is asked.
//! It knows nothing of this service. Not here: what an event of Stripe's means for a design request.

mod client;
mod error;
mod event;
mod objects;
mod secret;
pub mod signature;

pub use client::{Client, ClientOptions, IntentRequest, Page, Unusable};
pub use error::Error;
pub use event::{EventHead, NotAnEvent};
pub use objects::{Balance, ClientSecret, IntentStatus, PaymentIntent};
pub use secret::{ApiKey, Mode, NotAKey, NotASecret, SigningSecret, SigningSecrets};
