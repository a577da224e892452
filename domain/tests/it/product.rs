//! A product is offered at prices, and no longer, and again.

use domain::product::{
    ChangePrice, Product, ProductCommand, ProductError, ProductEvent, RetireProduct, examples,
};
use kit::{
    Aggregate, Chart, Command, Event,
    scenario::{given, given_nothing},
};
use serde_json::json;

use crate::{answers, wire};

#[track_caller]
fn happened(name: &str) -> ProductEvent {
    examples::events().into_iter().find(|event| event.kind().name == name).unwrap()
}

fn asking(name: &str, body: &serde_json::Value) -> ProductCommand {
    ProductCommand::read(name, body.to_string().as_bytes()).unwrap()
}

fn price(product: &Product, currency: &str) -> Option<i64> {
    product.price(currency.parse().unwrap()).map(|money| money.amount)
}

#[test]
fn a_product_has_a_price_in_each_currency_it_is_sold_in() {
    let product = given::<Product>([happened("product-created")]);
    let prices = ["eur", "jpy", "kwd", "usd"].map(|currency| price(product.state(), currency));
    assert_eq!(prices, [Some(4_990), Some(8_000), Some(16_500), None]);
    let changed = |code: &str, amount| ChangePrice { currency: code.parse().unwrap(), amount };
    let product = product.when(changed("eur", Some(4_990))).then_unchanged();
    let product = product.when(changed("eur", Some(5_990))).then([happened("price-changed")]);
    assert_eq!(price(product.state(), "eur"), Some(5_990));
    product.when(changed("usd", None)).then_unchanged();
}

#[test]
fn nobody_buys_what_is_retired() {
    let product = given::<Product>([happened("product-created")])
        .when(RetireProduct { reason: None })
        .then([domain::product::ProductRetired { reason: None }.into()]);
    assert_eq!(price(product.state(), "eur"), None);
}

#[test]
fn a_price_is_more_than_nothing() {
    for amount in [0, -1, i64::MIN, i64::MAX] {
        given_nothing::<Product>()
            .when(asking("create-product", &json!({"name": "Sofa", "prices": {"eur": amount}})))
            .then_refused(ProductError::InvalidAmount);
        given::<Product>([happened("product-created")])
            .when(asking("change-price", &json!({"currency": "eur", "amount": amount})))
            .then_refused(ProductError::InvalidAmount);
    }
    let bad = br#"{"name":"Sofa","prices":{"xyz":1}}"#;
    assert!(ProductCommand::read("create-product", bad).is_err());
}

#[test]
fn an_id_stands_for_one_product() {
    given::<Product>([happened("product-created")])
        .when(asking("create-product", &json!({"name": "Chair", "prices": {}})))
        .then_refused(ProductError::ProductExists);
}

#[test]
fn every_stage_answers_every_command() {
    let pasts = [
        vec![],
        vec![happened("product-created")],
        vec![happened("product-created"), happened("product-retired")],
    ];
    insta::assert_snapshot!(answers::table::<Product>(&pasts, &examples::commands()));
}

#[test]
fn the_life_of_a_product() {
    let [chart]: [Chart; 1] = Product::charts().try_into().unwrap();
    assert!(chart.unreached().is_empty() && chart.never_accepted().is_empty());
    assert!(chart.dead_ends().is_empty());
    insta::assert_snapshot!(chart.mermaid());
}

#[test]
fn the_wire_of_products_is_kept() {
    wire::is_kept(&examples::events());
    wire::is_readable_for_ever::<ProductEvent>();
}
