//! What may be asked of the inbox. Names and fields are the wire.
//! Not here: the rules.

use crate::values::{Prose, Reason, Text};

/// Stripe's words, byte for byte.
pub type Payload = Prose<{ 256 * 1024 }>;

kit::commands! {
    /// What may be asked of the inbox.
    pub enum StripeEventCommand {
        "receive" => Receive,
        "set-aside" => SetAside,
        "erase-personal-data" => EraseStripeEvent,
    }
}

bodies! {
    /// Take an event in whose signature is verified.
    Receive {
        /// The body of Stripe's request.
        payload: Payload,
    }
    /// It does not fit: somebody has to look at it.
    SetAside {
        /// Why, for programs.
        code: Text<100>,
        /// Why, for people.
        detail: Reason,
    }
    /// Erase what it says. It does not come back.
    EraseStripeEvent {}
}
