//! The id that one request has in answers, logs, commands and events.

use std::sync::Arc;

use hyper::HeaderMap;
use uuid::Uuid;

/// Where it stands, in requests and in answers.
pub(super) const HEADER: &str = "x-request-id";
/// Longest id that is taken over: it is stored with every event.
const BYTES_MAX: usize = 128;

/// A request's id: the caller's, if it can stand in a log and a header, and else a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The id of the request with these headers.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut given = headers.get_all(HEADER).iter();
        let given = given.next().filter(|_| given.next().is_none());
        let taken = given.and_then(|value| value.to_str().ok()).filter(|text| is_id(text));
        Self(taken.map_or_else(|| Uuid::now_v7().to_string().into(), Into::into))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_=-.:/+@".contains(&byte);
    (1..=BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> RequestId {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, value.parse().unwrap());
        }
        RequestId::of(&headers)
    }

    #[test]
    fn an_id_is_taken_over_only_if_it_can_stand_in_a_log() {
        assert_eq!(of(&["a.b:c/1"]).as_str(), "a.b:c/1");
        let long = "x".repeat(129);
        for bad in [&[][..], &[""], &["two words"], &["a", "b"], &[&long], &["a\"b"]] {
            let made = of(bad);
            assert!(Uuid::try_parse(made.as_str()).is_ok(), "{bad:?} became {made:?}");
        }
    }
}
