//! Where a payment stands is a function of the set of facts: no order and no repetition changes it.

use std::collections::BTreeSet;

use domain::design::{
    Design, DesignCommand, DesignError, DesignEvent, DesignStatus, Fact, PaymentFact,
    PaymentStatus, PaymentSummary,
};
use kit::{
    Aggregate, PartId,
    scenario::{context, fold, noon},
};
use proptest::prelude::*;
use serde_json::json;

use super::{ask, asking};

/// A fact as a provider would tell it: each event of the provider's has an id of its own.
#[derive(Debug, Clone)]
struct Told {
    fact: PaymentFact,
    intent: u8,
    second: u8,
    amount: i64,
    named: bool,
}

fn facts() -> impl Strategy<Value = Vec<Told>> {
    let fact = prop::sample::select(
        &[
            PaymentFact::Created,
            PaymentFact::Processing,
            PaymentFact::Failed,
            PaymentFact::Cancelled,
            PaymentFact::Succeeded,
        ][..],
    );
    let told = (fact, 0..3_u8, 0..6_u8, 1..3_i64, any::<bool>()).prop_map(
        |(fact, intent, second, amount, named)| Told { fact, intent, second, amount, named },
    );
    prop::collection::vec(told, 1..12)
}

/// Whether the requests are about a product whose price was quoted, about one whose price is quoted
/// later, or about none.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Price {
    Quoted,
    Later,
    None,
}

fn price() -> impl Strategy<Value = Price> {
    prop::sample::select(&[Price::Quoted, Price::None][..])
}

fn command(price: Price, (ordinal, told): (usize, &Told)) -> DesignCommand {
    let amount = if price == Price::Quoted { 4_990 } else { told.amount };
    let at = noon() + chrono::TimeDelta::seconds(told.second.into());
    let mut body = json!({"intent_id": format!("pi_{}", told.intent), "fact": told.fact, "amount": amount, "currency": "eur", "at": at});
    if told.named {
        body["stripe_event_id"] = json!(format!("evt_{ordinal}"));
    }
    asking("record-payment", &body)
}

/// Successes as Stripe tells them, of several amounts among which is the quoted one, each in an intent of
/// its own.
fn successes_of_several_amounts() -> impl Strategy<Value = Vec<DesignCommand>> {
    let told = (0..6_u8, prop::sample::select(&[4_000_i64, 4_990, 5_000][..]));
    prop::collection::vec(told, 1..6).prop_map(|told| {
        let command = |(ordinal, (second, amount)): (usize, (u8, i64))| {
            let at = noon() + chrono::TimeDelta::seconds(second.into());
            let body = json!({"intent_id": format!("pi_{ordinal}"), "fact": "succeeded", "amount": amount, "currency": "eur", "at": at, "stripe_event_id": format!("evt_{ordinal}")});
            asking("record-payment", &body)
        };
        told.into_iter().enumerate().map(command).collect()
    })
}

/// What everybody can see in the end, and what was asked for on the way.
#[derive(Debug, PartialEq)]
struct End {
    status: DesignStatus,
    payment: Option<PaymentSummary>,
    refunds: BTreeSet<PartId>,
}

/// Asks for everything in this order, as often as it stands there. Checks on the way that a success
/// stays one, that a summary is what the state says, and that no refund is asked for twice.
fn run(price: Price, commands: &[DesignCommand]) -> Result<(Design, End), TestCaseError> {
    let mut past = match price {
        Price::Quoted => ["request-created", "request-quoted"].map(super::happened).to_vec(),
        Price::Later => vec![super::happened("request-created")],
        Price::None => {
            let create = asking("create-request", &json!({"design_code": "D-7"}));
            Design::default().decide(&create, &context(noon(), 0)).unwrap()
        }
    };
    past.push(super::happened("request-submitted"));
    let mut design = fold::<Design>(&past);
    for (ordinal, command) in commands.iter().enumerate() {
        let before = design.payment.status();
        let decided = design.decide(command, &context(noon(), ordinal as u64));
        // Nothing is quoted that nobody will pay.
        let is_late = matches!(command, DesignCommand::Quote(_))
            && design.status() == DesignStatus::Cancelled;
        if is_late {
            prop_assert_eq!(decided, Err(DesignError::NotWhile(DesignStatus::Cancelled)));
            continue;
        }
        let events = decided.unwrap();
        for event in &events {
            if let DesignEvent::RefundRequested(refund) = event {
                prop_assert!(!design.refunds.contains(&refund.intent_id));
            }
            design.evolve(event);
        }
        let after = design.payment.status();
        prop_assert!(before != PaymentStatus::Succeeded || after == before);
        if let Some(DesignEvent::PaymentFailed(failed)) = events.first() {
            prop_assert_eq!(Some(failed.report.payment.clone()), design.payment.summary());
        }
        prop_assert_eq!(design.decide(command, &context(noon(), 0)).unwrap(), vec![]);
        past.extend(events);
    }
    prop_assert_eq!(&fold::<Design>(&past), &design);
    let (status, payment) = (design.status(), design.payment.summary());
    let refunds = design.refunds.clone();
    Ok((design, End { status, payment, refunds }))
}

fn paid(design: &Design) -> impl Iterator<Item = &PartId> {
    let success =
        |(intent, fact): (_, &Fact)| (fact.fact == PaymentFact::Succeeded).then_some(intent);
    design.payment.all().filter_map(success)
}

/// The payments that succeeded.
fn payments(design: &Design) -> BTreeSet<PartId> {
    paid(design).cloned().collect()
}

/// How often a success was told.
fn successes(design: &Design) -> usize {
    paid(design).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_order_and_any_repetition_of_the_same_facts_end_the_same(
        price in price(),
        (facts, order) in facts().prop_flat_map(|facts| {
            let places: Vec<_> = (0..facts.len()).chain(0..facts.len()).collect();
            (Just(facts), Just(places).prop_shuffle())
        }),
    ) {
        let told: Vec<_> = facts.iter().enumerate().map(|fact| command(price, fact)).collect();
        let shuffled: Vec<_> = order.iter().map(|place| told[*place].clone()).collect();
        let (straight, end) = run(price, &told)?;
        let (mixed, other) = run(price, &shuffled)?;
        prop_assert_eq!(&straight.payment, &mixed.payment);
        prop_assert_eq!((end.status, end.payment), (other.status, other.payment));
        // One success is kept. Which one follows from the set, too, unless one payment succeeds at two
        // times: then an earlier one may turn up when the later one has been given back.
        let paid = payments(&straight).len();
        prop_assert_eq!(end.refunds.len(), paid.saturating_sub(1));
        prop_assert_eq!(other.refunds.len(), paid.saturating_sub(1));
        if successes(&straight) == paid {
            prop_assert_eq!(end.refunds, other.refunds);
        }
    }

    #[test]
    fn a_cancellation_at_any_moment_gives_back_every_payment_once(
        price in price(),
        (facts, order) in facts().prop_flat_map(|facts| {
            let places: Vec<_> = (0..=facts.len()).collect();
            (Just(facts), Just(places).prop_shuffle())
        }),
    ) {
        let mut told: Vec<_> = facts.iter().enumerate().map(|fact| command(price, fact)).collect();
        told.push(ask("cancel-request"));
        let shuffled: Vec<_> = order.iter().map(|place| told[*place].clone()).collect();
        let (design, end) = run(price, &shuffled)?;
        prop_assert_eq!(end.status, DesignStatus::Cancelled);
        prop_assert_eq!(end.refunds, payments(&design));
    }

    #[test]
    fn a_quote_at_any_moment_lets_the_same_money_count(
        (told, orders) in successes_of_several_amounts().prop_flat_map(|told| {
            let places: Vec<_> = (0..=told.len()).chain(0..=told.len()).collect();
            (Just(told), [Just(places.clone()).prop_shuffle(), Just(places).prop_shuffle()])
        }),
    ) {
        let commands = [told, vec![ask("quote")]].concat();
        let [one, other] = orders.map(|order| {
            order.into_iter().map(|place| commands[place].clone()).collect::<Vec<_>>()
        });
        let ((one, end), (other, again)) = (run(Price::Later, &one)?, run(Price::Later, &other)?);
        prop_assert_eq!(&one.payment, &other.payment);
        prop_assert_eq!(end, again);
        let unfit = |design: &Design| -> BTreeSet<_> {
            design.unfit.iter().map(|unfit| unfit.intent_id.clone()).collect()
        };
        prop_assert_eq!(unfit(&one), unfit(&other));
        prop_assert!(one.held.is_empty() && other.held.is_empty());
    }

    #[test]
    fn a_cancellation_gives_all_money_back_whatever_it_was_to_be(
        (told, order) in successes_of_several_amounts().prop_flat_map(|told| {
            let places: Vec<_> = (0..told.len() + 2).collect();
            (Just(told), Just(places).prop_shuffle())
        }),
    ) {
        let count = told.len();
        let commands = [told, vec![ask("quote"), ask("cancel-request")]].concat();
        let shuffled: Vec<_> = order.into_iter().map(|place| commands[place].clone()).collect();
        let (design, end) = run(Price::Later, &shuffled)?;
        prop_assert_eq!(end.status, DesignStatus::Cancelled);
        prop_assert_eq!(end.refunds.len(), count);
        prop_assert!(design.held.is_empty() && design.unfit.is_empty());
    }
}
