//! Money as columns hold it.

use domain::money::Money;
use kit::tables::{Decimal, Value};

/// An amount in major units, with all decimals of its currency.
pub(crate) fn major(money: Money) -> Value {
    Decimal { units: money.amount, digits: money.currency.exponent() }.into()
}
