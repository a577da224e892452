//! Text that every database can store and index.
//! Not here: documents, whose JSON holds no control characters and which no index holds.

/// Longest key, and longest value that is found by or sorted by: an entry of a PostgreSQL index
/// is at most a third of a page and holds two of them and a field's name.
pub(super) const BYTES_MAX: usize = 512;

/// Whether `text` can be a document's key.
pub(super) fn is_key(text: &str) -> bool {
    text.len() <= BYTES_MAX && !text.contains('\0')
}

/// `text` as a value of an index: cut, and without what PostgreSQL cannot store.
pub(super) fn value(mut text: String) -> String {
    if text.len() > BYTES_MAX {
        text.truncate(text.floor_char_boundary(BYTES_MAX));
    }
    if text.contains('\0') { text.replace('\0', " ") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_cut_between_characters_and_holds_no_nul() {
        let long = format!("a\0{}", "ä".repeat(BYTES_MAX));
        let value = value(long);
        assert_eq!(value.len(), BYTES_MAX);
        assert!(value.starts_with("a ä") && value.ends_with('ä'));
        assert!(!is_key("a\0") && !is_key(&"a".repeat(BYTES_MAX + 1)) && is_key("ä"));
    }
}
