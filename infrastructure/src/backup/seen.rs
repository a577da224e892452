//! How far a long way has come, for whoever shows it.

/// What is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// What is done.
    pub doing: &'static str,
    /// Of which stream.
    pub stream: &'a str,
    /// Up to here.
    pub at: u64,
    /// Of so much, as far as that is known.
    pub of: u64,
}

/// Whoever is told.
pub type Seen<'a> = &'a (dyn Fn(Progress<'_>) + Send + Sync);
