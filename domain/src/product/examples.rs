//! Samples of every event and command, for charts, documents and tests.
//! Not here: histories; scenarios tell them.

use super::{ProductCommand, ProductEvent};
use crate::samples;

/// Every event: its name and its data in the current version.
pub const EVENTS: &[(&str, &str)] = &[
    (
        "product-created",
        r#"{"name":"Sofa, designed","description":"A sofa\nas you like it.","prices":{"eur":4990,"jpy":8000,"kwd":16500}}"#,
    ),
    ("product-renamed", r#"{"name":"Sofa, as designed","description":"A sofa."}"#),
    ("price-changed", r#"{"currency":"eur","amount":5990}"#),
    ("product-retired", r#"{"reason":"sold out"}"#),
    ("product-restored", r#"{"reason":"back again"}"#),
    ("price-changed", r#"{"currency":"jpy"}"#),
];

/// Every command: its name and a body.
pub const COMMANDS: &[(&str, &str)] = &[
    (
        "create-product",
        r#"{"name":"Sofa, designed","description":"A sofa\nas you like it.","prices":{"eur":4990,"jpy":8000}}"#,
    ),
    ("rename-product", r#"{"name":"Sofa, as designed","description":"A sofa."}"#),
    ("change-price", r#"{"currency":"eur","amount":5990}"#),
    ("retire-product", r#"{"reason":"sold out"}"#),
    ("restore-product", r#"{"reason":"back again"}"#),
];

/// Every event, read.
#[must_use]
pub fn events() -> Vec<ProductEvent> {
    samples::events(EVENTS)
}

/// Every command, read.
#[must_use]
pub fn commands() -> Vec<ProductCommand> {
    samples::commands(COMMANDS)
}

#[cfg(test)]
mod tests {
    use kit::{Command, Event};

    use super::*;

    #[test]
    fn every_event_and_command_has_its_sample() {
        for kind in ProductEvent::KINDS {
            assert!(EVENTS.iter().any(|(name, _)| *name == kind.name), "{}", kind.name);
        }
        assert_eq!(events().len(), EVENTS.len());
        assert_eq!(commands().len(), ProductCommand::NAMES.len());
    }
}
