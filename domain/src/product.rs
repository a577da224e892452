//! A product: what can be asked for, and what it costs in each currency.
//!
//! The price at which a request is quoted is looked up here once; a later change of price does not
//! reach requests that are quoted already.
//! Not here: requests, stock, and taxes.

mod aggregate;
mod command;
mod decide;
mod error;
mod event;
pub mod examples;
mod state;

pub use command::{
    ChangePrice, CreateProduct, ProductCommand, RenameProduct, RestoreProduct, RetireProduct,
};
pub use error::ProductError;
pub use event::{
    PriceChanged, ProductCreated, ProductEvent, ProductRenamed, ProductRestored, ProductRetired,
};
pub use state::{Details, Prices, Product, ProductStage};
