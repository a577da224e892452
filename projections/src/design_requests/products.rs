//! What is asked for, and what it costs.

use chrono::{DateTime, Utc};
use domain::{
    money::{Currency, Money},
    product::ProductEvent,
};
use kit::{
    AggregateId,
    tables::{Change, Column, Table, Value},
};

use super::states::Values;
use crate::money::major;

pub(super) const PRODUCTS: Table = Table {
    name: "products",
    columns: &[
        Column::text("product_id"),
        Column::text("name"),
        Column::text("description").or_null(),
        Column::bool("active"),
        Column::time("created_at"),
        Column::time("updated_at"),
    ],
    key: &["product_id"],
    indexes: &[],
};

pub(super) const PRICES: Table = Table {
    name: "product_prices",
    columns: &[
        Column::text("product_id"),
        Column::text("currency"),
        Column::decimal("price"),
        Column::int("price_minor"),
    ],
    key: &["product_id", "currency"],
    indexes: &[],
};

pub(super) fn changes(
    product: &AggregateId,
    time: DateTime<Utc>,
    event: &ProductEvent,
) -> Vec<Change> {
    use ProductEvent as E;
    let set = |mut values: Values| {
        values.push(("updated_at", time.into()));
        PRODUCTS.set([product.into()], values)
    };
    match event {
        E::ProductCreated(e) => {
            let row = PRODUCTS.put([
                ("product_id", product.into()),
                ("name", e.name.as_str().into()),
                ("description", e.description.as_ref().map(|it| it.as_str()).into()),
                ("active", true.into()),
                ("created_at", time.into()),
                ("updated_at", time.into()),
            ]);
            let prices = e
                .prices
                .iter()
                .map(|(currency, amount)| price(product, Money::new(*amount, *currency)));
            std::iter::once(row).chain(prices).collect()
        }
        E::ProductRenamed(e) => {
            let described = e.description.as_ref().map(|it| ("description", it.as_str().into()));
            vec![set([("name", e.name.as_str().into())].into_iter().chain(described).collect())]
        }
        E::PriceChanged(e) => vec![set(Vec::new()), changed(product, e.currency, e.amount)],
        E::ProductRetired(_) => vec![set(vec![("active", false.into())])],
        E::ProductRestored(_) => vec![set(vec![("active", true.into())])],
    }
}

fn changed(product: &AggregateId, currency: Currency, amount: Option<i64>) -> Change {
    let gone = || PRICES.delete([product.into(), Value::from(currency.as_str())]);
    amount.map_or_else(gone, |amount| price(product, Money::new(amount, currency)))
}

fn price(product: &AggregateId, money: Money) -> Change {
    PRICES.put([
        ("product_id", product.into()),
        ("currency", money.currency.as_str().into()),
        ("price", major(money)),
        ("price_minor", money.amount.into()),
    ])
}
