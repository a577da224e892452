//! What `headwater doctor` says about money: whether some came that pays for nothing, and whether some is
//! to be given back. Not here: the lists; queries of `stripe-inbox` give them.

use std::collections::BTreeMap;

use domain::money::{Currency, Money};
use infrastructure::client::Client;
use kit::TableProjection as _;
use projections::StripeInbox;
use serde::Deserialize;

/// How many payments of a kind there are, and what they come to in one currency.
#[derive(Debug, Deserialize)]
struct Total {
    what: String,
    currency: String,
    payments: u64,
    amount_minor: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct Answer {
    rows: Vec<Total>,
}

/// What somebody should look at, as the read model tells.
pub(super) async fn warnings(client: &Client) -> Vec<String> {
    // As many as there are rows in one answer; nobody has so many currencies.
    let params = BTreeMap::from([("limit", 200)]);
    let answer = client.query(StripeInbox::NAME, "totals", &params).await;
    let read = answer.map_err(|problem| problem.to_string()).and_then(|answer| {
        serde_json::from_str::<Answer>(answer.get()).map_err(|error| error.to_string())
    });
    match read {
        Ok(Answer { rows }) => told(&rows),
        Err(why) => vec![format!("nobody can say which money of Stripe's pays for nothing: {why}")],
    }
}

fn told(totals: &[Total]) -> Vec<String> {
    // What is on its way (`received`) will be there at the next look, or among the dead letters.
    let aside = sum(totals, &["held", "set-aside"]).map(|sum| {
        format!(
            "money that pays for nothing: {sum}; `headwater query stripe-inbox unaccounted` lists it"
        )
    });
    let due = sum(totals, &["refund-due"]).map(|sum| {
        format!("money to give back: {sum}; `headwater query stripe-inbox refunds-due` lists it")
    });
    aside.into_iter().chain(due).collect()
}

/// Payments of these kinds in words; nothing if there are none.
fn sum(totals: &[Total], kinds: &[&str]) -> Option<String> {
    let mut by_currency: BTreeMap<&str, i64> = BTreeMap::new();
    let mut payments = 0;
    for total in totals.iter().filter(|total| kinds.contains(&total.what.as_str())) {
        payments += total.payments;
        let sum = by_currency.entry(&total.currency).or_default();
        *sum = sum.saturating_add(total.amount_minor.unwrap_or_default());
    }
    // What an event does not say in a way that can be told stands under no currency.
    let amount = |(currency, amount): (&str, i64)| {
        let currency: Currency = currency.parse().ok()?;
        Some(Money::new(amount, currency).to_string())
    };
    let amounts: Vec<_> = by_currency.into_iter().filter_map(amount).collect();
    let amounts = match amounts.is_empty() {
        true => String::new(),
        false => format!(" ({})", amounts.join(", ")),
    };
    (payments > 0).then(|| format!("payments {payments}{amounts}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(what: &str, currency: &str, payments: u64, amount_minor: Option<i64>) -> Total {
        Total { what: what.to_owned(), currency: currency.to_owned(), payments, amount_minor }
    }

    #[test]
    fn money_is_added_up_by_currency_and_what_is_on_its_way_is_not() {
        let totals = [
            total("held", "eur", 1, Some(4900)),
            total("received", "eur", 9, Some(9)),
            total("refund-due", "jpy", 1, Some(500)),
            total("set-aside", "", 1, None),
            total("set-aside", "eur", 2, Some(110)),
            total("set-aside", "usd", 1, Some(5)),
        ];
        assert_eq!(
            told(&totals),
            [
                "money that pays for nothing: payments 5 (50.10 EUR, 0.05 USD); `headwater query \
                 stripe-inbox unaccounted` lists it",
                "money to give back: payments 1 (500 JPY); `headwater query stripe-inbox \
                 refunds-due` lists it",
            ]
        );
        assert_eq!(told(&totals[1..2]), [] as [String; 0]);
    }
}
