//! Why a product refuses a command.
//! Not here: how a refusal travels.

use crate::money::AMOUNT_MAX;

/// Why a product refuses a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProductError {
    /// There is no such product.
    #[error("there is no product under this id; create it first")]
    NotFound,
    /// The id is taken by another product.
    #[error("another product was created under this id, or it was changed since")]
    ProductExists,
    /// Nobody pays that.
    #[error("a price is 1 to {AMOUNT_MAX} minor units")]
    InvalidAmount,
}

impl kit::DomainError for ProductError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::ProductExists => "product-exists",
            Self::InvalidAmount => "invalid-amount",
        }
    }
}
