//! How much of the room for files is used: that of the account, or else that of the server.

use std::fmt;

use async_nats::jetstream::{Context, account::Limits};
use serde::Serialize;

use super::precise;
use crate::{problem::Problem, provision::varz::Varz};

/// From here on somebody should look at it.
const NEAR: f64 = 0.8;
/// From here on it is no longer a matter of days.
const NEARLY_FULL: f64 = 0.95;

/// Room for files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Room {
    /// Bytes that are used.
    pub used: u64,
    /// Bytes that there may be; none if nobody says.
    pub limit: Option<u64>,
    /// Whose room it is.
    pub of: RoomOf,
}

/// Whose room it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoomOf {
    /// That of our account.
    Account,
    /// That of one server, for all accounts; its monitoring page tells.
    Server,
}

impl Room {
    /// Asks for it: the account's limit, or else, at the monitoring address, the server's.
    ///
    /// # Errors
    /// `unavailable` if `JetStream` does not answer.
    pub async fn read(context: &Context, monitoring: Option<&str>) -> Result<Self, Problem> {
        let account = context.query_account().await;
        let account = account.map_err(|error| Problem::unavailable(error.to_string()))?;
        let limit = |limits: &Limits| limits.max_storage.and_then(|it| u64::try_from(it).ok());
        // Of an account with tiers, the one that is fullest counts.
        let tiers = account.tiers.values().map(|tier| (tier.storage, limit(&tier.limits)));
        let fullest = tiers
            .filter(|(_, limit)| limit.is_some())
            .max_by(|one, other| share(one.0, one.1).total_cmp(&share(other.0, other.1)));
        let (used, limit) = fullest.unwrap_or((account.storage, limit(&account.limits)));
        if limit.is_some() {
            return Ok(Self { used, limit, of: RoomOf::Account });
        }
        let server = Varz::read(monitoring).await.map(|varz| varz.jetstream);
        let server = server.and_then(|it| Some((it.stats?.storage, it.config?.max_storage)));
        Ok(match server.filter(|(_, limit)| *limit > 0) {
            Some((used, limit)) => Self { used, limit: Some(limit), of: RoomOf::Server },
            None => Self { used, limit: None, of: RoomOf::Account },
        })
    }

    /// Bytes that are left, if there is a limit.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        self.limit.map(|limit| limit.saturating_sub(self.used))
    }

    /// Why somebody should look at it.
    pub(crate) fn warning(&self) -> Option<String> {
        (NEAR..NEARLY_FULL)
            .contains(&self.share())
            .then(|| format!("the store is filling up: {self}; `headwater stats` shows how fast"))
    }

    /// What is wrong with it.
    pub(crate) fn problem(&self) -> Option<String> {
        (self.share() >= NEARLY_FULL).then(|| {
            format!("the store is nearly full: {self}; once it is, no command is taken any more")
        })
    }

    fn share(&self) -> f64 {
        share(self.used, self.limit)
    }
}

fn share(used: u64, limit: Option<u64>) -> f64 {
    match limit {
        None => 0.0,
        Some(0) => 1.0,
        Some(limit) => precise(used) / precise(limit),
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = match self.of {
            RoomOf::Account => "account",
            RoomOf::Server => "server",
        };
        match self.limit {
            Some(limit) => {
                let percent = 100.0 * self.share();
                write!(f, "{} of {limit} bytes are used ({percent:.0} %), by the {of}", self.used)
            }
            None => write!(f, "{} bytes are used, and no limit is known", self.used),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_fills_up_is_told_of_before_it_is_full() {
        let room = |used, limit| Room { used, limit, of: RoomOf::Account };
        let told = |room: Room| (room.warning().is_some(), room.problem().is_some());
        assert_eq!(told(room(79, Some(100))), (false, false));
        assert_eq!(told(room(80, Some(100))), (true, false));
        assert_eq!(told(room(94, Some(100))), (true, false));
        assert_eq!(told(room(95, Some(100))), (false, true));
        assert_eq!(told(room(120, Some(100))), (false, true));
        assert_eq!(told(room(1, Some(0))), (false, true));
        assert_eq!(told(room(u64::MAX, None)), (false, false));
    }
}
