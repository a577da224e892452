//! Conditions on columns: `eq.`, `neq.`, `gt.`, `gte.`, `lt.`, `lte.`, `in.(…)`, `is.`, each with `not.`.
//! They are read into values of the column's type and asked of rows that were found already, so that
//! nothing of a query string is ever part of a statement. Not here: what else a query string says.

use std::cmp::Ordering;

use super::{
    refusal::Refusal,
    relation::Column,
    value::{Kind, Value},
};

/// Most values of one list.
const VALUES_MAX: usize = 200;

/// One condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filter {
    pub(super) column: &'static Column,
    negated: bool,
    test: Test,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Compare(Comparison, Value),
    Among(Vec<Value>),
    Null,
    Truth(bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Eq,
    Neq,
    Gt,
    Gte,
    Lt,
    Lte,
}

impl Comparison {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "eq" => Self::Eq,
            "neq" => Self::Neq,
            "gt" => Self::Gt,
            "gte" => Self::Gte,
            "lt" => Self::Lt,
            "lte" => Self::Lte,
            _ => return None,
        })
    }

    const fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Eq => ordering.is_eq(),
            Self::Neq => ordering.is_ne(),
            Self::Gt => ordering.is_gt(),
            Self::Gte => ordering.is_ge(),
            Self::Lt => ordering.is_lt(),
            Self::Lte => ordering.is_le(),
        }
    }
}

impl Filter {
    /// Reads what stands behind `column=`.
    pub(super) fn parse(column: &'static Column, text: &str) -> Result<Self, Refusal> {
        let (negated, rest) = text.strip_prefix("not.").map_or((false, text), |rest| (true, rest));
        let (operator, operand) =
            rest.split_once('.').ok_or_else(|| Refusal::unreadable("filter", text))?;
        let test = match (operator, Comparison::named(operator)) {
            (_, Some(comparison)) => Test::Compare(comparison, value(column, operand)?),
            ("is", _) => is(column, operand)?,
            ("in", _) => {
                let words = list(operand).ok_or_else(|| Refusal::unreadable("filter", text))?;
                let values = words.iter().map(|word| value(column, word));
                Test::Among(values.collect::<Result<_, _>>()?)
            }
            _ => {
                let operator = kit::excerpt(operator);
                return Err(Refusal::unsupported(format!(
                    "the operator {operator} is not supported"
                )));
            }
        };
        Ok(Self { column, negated, test })
    }

    /// Whether a row with this cell is kept. Like SQL: what is compared with null is never so, nor is
    /// it not so.
    pub(super) fn keeps(&self, cell: Option<&Value>) -> bool {
        let holds = match &self.test {
            Test::Null => Some(cell.is_none()),
            Test::Truth(wanted) => Some(cell == Some(&Value::Bool(*wanted))),
            Test::Compare(comparison, with) => cell.map(|cell| comparison.holds(cell.cmp(with))),
            Test::Among(values) => cell.map(|cell| values.contains(cell)),
        };
        holds.is_some_and(|holds| holds != self.negated)
    }

    /// The one value that is kept, if there is only one.
    pub(super) const fn equals(&self) -> Option<&Value> {
        match (&self.test, self.negated) {
            (Test::Compare(Comparison::Eq, value), false) => Some(value),
            _ => None,
        }
    }
}

fn value(column: &Column, text: &str) -> Result<Value, Refusal> {
    if column.kind == Kind::Json {
        let name = column.name;
        return Err(Refusal::unsupported(format!("{name} holds JSON, which is not compared")));
    }
    column.kind.read(text).ok_or_else(|| Refusal::no_value(column.kind.name(), text))
}

fn is(column: &Column, operand: &str) -> Result<Test, Refusal> {
    match (operand, column.kind) {
        ("null", _) => Ok(Test::Null),
        ("true", Kind::Bool) => Ok(Test::Truth(true)),
        ("false", Kind::Bool) => Ok(Test::Truth(false)),
        _ => Err(Refusal::unreadable("filter", &format!("is.{operand}"))),
    }
}

/// The words of `(a,"b,c")`.
fn list(operand: &str) -> Option<Vec<String>> {
    let mut rest = operand.strip_prefix('(')?.strip_suffix(')')?;
    let mut words = Vec::new();
    while !rest.is_empty() || words.is_empty() {
        let (word, behind) = match rest.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        words.push(word);
        if words.len() > VALUES_MAX {
            return None;
        }
        match behind.strip_prefix(',') {
            // Nothing behind the last comma is one more word, an empty one.
            Some("") => {
                words.push(String::new());
                break;
            }
            Some(more) => rest = more,
            None if behind.is_empty() => break,
            None => return None,
        }
    }
    Some(words)
}

/// The word up to its closing quote, and what is behind it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut word = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((word, &text[at + 1..])),
            '\\' => word.push(characters.next()?.1),
            _ => word.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Column = Column::new("id", Kind::Id);
    const BY: Column = Column::new("created_by", Kind::Text);
    const CURRENT: Column = Column::new("is_current", Kind::Bool);
    const VERSION: Column = Column::new("version", Kind::Number);
    const DATA: Column = Column::new("event_data", Kind::Json);

    fn keeps(column: &'static Column, text: &str, cell: Option<&str>) -> bool {
        let cell = cell.map(|cell| column.kind.read(cell).unwrap());
        Filter::parse(column, text).unwrap().keeps(cell.as_ref())
    }

    #[test]
    fn each_operator_keeps_what_it_says() {
        for (column, text, kept, left) in [
            (&CURRENT, "eq.true", "true", "false"),
            (&CURRENT, "is.true", "true", "false"),
            (&CURRENT, "not.is.true", "false", "true"),
            (&VERSION, "neq.2", "3", "2"),
            (&VERSION, "gt.2", "3", "2"),
            (&VERSION, "gte.2", "2", "1"),
            (&VERSION, "lt.10", "9", "10"),
            (&VERSION, "lte.10", "10", "11"),
            (&VERSION, "not.eq.2", "3", "2"),
            (&BY, "eq.a.b,c", "a.b,c", "a"),
            (&BY, "in.(a,\"b,\\\"c\")", "b,\"c", "b"),
            (&BY, "in.(a,)", "", "b"),
            (&BY, "not.in.(a,b)", "c", "b"),
        ] {
            assert!(keeps(column, text, Some(kept)), "{text} keeps {kept}");
            assert!(!keeps(column, text, Some(left)), "{text} leaves {left}");
        }
    }

    #[test]
    fn null_is_found_by_is_alone() {
        assert!(keeps(&BY, "is.null", None) && !keeps(&BY, "not.is.null", None));
        for text in ["eq.null", "neq.a", "not.eq.a", "in.(a)", "not.in.(a)"] {
            assert!(!keeps(&BY, text, None), "{text}");
        }
        assert!(keeps(&BY, "eq.null", Some("null")));
    }

    #[test]
    fn what_cannot_be_read_or_is_not_supported_is_refused_with_a_code() {
        for (column, text, code) in [
            (&ID, "eq.x' OR '1'='1", "22P02"),
            (&ID, "eq.1; DROP TABLE design_requests;--", "22P02"),
            (&ID, "eq.", "22P02"),
            (&CURRENT, "eq.yes", "22P02"),
            (&VERSION, "eq.1e3", "22P02"),
            (&VERSION, "in.(1,two)", "22P02"),
            (&ID, "1", "PGRST100"),
            (&ID, "", "PGRST100"),
            (&ID, "not.", "PGRST100"),
            (&ID, "in.1,2", "PGRST100"),
            (&BY, "in.(\"a)", "PGRST100"),
            (&BY, "in.(\"a\"b)", "PGRST100"),
            (&BY, "is.true", "PGRST100"),
            (&BY, "like.*a*", "0A000"),
            (&BY, "not.fts(english).a", "0A000"),
            (&BY, "eq(any).{a}", "0A000"),
            (&DATA, "eq.{}", "0A000"),
        ] {
            let refused = Filter::parse(column, text).unwrap_err();
            assert_eq!(refused.code, code, "{text}: {}", refused.message);
        }
    }
}
