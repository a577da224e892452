//! What a request costs: its product's price, which routes quote before anything is paid.
//! Not here: which quote stands; the aggregate decides that.

use domain::{
    design::{Design, Quote},
    money::{Currency, Money},
    product::Product,
};
use infrastructure::problem::Problem;

use crate::past::Past;

/// The command that quotes `price`.
pub(super) const fn quote(price: Money) -> Quote {
    let Money { amount, currency } = price;
    Quote { amount, currency, provenance: None }
}

/// What the product of `design` costs, in `currency` unless it has one price only.
pub(super) async fn price(
    past: &Past,
    design: &Design,
    currency: Option<Currency>,
) -> Result<Money, Problem> {
    let product_id = design.origin.as_ref().and_then(|origin| origin.product_id.as_ref());
    let product_id = product_id.ok_or_else(|| {
        Problem::refused("no-price", "the request names no product, and nobody quoted a price")
    })?;
    let product: Product = past.state(product_id).await?;
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
