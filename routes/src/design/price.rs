//! What a request costs: its product's price, which routes quote before anything is paid.
//! Not here: which quote stands; the aggregate decides that.

use domain::{
    design::{Design, Quote},
    money::{Currency, Money},
    product::Product,
};
use infrastructure::{histories::Histories, problem::Problem};

/// The command that quotes `price`.
pub(super) const fn quote(price: Money) -> Quote {
    let Money { amount, currency } = price;
    Quote { amount, currency, provenance: None }
}

/// What the product of `design` costs, in `currency` unless it has one price only.
pub(super) async fn price(
    past: &Histories,
    design: &Design,
    currency: Option<Currency>,
) -> Result<Money, Problem> {
    let product = product(past, design).await?.ok_or_else(|| {
        Problem::refused("no-price", "the request names no product, and nobody quoted a price")
    })?;
    let Product::Active(details) = &product else {
        return Err(Problem::refused("no-price", "the request's product is not offered"));
    };
    let currency = match (currency, details.prices.len()) {
        (Some(currency), _) => Some(currency),
        (None, 1) => details.prices.keys().next().copied(),
        (None, _) => {
            return Err(Problem::invalid(
                "the product has no price, or several: name the `currency`",
            ));
        }
    };
    let price = currency.and_then(|currency| product.price(currency));
    price.ok_or_else(|| Problem::refused("no-price", "the product has no price in this currency"))
}

/// Whether the product of `design` is offered at any price.
pub(super) async fn has_price(past: &Histories, design: &Design) -> Result<bool, Problem> {
    let product = product(past, design).await?;
    Ok(matches!(product, Some(Product::Active(details)) if !details.prices.is_empty()))
}

async fn product(past: &Histories, design: &Design) -> Result<Option<Product>, Problem> {
    let id = design.origin.as_ref().and_then(|origin| origin.product_id.as_ref());
    match id {
        Some(id) => past.fold(id).await.map(Some),
        None => Ok(None),
    }
}
