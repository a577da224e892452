//! The version of a nats-server, as it names itself.

use std::{fmt, str::FromStr};

/// `major.minor.patch`; what follows a patch (`-RC.1`) is read past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerVersion {
    /// Incompatible changes.
    pub major: u32,
    /// New features.
    pub minor: u32,
    /// Repairs.
    pub patch: u32,
}

/// The text is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a version of nats-server")]
pub struct BadVersion(String);

impl ServerVersion {
    /// The oldest server that has what the streams need: message schedules (2.12).
    pub const MIN: Self = Self { major: 2, minor: 12, patch: 0 };
}

impl FromStr for ServerVersion {
    type Err = BadVersion;

    fn from_str(text: &str) -> Result<Self, BadVersion> {
        let bad = || BadVersion(text.chars().take(64).collect());
        let release = text.trim().trim_start_matches('v').split(['-', '+']).next();
        let mut numbers = release.unwrap_or_default().split('.').map(str::parse::<u32>);
        let mut next = || numbers.next().and_then(Result::ok).ok_or_else(bad);
        let version = Self { major: next()?, minor: next()?, patch: next()? };
        if numbers.next().is_some() { Err(bad()) } else { Ok(version) }
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_with_and_without_its_ornaments() {
        let expected = ServerVersion { major: 2, minor: 15, patch: 1 };
        for text in ["2.15.1", "v2.15.1", "2.15.1-RC.2", "2.15.1+build", " v2.15.1\n"] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_version_is_refused() {
        for text in ["", "2", "2.12", "2.12.1.4", "two", "2.x.1", "-2.12.0"] {
            assert!(text.parse::<ServerVersion>().is_err(), "{text}");
        }
    }

    #[test]
    fn versions_are_ordered_by_number_not_by_text() {
        let old: ServerVersion = "2.9.25".parse().unwrap();
        let new: ServerVersion = "2.12.0".parse().unwrap();
        assert!(old < new);
        assert_eq!(new, ServerVersion::MIN);
    }
}
