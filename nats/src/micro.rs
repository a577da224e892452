//! The subjects of the micro service protocol, ADR-32.

/// What a tool may ask of every service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Who is there.
    Ping,
    /// What it offers.
    Info,
    /// How it has been doing.
    Stats,
}

/// The subjects on which the instance `id` of the service `name` is asked, each for all verbs.
#[must_use]
pub fn subjects(name: &str, id: &str) -> [String; 3] {
    ["$SRV.*".to_owned(), format!("$SRV.*.{name}"), format!("$SRV.*.{name}.{id}")]
}

/// The subject that every instance of the service `name` is asked on whether it is there.
#[must_use]
pub fn ping_any(name: &str) -> String {
    format!("$SRV.PING.{name}")
}

/// The subject that every instance of the service `name` is asked on what it offers.
#[must_use]
pub fn info_any(name: &str) -> String {
    format!("$SRV.INFO.{name}")
}

/// The subject that only the instance `id` of the service `name` is asked on whether it is there.
#[must_use]
pub fn ping(name: &str, id: &str) -> String {
    format!("$SRV.PING.{name}.{id}")
}

/// What `subject` asks for; `None` for verbs that came after this code.
#[must_use]
pub fn verb(subject: &str) -> Option<Verb> {
    match subject.split('.').nth(1)? {
        "PING" => Some(Verb::Ping),
        "INFO" => Some(Verb::Info),
        "STATS" => Some(Verb::Stats),
        _ => None,
    }
}
