//! What may be asked of a product. Names and fields are the wire.
//! Not here: the rules.

use super::Prices;
use crate::{
    money::Currency,
    values::{Label, Prose, Reason},
};

kit::commands! {
    /// What may be asked of a product.
    pub enum ProductCommand {
        "create-product" => CreateProduct,
        "rename-product" => RenameProduct,
        "change-price" => ChangePrice,
        "retire-product" => RetireProduct,
        "restore-product" => RestoreProduct,
    }
}

bodies! {
    /// Offer a product under this id.
    CreateProduct {
        /// What it is called.
        name: Label,
        /// What it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<Prose<2_000>>,
        /// What it costs: minor units by currency, such as `{"eur": 4990}`.
        prices: Prices,
    }
    /// Call it something else, and say what it is if that is given.
    RenameProduct {
        /// What it is called from now on.
        name: Label,
        /// What it is; if absent, that stays as it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<Prose<2_000>>,
    }
    /// Set the price in one currency.
    ChangePrice {
        /// The currency.
        currency: Currency,
        /// How many minor units; if absent, it is no longer sold in this currency.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount: Option<i64>,
    }
    /// Offer it no longer.
    RetireProduct {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    }
    /// Offer it again.
    RestoreProduct {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    }
}
