//! Where something is, on earth.
//! Not here: whether it is there.

use serde::{Deserialize, Serialize};

use crate::person::Invalid;

shaped! {
    /// Two capital letters, the shape of ISO 3166-1 alpha-2.
    Country,
    |text| text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()),
    "a country is two capital letters, such as CH"
}
