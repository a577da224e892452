//! How Stripe counts money. Its smallest unit is the minor unit of ISO 4217, but for a few currencies
//! (docs.stripe.com/currencies, "special cases" and "zero-decimal currencies").
//! Not here: which amounts are right.

use crate::money::{Currency, Money};

/// How Stripe's amounts of a currency become minor units.
enum Unit {
    /// They are.
    Minor,
    /// Stripe keeps two decimals that the standard has dropped.
    Hundredths,
    /// Stripe counts major units, of which the standard has hundredths.
    Major,
    /// Stripe's own pages contradict each other. A guess could be wrong by a factor of a hundred.
    Uncertain,
}

fn unit(currency: Currency) -> Unit {
    match currency.as_str() {
        "isk" => Unit::Hundredths,
        "mga" => Unit::Major,
        "ugx" => Unit::Uncertain,
        _ => Unit::Minor,
    }
}

/// Money that Stripe writes as `amount`; nothing if that is no whole number of minor units.
#[must_use]
pub fn from_stripe(amount: i64, currency: Currency) -> Option<Money> {
    let minor = match unit(currency) {
        Unit::Minor => amount,
        Unit::Hundredths if amount % 100 == 0 => amount / 100,
        Unit::Major => amount.checked_mul(100)?,
        Unit::Hundredths | Unit::Uncertain => return None,
    };
    Some(Money::new(minor, currency))
}

/// How Stripe writes `money`; nothing if it cannot.
#[must_use]
pub fn to_stripe(money: Money) -> Option<i64> {
    match unit(money.currency) {
        Unit::Minor => Some(money.amount),
        Unit::Hundredths => money.amount.checked_mul(100),
        Unit::Major if money.amount % 100 == 0 => Some(money.amount / 100),
        Unit::Major | Unit::Uncertain => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_goes_to_stripe_and_back() {
        for (code, minor, stripe) in [
            ("eur", 4_990, 4_990),
            ("jpy", 500, 500),
            ("kwd", 5_120, 5_120),
            ("isk", 5, 500),
            ("mga", 500, 5),
        ] {
            let money = Money::new(minor, code.parse().unwrap());
            assert_eq!(to_stripe(money), Some(stripe), "{code}");
            assert_eq!(from_stripe(stripe, money.currency), Some(money), "{code}");
        }
    }

    #[test]
    fn what_is_not_certain_is_not_guessed() {
        let currency = |code: &str| code.parse().unwrap();
        assert_eq!(from_stripe(501, currency("isk")), None);
        assert_eq!(to_stripe(Money::new(50, currency("mga"))), None);
        assert_eq!(from_stripe(500, currency("ugx")), None);
        assert_eq!(to_stripe(Money::new(500, currency("ugx"))), None);
        assert_eq!(from_stripe(i64::MAX, currency("mga")), None);
    }
}
