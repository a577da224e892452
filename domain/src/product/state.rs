//! Where a product stands, and where each event leads.
//! Not here: the rules that make events.

use std::collections::BTreeMap;

use kit::Machine;
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::ProductEvent;
use crate::{
    money::{Currency, Money},
    values::{Label, Prose},
};

/// Minor units by currency.
pub type Prices = BTreeMap<Currency, i64>;

/// What is known about a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// What it is called.
    pub name: Label,
    /// What it is.
    pub description: Option<Prose<2_000>>,
    /// What it costs.
    pub prices: Prices,
}

/// Where a product stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[strum_discriminants(
    name(ProductStage),
    derive(VariantArray, IntoStaticStr),
    doc = "Where a product stands, without its data."
)]
pub enum Product {
    /// Never offered.
    #[default]
    Unknown,
    /// Offered.
    Active(Details),
    /// No longer offered.
    Retired(Details),
}

impl Product {
    /// What is known, once it was offered.
    #[must_use]
    pub const fn details(&self) -> Option<&Details> {
        match self {
            Self::Unknown => None,
            Self::Active(details) | Self::Retired(details) => Some(details),
        }
    }

    /// What it costs in `currency`, if it is offered in it.
    #[must_use]
    pub fn price(&self, currency: Currency) -> Option<Money> {
        match self {
            Self::Active(details) => {
                details.prices.get(&currency).map(|amount| Money::new(*amount, currency))
            }
            Self::Unknown | Self::Retired(_) => None,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Details)) -> Self {
        if let Self::Active(details) | Self::Retired(details) = &mut self {
            change(details);
        }
        self
    }
}

impl Details {
    fn take(&mut self, event: &ProductEvent) {
        match event {
            ProductEvent::ProductRenamed(renamed) => {
                self.name.clone_from(&renamed.name);
                if renamed.description.is_some() {
                    self.description.clone_from(&renamed.description);
                }
            }
            ProductEvent::PriceChanged(changed) => {
                match changed.amount {
                    Some(amount) => self.prices.insert(changed.currency, amount),
                    None => self.prices.remove(&changed.currency),
                };
            }
            _ => {}
        }
    }
}

impl Machine for Product {
    type Event = ProductEvent;
    type Stage = ProductStage;

    #[rustfmt::skip] // A table: one arrow per line.
    fn after(self, event: &ProductEvent) -> Result<Self, Self> {
        use ProductEvent as E;
        Ok(match (self, event) {
            (Self::Unknown, E::ProductCreated(e)) => Self::Active(Details {
                name: e.name.clone(), description: e.description.clone(), prices: e.prices.clone(),
            }),
            (Self::Active(d),  E::ProductRetired(_))  => Self::Retired(d),
            (Self::Retired(d), E::ProductRestored(_)) => Self::Active(d),
            (here @ (Self::Active(_) | Self::Retired(_)), E::ProductRenamed(_) | E::PriceChanged(_)) =>
                here.with(|details| details.take(event)),
            (here, _) => return Err(here),
        })
    }

    fn stage(&self) -> ProductStage {
        self.into()
    }
}
