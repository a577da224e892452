//! The head of an event as Stripe sends it; the rest is passed on as it came.
//! Not here: what its types mean.

use serde::Deserialize;

/// Longest id in bytes; Stripe's own limit.
const ID_BYTES_MAX: usize = 255;

/// A body is no event of Stripe's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the body is no event of Stripe's: {0}")]
pub struct NotAnEvent(String);

/// What every event says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EventHead {
    /// Unique for ever: `evt_…`.
    pub id: String,
    /// Always `event`; what is newer and built otherwise says something else.
    object: String,
    /// Such as `payment_intent.succeeded`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened, in whole seconds.
    pub created: i64,
    /// Whether money moves.
    pub livemode: bool,
}

impl EventHead {
    /// Reads the head of `body`.
    ///
    /// # Errors
    /// [`NotAnEvent`] if it has none.
    pub fn read(body: &[u8]) -> Result<Self, NotAnEvent> {
        // Serde's message can repeat what was sent, so it only says where.
        let place =
            |error: &serde_json::Error| format!("line {}, column {}", error.line(), error.column());
        let head: Self = serde_json::from_slice(body).map_err(|error| NotAnEvent(place(&error)))?;
        if head.object != "event" {
            return Err(NotAnEvent("its object is not `event`".to_owned()));
        }
        if !is_id(&head.id, "evt_") {
            return Err(NotAnEvent("its id does not begin with evt_".to_owned()));
        }
        Ok(head)
    }
}

/// Whether `text` is an id of Stripe's that begins with `start`. Nothing else reaches a path or a query.
pub(crate) fn is_id(text: &str, start: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() > start.len()
        && text.len() <= ID_BYTES_MAX
        && text.starts_with(start)
        && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_that_comes_breaks_anything(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(EventHead::read(&body).is_err());
        }
    }

    #[test]
    fn an_event_is_read_whatever_else_it_holds() {
        let body = br#"{"id":"evt_1","object":"event","type":"a.b","created":5,"livemode":false,
            "data":{"object":{"id":"pi_1"}},"more":[1]}"#;
        let head = EventHead::read(body).unwrap();
        assert_eq!((head.id.as_str(), head.kind.as_str(), head.created), ("evt_1", "a.b", 5));
    }

    #[test]
    fn what_is_no_event_is_refused_without_repeating_it() {
        let event = |id: &str, object: &str| {
            format!(r#"{{"id":"{id}","object":"{object}","type":"a","created":1,"livemode":true}}"#)
        };
        for body in [
            String::new(),
            "[]".to_owned(),
            "\u{0}".to_owned(),
            r#"{"id":"secret"}"#.to_owned(),
            event("evt_1", "v2.core.event"),
            event("evt_", "event"),
            event("evt_1.>", "event"),
            event("evt_1\\r\\nX: y", "event"),
            event("pi_1", "event"),
            event(&format!("evt_{}", "a".repeat(300)), "event"),
        ] {
            let refusal = EventHead::read(body.as_bytes()).unwrap_err().to_string();
            assert!(!refusal.contains("secret"), "{refusal}");
        }
        assert!(EventHead::read(&[0xff; 64]).is_err());
    }
}
