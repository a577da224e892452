//! The texts of statements and queries: tables in braces, parameters as `$n`.

use std::collections::BTreeSet;

use super::Declared;
use crate::readmodel::store::Tables;

/// One part of a text.
#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    Plain(&'a str),
    Table(&'a str),
}

fn parts(text: &str) -> Result<Vec<Part<'_>>, String> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some((plain, behind)) = rest.split_once('{') {
        let Some((table, behind)) = behind.split_once('}') else {
            return Err("a brace is not closed".to_owned());
        };
        parts.extend([Part::Plain(plain), Part::Table(table)]);
        rest = behind;
    }
    if rest.contains('}') {
        return Err("a brace is not opened".to_owned());
    }
    parts.push(Part::Plain(rest));
    Ok(parts)
}

/// `text` with the names that the tables have in one generation. What does not fit is left as it
/// is: it was refused when the composition started.
pub(in crate::readmodel) fn expand(text: &str, tables: &Tables) -> String {
    let Ok(parts) = parts(text) else { return text.to_owned() };
    let name = |part: Part<'_>| match part {
        Part::Plain(text) => text.to_owned(),
        Part::Table(name) => tables.own(name),
    };
    parts.into_iter().map(name).collect()
}

/// Checks that `text` is one statement that begins with one of `words`, and that its tables and its
/// `params` parameters are declared and used.
pub(super) fn check(
    declared: &Declared,
    text: &str,
    words: &[&str],
    params: usize,
) -> Result<(), String> {
    let first = text.split_whitespace().next().unwrap_or_default().to_uppercase();
    if !words.contains(&first.as_str()) {
        return Err(format!("it begins with {first:?} and not with {}", words.join(" or ")));
    }
    if text.contains([';', '\0']) {
        return Err("it is more than one statement".to_owned());
    }
    for part in parts(text)? {
        if let Part::Table(name) = part
            && !declared.tables.iter().any(|table| table.name == name)
        {
            return Err(format!("{{{name}}} is none of its tables"));
        }
    }
    let used = numbers(text)?;
    if used.iter().copied().ne(1..=params) {
        return Err(format!("it uses the parameters {used:?} of {params}"));
    }
    Ok(())
}

/// The numbers of the parameters that `text` uses.
fn numbers(text: &str) -> Result<BTreeSet<usize>, String> {
    let number = |behind: &str| {
        let end = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
        behind[..end].parse::<usize>().map_err(|_| "a `$` is not followed by a number".to_owned())
    };
    text.split('$').skip(1).map(number).collect()
}

#[cfg(test)]
mod tests {
    use kit::tables::{Column, Table};

    use super::*;

    const DECLARED: Declared = Declared {
        tables: &[Table {
            name: "skills",
            columns: &[Column::text("person")],
            key: &["person"],
            indexes: &[],
        }],
        views: &[],
        statements: &[],
        queries: &[],
    };

    #[test]
    fn a_table_has_the_name_of_its_generation() {
        let text = "SELECT * FROM {skills} s JOIN {skills} t ON s.a = t.a";
        assert_eq!(
            expand(text, &Tables::new("who-can", 7)),
            "SELECT * FROM t_who_can_7__skills s JOIN t_who_can_7__skills t ON s.a = t.a"
        );
    }

    #[test]
    fn a_text_that_is_not_what_it_should_be_is_refused() {
        let select = ["SELECT", "WITH"];
        assert_eq!(check(&DECLARED, "\n SELECT $1, $2, $1 FROM {skills}", &select, 2), Ok(()));
        for (text, says) in [
            ("DROP TABLE {skills}", "begins with \"DROP\""),
            ("", "begins with \"\""),
            ("SELECT 1; DROP TABLE {skills}", "more than one"),
            ("SELECT * FROM {people}", "{people} is none"),
            ("SELECT * FROM {skills", "not closed"),
            ("SELECT * FROM skills}", "not opened"),
            ("SELECT $1 FROM {skills}", "uses the parameters {1} of 2"),
            ("SELECT $1, $3 FROM {skills}", "uses the parameters {1, 3} of 2"),
            ("SELECT $person FROM {skills}", "not followed by a number"),
        ] {
            let refused = check(&DECLARED, text, &select, 2).unwrap_err();
            assert!(refused.contains(says), "{text}: {refused}");
        }
    }
}
