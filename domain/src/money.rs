//! Money: whole minor units of a currency, and nothing that rounds.
//! Not here: prices, quotes and payments; and how a provider counts, where that is another way.

mod currency;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use currency::{BadCurrency, Currency};

/// Most minor units of one amount: what every JSON reader takes for a whole number, and a thousand
/// times what providers take.
pub const AMOUNT_MAX: i64 = 999_999_999_999;

/// An amount in a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Money {
    /// How many minor units: cents of a euro, yen themselves, thousandths of a dinar.
    pub amount: i64,
    /// Of which currency.
    pub currency: Currency,
}

/// Why a text is not an amount in a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAmount {
    /// Not decimal.
    #[error("an amount is decimal digits, such as 49.90")]
    NotDecimal,
    /// More decimals than the currency has.
    #[error("an amount of {} has at most {} decimals", .0, .0.exponent())]
    TooFine(Currency),
    /// More than anybody pays.
    #[error("an amount has at most {AMOUNT_MAX} minor units")]
    TooLarge,
}

impl Money {
    /// `amount` minor units of `currency`.
    #[must_use]
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Reads an amount in major units, such as `49.9` euro or `500` yen. Exact: a text with more
    /// decimals than the currency has is refused unless they are zeros.
    ///
    /// # Errors
    /// [`BadAmount`].
    pub fn from_major(text: &str, currency: Currency) -> Result<Self, BadAmount> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let numeric = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !numeric(whole) || !numeric(fraction) {
            return Err(BadAmount::NotDecimal);
        }
        let decimals = usize::from(currency.exponent());
        let (kept, beyond) = fraction.split_at(decimals.min(fraction.len()));
        if beyond.bytes().any(|b| b != b'0') {
            return Err(BadAmount::TooFine(currency));
        }
        let minor: i64 =
            format!("{whole}{kept:0<decimals$}").parse().map_err(|_| BadAmount::TooLarge)?;
        if minor > AMOUNT_MAX {
            return Err(BadAmount::TooLarge);
        }
        Ok(Self { amount: if negative { -minor } else { minor }, currency })
    }

    /// The amount in major units with all decimals of its currency, such as `49.90` or `500`.
    #[must_use]
    pub fn major(&self) -> String {
        let decimals = usize::from(self.currency.exponent());
        let sign = if self.amount < 0 { "-" } else { "" };
        let digits = format!("{:0>width$}", self.amount.unsigned_abs(), width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let point = if decimals == 0 { "" } else { "." };
        format!("{sign}{whole}{point}{fraction}")
    }

    /// Whether somebody can pay it: more than nothing, and not more than anybody has.
    #[must_use]
    pub const fn is_payable(&self) -> bool {
        self.amount > 0 && self.amount <= AMOUNT_MAX
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.major(), self.currency.as_str().to_ascii_uppercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    fn major(text: &str, code: &str) -> Result<i64, BadAmount> {
        Money::from_major(text, currency(code)).map(|money| money.amount)
    }

    #[test]
    fn each_currency_has_its_own_number_of_decimals() {
        for (text, code, minor) in [
            ("49.90", "eur", 4_990),
            ("49.9", "EUR", 4_990),
            ("49", "eur", 4_900),
            ("0.01", "usd", 1),
            ("500", "jpy", 500),
            ("500.00", "jpy", 500),
            ("1.234", "kwd", 1_234),
            ("1.2", "kwd", 1_200),
            ("1.2345", "clf", 12_345),
            ("-0.05", "eur", -5),
        ] {
            assert_eq!(major(text, code), Ok(minor), "{text} {code}");
        }
    }

    #[test]
    fn what_cannot_be_exact_is_refused() {
        let (eur, jpy) = (currency("eur"), currency("jpy"));
        assert_eq!(major("49.999", "eur"), Err(BadAmount::TooFine(eur)));
        assert_eq!(major("0.5", "jpy"), Err(BadAmount::TooFine(jpy)));
        for bad in ["", ".", "1.", ".5", "1e3", "+1", " 1", "1,5", "0x1", "--1", "NaN", "1.-5"] {
            assert_eq!(major(bad, "eur"), Err(BadAmount::NotDecimal), "{bad:?}");
        }
        for bad in ["9999999999.999", "99999999999999999999", "10000000000.00"] {
            assert!(major(bad, "eur").is_err(), "{bad:?}");
        }
        assert_eq!(major("9999999999.99", "eur"), Ok(AMOUNT_MAX));
    }

    #[test]
    fn an_amount_comes_back_from_its_major_units() {
        for code in ["eur", "jpy", "kwd", "clf"] {
            for amount in [0, 1, 9, 10, 99, 100, 123_456_789, AMOUNT_MAX, -1, -4_990] {
                let money = Money::new(amount, currency(code));
                assert_eq!(Money::from_major(&money.major(), money.currency), Ok(money));
            }
        }
        assert_eq!(Money::new(5, currency("eur")).to_string(), "0.05 EUR");
        assert_eq!(Money::new(-500, currency("jpy")).to_string(), "-500 JPY");
    }

    #[test]
    fn nobody_pays_nothing_or_less() {
        let payable = |amount| Money::new(amount, currency("eur")).is_payable();
        assert!(payable(1) && payable(AMOUNT_MAX));
        assert!(!payable(0) && !payable(-1) && !payable(AMOUNT_MAX + 1) && !payable(i64::MIN));
    }
}
