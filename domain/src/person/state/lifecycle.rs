//! The stages of a person's life. Each remembers only what it may have to return to.
//! Not here: who may ask for which step.

use kit::Machine;
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use crate::person::PersonEvent;

/// Where a person stands in life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[strum_discriminants(name(LifecycleStage), doc = "The kinds of [`Lifecycle`].")]
#[strum_discriminants(derive(VariantArray, IntoStaticStr))]
pub enum Lifecycle {
    /// Nobody is known yet.
    #[default]
    Unknown,
    /// Known, and not taking part yet.
    Provisional,
    /// Taking part.
    Active,
    /// Not taking part for now.
    Suspended(Standing),
    /// Dead.
    Deceased(Living),
    /// The record is closed.
    Archived(Lasting),
}

/// What a suspension returns to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// [`Lifecycle::Provisional`]
    Provisional,
    /// [`Lifecycle::Active`]
    Active,
}

/// What the retraction of a death returns to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Living {
    /// Not suspended.
    Free(Standing),
    /// [`Lifecycle::Suspended`]
    Suspended(Standing),
}

/// What the restoration of a closed record returns to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lasting {
    /// Not dead.
    Living(Living),
    /// [`Lifecycle::Deceased`]
    Deceased(Living),
}

impl From<Standing> for Lifecycle {
    fn from(before: Standing) -> Self {
        match before {
            Standing::Provisional => Self::Provisional,
            Standing::Active => Self::Active,
        }
    }
}

impl From<Living> for Lifecycle {
    fn from(before: Living) -> Self {
        match before {
            Living::Free(standing) => standing.into(),
            Living::Suspended(standing) => Self::Suspended(standing),
        }
    }
}

impl From<Lasting> for Lifecycle {
    fn from(before: Lasting) -> Self {
        match before {
            Lasting::Living(living) => living.into(),
            Lasting::Deceased(living) => Self::Deceased(living),
        }
    }
}

impl Machine for Lifecycle {
    type Event = PersonEvent;
    type Stage = LifecycleStage;

    #[rustfmt::skip] // A table: one arrow per line. It looks at kinds, never at values.
    fn after(self, event: &PersonEvent) -> Result<Self, Self> {
        use {Lasting as L, PersonEvent as E, Standing as S};
        Ok(match (self, event) {
            (Self::Unknown,           E::PersonCreated(_))     => Self::Provisional,
            (Self::Provisional,       E::PersonActivated(_))   => Self::Active,
            // Who is activated while suspended takes part as soon as the suspension ends.
            (Self::Suspended(S::Provisional), E::PersonActivated(_)) => Self::Suspended(S::Active),
            (Self::Provisional,       E::PersonSuspended(_))   => Self::Suspended(S::Provisional),
            (Self::Active,            E::PersonSuspended(_))   => Self::Suspended(S::Active),
            (Self::Suspended(before), E::PersonReactivated(_)) => before.into(),
            (Self::Provisional,       E::DeathRecorded(_))     => Self::Deceased(Living::Free(S::Provisional)),
            (Self::Active,            E::DeathRecorded(_))     => Self::Deceased(Living::Free(S::Active)),
            (Self::Suspended(before), E::DeathRecorded(_))     => Self::Deceased(Living::Suspended(before)),
            (Self::Deceased(before),  E::DeathRetracted(_))    => before.into(),
            (Self::Provisional,       E::PersonArchived(_))    => Self::Archived(L::Living(Living::Free(S::Provisional))),
            (Self::Active,            E::PersonArchived(_))    => Self::Archived(L::Living(Living::Free(S::Active))),
            (Self::Suspended(before), E::PersonArchived(_))    => Self::Archived(L::Living(Living::Suspended(before))),
            (Self::Deceased(before),  E::PersonArchived(_))    => Self::Archived(L::Deceased(before)),
            (Self::Archived(before),  E::PersonRestored(_))    => before.into(),
            (here, _) => return Err(here),
        })
    }

    fn stage(&self) -> LifecycleStage {
        self.into()
    }
}
