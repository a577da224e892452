//! Where an event of the inbox stands, and where each event leads.
//! Not here: what it says; nobody decides by it, and the log has it.

use kit::Machine;
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::StripeEventEvent;

/// Where an event of the inbox stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[strum_discriminants(
    name(StripeEventStage),
    derive(VariantArray, IntoStaticStr),
    doc = "Where an event of the inbox stands."
)]
pub enum StripeEvent {
    /// It never came.
    #[default]
    Unknown,
    /// It is here, and concerns us.
    Received,
    /// It is here, and means nothing to us.
    Ignored,
    /// It did not fit.
    SetAside,
    /// It was here, and what it said is erased.
    Erased,
}

impl Machine for StripeEvent {
    type Event = StripeEventEvent;
    type Stage = StripeEventStage;

    #[rustfmt::skip] // A table: one arrow per line.
    fn after(self, event: &StripeEventEvent) -> Result<Self, Self> {
        use StripeEventEvent as E;
        Ok(match (self, event) {
            (Self::Unknown,  E::StripeEventReceived(_)) => Self::Received,
            (Self::Unknown,  E::StripeEventIgnored(_))  => Self::Ignored,
            (Self::Received, E::StripeEventSetAside(_)) => Self::SetAside,
            (Self::Received | Self::Ignored | Self::SetAside, E::StripeEventErased(_)) => Self::Erased,
            (here, _) => return Err(here),
        })
    }

    fn stage(&self) -> StripeEventStage {
        self.into()
    }
}
