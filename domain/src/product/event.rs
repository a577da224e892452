//! What can have happened to a product. Names and fields are the wire: add a version, never edit one.
//! Not here: where an event leads.

use super::Prices;
use crate::{
    money::Currency,
    values::{Label, Prose, Reason},
};

kit::events! {
    /// What can have happened to a product.
    pub enum ProductEvent for "product" {
        "product-created" => ProductCreated: 1,
        "product-renamed" => ProductRenamed: 1,
        "price-changed" => PriceChanged: 1,
        "product-retired" => ProductRetired: 1,
        "product-restored" => ProductRestored: 1,
    }
}

payloads! {
    /// It is offered.
    ProductCreated {
        /// What it is called.
        name: Label,
        /// What it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<Prose<2_000>>,
        /// What it costs: minor units by currency.
        prices: Prices,
    }
    /// It is called something else.
    ProductRenamed {
        /// What it is called from now on.
        name: Label,
        /// What it is, if that is said anew.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<Prose<2_000>>,
    }
    /// It has another price in one currency.
    PriceChanged {
        /// The currency.
        currency: Currency,
        /// How many minor units; absent if it is no longer sold in this currency.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount: Option<i64>,
    }
    /// It is no longer offered.
    ProductRetired {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    }
    /// It is offered again.
    ProductRestored {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    }
}
