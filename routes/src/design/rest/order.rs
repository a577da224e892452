//! The order of rows. Not here: which rows.

use std::cmp::Ordering;

use super::{
    refusal::Refusal,
    relation::{Column, Relation},
    select::column,
    value::{Kind, Value},
};

/// One word of an order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sort {
    pub(super) column: &'static Column,
    descending: bool,
    nulls_first: bool,
}

impl Sort {
    /// Where one cell stands to another.
    pub(super) fn compare(&self, a: Option<&Value>, b: Option<&Value>) -> Ordering {
        match (a, b) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) if self.nulls_first => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => self.compare(b, a).reverse(),
            (Some(a), Some(b)) if self.descending => b.cmp(a),
            (Some(a), Some(b)) => a.cmp(b),
        }
    }

    /// Reads `column.desc.nullslast`.
    pub(super) fn parse(relation: &'static Relation, text: &str) -> Result<Self, Refusal> {
        let mut words = text.split('.');
        let column = column(relation, words.next().unwrap_or_default())?;
        if column.kind == Kind::Json {
            let name = column.name;
            return Err(Refusal::unsupported(format!("{name} holds JSON, which is not sorted")));
        }
        let mut sort = Self { column, descending: false, nulls_first: false };
        let mut nulls = None;
        for word in words {
            match word {
                "asc" => sort.descending = false,
                "desc" => sort.descending = true,
                "nullsfirst" => nulls = Some(true),
                "nullslast" => nulls = Some(false),
                _ => return Err(Refusal::unreadable("order", text)),
            }
        }
        sort.nulls_first = nulls.unwrap_or(sort.descending);
        Ok(sort)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::rest::relation;

    #[test]
    fn nulls_stand_last_unless_the_order_is_reversed_or_says_so() {
        let relation = relation::named("design_request_events").unwrap();
        let text = |text: &str| Value::Text(text.to_owned());
        let (a, b) = (text("a"), text("b"));
        for (order, nulls_first, a_first) in [
            ("created_by", false, true),
            ("created_by.asc", false, true),
            ("created_by.desc", true, false),
            ("created_by.asc.nullsfirst", true, true),
            ("created_by.desc.nullslast", false, false),
        ] {
            let sort = Sort::parse(relation, order).unwrap();
            assert_eq!(sort.compare(None, Some(&a)).is_lt(), nulls_first, "{order}");
            assert_eq!(sort.compare(Some(&a), None).is_gt(), nulls_first, "{order}");
            assert_eq!(sort.compare(Some(&a), Some(&b)).is_lt(), a_first, "{order}");
        }
    }
}
