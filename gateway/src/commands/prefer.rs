//! `Prefer`, RFC 7240: not to wait, or how long. What is not known is passed over, as it asks.

use chrono::{DateTime, TimeDelta, Utc};
use hyper::HeaderMap;
use infrastructure::problem::Problem;

use crate::headers;

/// The longest that a caller may have a command waited for.
pub(super) const WAIT_MAX: TimeDelta = TimeDelta::seconds(30);

/// What a caller prefers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Preferences {
    /// To hear of the end later.
    pub(super) respond_async: bool,
    /// Seconds to wait.
    wait: Option<i64>,
}

impl Preferences {
    pub(super) fn read(map: &HeaderMap) -> Result<Self, Problem> {
        let mut preferences = Self::default();
        for value in map.get_all("prefer") {
            let text = value.to_str().map_err(|_| headers::bad("prefer", "is not ASCII"))?;
            for one in text.split([',', ';']).map(str::trim) {
                let (name, value) = one.split_once('=').unwrap_or((one, ""));
                match name.trim().to_ascii_lowercase().as_str() {
                    "respond-async" => preferences.respond_async = true,
                    // The first one counts.
                    "wait" if preferences.wait.is_none() => {
                        preferences.wait = Some(seconds(value)?);
                    }
                    _ => {}
                }
            }
        }
        Ok(preferences)
    }

    /// Until when to wait, if it matters to the caller.
    pub(super) fn until(&self) -> Option<DateTime<Utc>> {
        let wait = self.wait.filter(|_| !self.respond_async)?;
        Some(Utc::now() + TimeDelta::seconds(wait).min(WAIT_MAX))
    }

    /// What was heeded, for `Preference-Applied`.
    pub(super) fn applied(&self) -> Option<String> {
        match (self.respond_async, self.wait) {
            (true, _) => Some("respond-async".to_owned()),
            (false, Some(wait)) => Some(format!("wait={}", wait.min(WAIT_MAX.num_seconds()))),
            (false, None) => None,
        }
    }
}

fn seconds(text: &str) -> Result<i64, Problem> {
    let text = text.trim().trim_matches('"');
    let number = text.parse::<u32>().ok().filter(|_| text.bytes().all(|it| it.is_ascii_digit()));
    number.map(i64::from).ok_or_else(|| headers::bad("prefer", "`wait` expects whole seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Preferences, Problem> {
        let mut map = HeaderMap::new();
        map.insert("prefer", text.parse().unwrap());
        Preferences::read(&map)
    }

    #[test]
    fn what_is_known_is_heeded_and_the_rest_is_passed_over() {
        let both = read("return=minimal, Respond-Async ; wait=7, wait=9").unwrap();
        assert_eq!(both, Preferences { respond_async: true, wait: Some(7) });
        assert_eq!(both.until(), None, "who does not wait has no end of it");
        assert_eq!(read("wait=900").unwrap().applied().as_deref(), Some("wait=30"));
        assert_eq!(read("handling=lenient").unwrap(), Preferences::default());
        for bad in ["wait", "wait=-1", "wait=+1", "wait=1.5", "wait=99999999999"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
