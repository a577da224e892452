//! On whose behalf a request is carried out. Not here: finding it out; access control does that.

use std::sync::Arc;

/// Who asks, as access control has found out. It puts this among a request's extensions; without it
/// the request is nobody's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// What is different for any two callers: their idempotency keys never meet.
    pub scope: Arc<str>,
    /// The user, as it stands in the `User-Id` of commands.
    pub user: Option<Arc<str>>,
    /// The user's session, as it stands in the `Session-Id` of commands.
    pub session: Option<Arc<str>>,
}
