//! Text from outside, cut to a length that a message can bear.
//! Not here: making it harmless to a terminal; that is for whoever prints it.

use std::borrow::Cow;

/// Longest excerpt in characters: enough for every name that is not a mistake.
const CHARACTERS_MAX: usize = 80;

/// `text`, or its beginning and an ellipsis if it is longer than a message should repeat.
#[must_use]
pub fn excerpt(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(CHARACTERS_MAX) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_too_long_is_cut_and_never_inside_a_character() {
        let fits = "ä".repeat(CHARACTERS_MAX);
        assert_eq!(excerpt(&fits), fits);
        assert_eq!(excerpt(&format!("{fits}ö")), format!("{fits}…"));
        assert_eq!(excerpt(""), "");
    }
}
