//! The query string of a read: columns, conditions, order and page, as values that are known to be of
//! the table. Not here: rows.

use kit::{AggregateId, excerpt};

use super::{
    filter::Filter,
    order::Sort,
    refusal::Refusal,
    relation::{Column, Relation},
    value::Value,
};

/// Most rows of one answer, as Supabase has it.
pub(super) const ROWS_MAX: usize = 1_000;
/// Most conditions, columns and words of an order.
const WORDS_MAX: usize = 64;

/// What is read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Select {
    pub(super) columns: Vec<&'static Column>,
    pub(super) filters: Vec<Filter>,
    pub(super) order: Vec<Sort>,
    pub(super) limit: usize,
    pub(super) offset: usize,
}

impl Select {
    /// Reads the pairs of a query string.
    pub(super) fn parse(
        relation: &'static Relation,
        pairs: &[(String, String)],
    ) -> Result<Self, Refusal> {
        let mut select = Self {
            columns: relation.columns.iter().collect(),
            filters: Vec::new(),
            order: Vec::new(),
            limit: ROWS_MAX,
            offset: 0,
        };
        for (name, value) in pairs {
            match name.as_str() {
                "select" => select.columns = columns(relation, value)?,
                "order" => {
                    let words = value.split(',').filter(|word| !word.is_empty()).take(WORDS_MAX);
                    let words = words.map(|word| Sort::parse(relation, word));
                    select.order = words.collect::<Result<_, _>>()?;
                }
                "limit" => select.limit = count(name, value)?.min(ROWS_MAX),
                "offset" => select.offset = count(name, value)?,
                "or" | "and" | "not.or" | "not.and" | "on_conflict" | "columns" => {
                    return Err(Refusal::unsupported(format!("{name}= is not supported here")));
                }
                name => {
                    let column = column(relation, name)?;
                    select.filters.push(Filter::parse(column, value)?);
                }
            }
        }
        if select.filters.len() > WORDS_MAX {
            return Err(Refusal::unsupported(format!("more than {WORDS_MAX} filters")));
        }
        Ok(select)
    }

    /// The id of the request that alone is asked about, if it is one.
    pub(super) fn request(&self, relation: &Relation) -> Option<AggregateId> {
        self.pinned(relation.request)?.parse().ok()
    }

    /// What the read model itself is to leave out, by its own names.
    pub(super) fn narrowed(&self, relation: &Relation) -> Vec<(&'static str, &str)> {
        let by = |filter: &'_ &Filter| relation.narrowing.contains(&filter.column.source);
        let columns = self.filters.iter().filter(by).map(|filter| filter.column);
        let mut narrowed: Vec<(&'static str, &str)> = Vec::new();
        for column in columns {
            if let Some(text) = self.pinned(column.name)
                && !narrowed.iter().any(|(name, _)| *name == column.source)
            {
                narrowed.push((column.source, text));
            }
        }
        narrowed
    }

    /// How many rows are enough, if the first that are found are the first that are shown.
    pub(super) const fn enough(&self) -> Option<usize> {
        if self.order.is_empty() { Some(self.offset.saturating_add(self.limit)) } else { None }
    }

    /// The text that `column` must be equal to, if the conditions say so.
    fn pinned(&self, column: &str) -> Option<&str> {
        let of = self.filters.iter().filter(|filter| filter.column.name == column);
        let mut texts = of.filter_map(|filter| match filter.equals() {
            Some(Value::Text(text)) => Some(text.as_str()),
            _ => None,
        });
        texts.next()
    }
}

fn columns(relation: &'static Relation, text: &str) -> Result<Vec<&'static Column>, Refusal> {
    let mut columns: Vec<&'static Column> = Vec::new();
    for word in words(text) {
        let word = word.trim();
        if word.contains(['(', '!']) || word.starts_with("...") {
            let (table, word) = (relation.name, excerpt(word));
            let message = format!(
                "Could not find a relationship between '{table}' and '{word}' in the schema cache"
            );
            return Err(Refusal::new(axum::http::StatusCode::BAD_REQUEST, "PGRST200", message));
        }
        let more = match word {
            "*" | "" if columns.is_empty() || word == "*" => relation.columns.iter().collect(),
            "" => return Err(Refusal::unreadable("select parameter", text)),
            word if word.contains([':', '>']) => {
                let word = excerpt(word);
                return Err(Refusal::unsupported(format!("{word} in select is not supported")));
            }
            word => vec![column(relation, word)?],
        };
        let new = more.into_iter().filter(|new: &&Column| !columns.contains(new));
        let new: Vec<_> = new.collect();
        columns.extend(new);
    }
    Ok(columns)
}

/// The words between commas that are in no brackets.
fn words(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    text.split(|character| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ',' && depth == 0
    })
    .collect()
}

pub(super) fn column(relation: &'static Relation, name: &str) -> Result<&'static Column, Refusal> {
    let bare = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
    relation
        .columns
        .iter()
        .find(|column| column.name == bare)
        .ok_or_else(|| Refusal::no_column(relation.name, bare))
}

fn count(name: &str, text: &str) -> Result<usize, Refusal> {
    text.parse().map_err(|_| Refusal::unreadable(name, text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::design::rest::relation;

    fn pairs(text: &[(&str, &str)]) -> Vec<(String, String)> {
        text.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn parse(text: &[(&str, &str)]) -> Result<Select, Refusal> {
        Select::parse(relation::named("design_request_events").unwrap(), &pairs(text))
    }

    #[test]
    fn the_queries_of_supabase_programs_are_read() {
        let select =
            parse(&[("select", "*"), ("request_id", "eq.r-1"), ("order", "created_at.asc")]);
        let select = select.unwrap();
        assert_eq!(select.columns.len(), 7);
        assert_eq!(select.pinned("request_id"), Some("r-1"));
        assert_eq!(select.pinned("id"), None);
        assert_eq!((select.limit, select.offset), (ROWS_MAX, 0));
        assert_eq!(select.order[0].column.name, "created_at");

        let select = parse(&[("select", "id,\"event_type\", id"), ("limit", "2"), ("offset", "1")]);
        let select = select.unwrap();
        let names: Vec<_> = select.columns.iter().map(|column| column.name).collect();
        assert_eq!((names, select.limit, select.offset), (vec!["id", "event_type"], 2, 1));
    }

    #[test]
    fn what_is_not_of_the_table_or_not_supported_is_refused_with_a_code() {
        for (name, value, code) in [
            ("select", "*,products(*)", "PGRST200"),
            ("select", "products!inner(name,price)", "PGRST200"),
            ("select", "...products(name)", "PGRST200"),
            ("select", "password", "42703"),
            ("select", "a:id", "0A000"),
            ("select", "event_data->>email", "0A000"),
            ("select", "id,", "PGRST100"),
            ("select", "id; DROP TABLE design_requests", "42703"),
            ("select", "(select 1)", "PGRST200"),
            ("order", "created_at.sideways", "PGRST100"),
            ("order", "nothing.asc", "42703"),
            ("order", "event_data", "0A000"),
            ("limit", "-1", "PGRST100"),
            ("limit", "1e9", "PGRST100"),
            ("offset", "", "PGRST100"),
            ("or", "(id.eq.1,id.eq.2)", "0A000"),
            ("on_conflict", "id", "0A000"),
            ("products.name", "eq.x", "42703"),
            ("1=1;--", "eq.x", "42703"),
            ("id", "eq.x' OR '1'='1", "22P02"),
            ("", "", "42703"),
        ] {
            let refused = parse(&[(name, value)]).unwrap_err();
            assert_eq!(refused.code, code, "{name}={value}: {}", refused.message);
            assert_eq!(refused.status.as_u16(), 400, "{name}={value}");
        }
    }

    proptest! {
        #[test]
        fn no_query_string_panics(
            table in prop::sample::select(relation::ALL.iter().collect::<Vec<_>>()),
            pairs in prop::collection::vec(
                (
                    prop_oneof![
                        Just("select".to_owned()), Just("order".to_owned()), Just("limit".to_owned()),
                        Just("id".to_owned()), Just("created_at".to_owned()), any::<String>(),
                    ],
                    prop_oneof![
                        any::<String>(),
                        "(not\\.)?(eq|in|is|gt|like)\\.[(\"\\\\,a-z0-9.)]{0,12}",
                        "[*a-z_,.(\"):>-]{0,24}",
                    ],
                ),
                0..6,
            ),
        ) {
            let _ = Select::parse(table, &pairs);
        }
    }
}
