//! What is wrong with stored bytes, in words that quote none of them: they may be personal data.

use kit::Unreadable;

use super::Corrupt;

/// Which element and which attribute.
pub(crate) fn of_commit(corrupt: &Corrupt) -> String {
    match (corrupt.element, corrupt.field) {
        (Some(element), Some(field)) => format!("event {element} of the commit: bad `{field}`"),
        (Some(element), None) => format!("event {element} of the commit is not a CloudEvent"),
        _ => "the message is not a commit".to_owned(),
    }
}

/// Which event and which version. The parser's own message would quote the data.
pub(crate) fn of_event(error: Unreadable) -> String {
    match error {
        Unreadable::Shape { kind, version, source } => {
            format!("{kind} version {version} does not have its shape (column {})", source.column())
        }
        other => other.to_string(),
    }
}
