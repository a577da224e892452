//! A lamp: small, with a past of three versions, a stage that nothing reaches, an event that
//! nothing accepts, and a command that counts.

use kit::{Aggregate, Context, DomainError, Machine};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

macro_rules! data {
    ($($Name:ident { $($field:ident: $Type:ty),* })*) => {$(
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $Name { $(pub(crate) $field: $Type),* }
    )*};
}

data! {
    Lit { lumens: u32, colour: String }
    LitV2 { lumens: u32 }
    LitV1 { bright: bool }
    PutOut {}
    Burst {}
    Polished {}
    Light { lumens: u32 }
    Douse {}
    Polish {}
}

impl From<LitV1> for LitV2 {
    fn from(old: LitV1) -> Self {
        Self { lumens: if old.bright { 800 } else { 200 } }
    }
}

impl From<LitV2> for Lit {
    fn from(old: LitV2) -> Self {
        Self { lumens: old.lumens, colour: "white".to_owned() }
    }
}

kit::past! { LitV1: 1, LitV2: 2 from LitV1 }

kit::events! {
    /// What happens to a lamp.
    pub(crate) enum LampEvent for "lamp" {
        "lit" => Lit: 3 from LitV2,
        "put-out" => PutOut: 1,
        "burst" => Burst: 1,
        "polished" => Polished: 1,
    }
}

kit::commands! {
    /// What may be asked of a lamp.
    pub(crate) enum LampCommand {
        "light" => Light,
        "douse" => Douse,
        "polish" => Polish,
    }
}

/// A lamp.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[strum_discriminants(name(LampStage), derive(VariantArray, IntoStaticStr))]
pub(crate) enum Lamp {
    #[default]
    Dark,
    Shining {
        lumens: u32,
    },
    Broken,
    Melted,
}

impl Machine for Lamp {
    type Event = LampEvent;
    type Stage = LampStage;

    fn after(self, event: &LampEvent) -> Result<Self, Self> {
        use LampEvent as E;
        Ok(match (self, event) {
            (Self::Dark | Self::Shining { .. }, E::Lit(e)) => Self::Shining { lumens: e.lumens },
            (Self::Shining { .. }, E::PutOut(_)) => Self::Dark,
            (Self::Dark | Self::Shining { .. }, E::Burst(_)) => Self::Broken,
            (here, _) => return Err(here),
        })
    }

    fn stage(&self) -> LampStage {
        self.into()
    }
}

/// Why not.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("the lamp is broken")]
pub(crate) struct LampError;

impl DomainError for LampError {
    fn code(&self) -> &'static str {
        "broken"
    }
}

impl Aggregate for Lamp {
    const TYPE: &'static str = "lamp";
    const STATE_SCHEMA: u32 = 1;
    type Command = LampCommand;
    type Event = LampEvent;
    type Error = LampError;

    fn decide(&self, command: &LampCommand, _: &Context) -> Result<Vec<LampEvent>, LampError> {
        match (self, command) {
            (Self::Broken, _) => Err(LampError),
            (Self::Shining { lumens }, LampCommand::Light(c)) if *lumens == c.lumens => Ok(vec![]),
            (_, LampCommand::Light(c)) => Ok(vec![lit(c.lumens)]),
            (Self::Shining { .. }, LampCommand::Douse(_)) => Ok(vec![PutOut {}.into()]),
            (_, LampCommand::Douse(_)) => Ok(vec![]),
            (_, LampCommand::Polish(_)) => Ok(vec![Polished {}.into()]),
        }
    }

    fn evolve(&mut self, event: &LampEvent) {
        self.advance(event);
    }
}

/// The lamp shines.
pub(crate) fn lit(lumens: u32) -> LampEvent {
    Lit { lumens, colour: "white".to_owned() }.into()
}

/// One sample of every event.
pub(crate) fn examples() -> Vec<LampEvent> {
    vec![lit(800), PutOut {}.into(), Burst {}.into(), Polished {}.into()]
}
