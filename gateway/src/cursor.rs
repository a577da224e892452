//! Where a reader of events has been: behind a whole commit, or behind one event of it.

use std::{fmt, str::FromStr};

use kit::Position;

/// `<position>` or `<position>.<index>`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cursor {
    position: Position,
    index: Last,
}

/// The last event of the commit that was read. The order is that of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Last {
    Index(usize),
    #[default]
    Whole,
}

impl Cursor {
    /// Behind one event.
    pub(crate) const fn at(position: Position, index: usize) -> Self {
        Self { position, index: Last::Index(index) }
    }

    /// Behind a whole commit.
    pub(crate) const fn whole(position: Position) -> Self {
        Self { position, index: Last::Whole }
    }

    /// The commit behind which everything is new, or may be in part.
    pub(crate) const fn before(self) -> Position {
        match self.index {
            Last::Whole => self.position,
            Last::Index(_) => Position(self.position.0.saturating_sub(1)),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            Last::Whole => write!(f, "{}", self.position),
            Last::Index(index) => write!(f, "{}.{index}", self.position),
        }
    }
}

/// Not a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoCursor;

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u64>().ok().filter(|_| digits).ok_or(NoCursor)
        };
        match text.split_once('.') {
            None => Ok(Self::whole(Position(number(text)?))),
            Some((position, index)) => {
                let index = usize::try_from(number(index)?).map_err(|_| NoCursor)?;
                Ok(Self::at(Position(number(position)?), index))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_and_stands_where_the_log_has_it() {
        let read = |text: &str| text.parse::<Cursor>().unwrap();
        for text in ["0", "12", "12.0", "12.3"] {
            assert_eq!(read(text).to_string(), text);
        }
        assert!(
            read("12.0") < read("12.3") && read("12.3") < read("12") && read("12") < read("13.0")
        );
        assert_eq!((read("12.3").before(), read("12").before()), (Position(11), Position(12)));
        for bad in ["", ".", "1.", ".1", "-1", "+1", "1.+2", "1.2.3", "x", "99999999999999999999"] {
            assert_eq!(bad.parse::<Cursor>(), Err(NoCursor), "{bad}");
        }
    }
}
