//! The texts of statements and queries: tables in braces, parameters as `$n`, and in brackets what a
//! query only says where an optional parameter is given.

use std::collections::BTreeSet;

use kit::tables::Param;

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

/// A part of a query's text: always there, or only with a parameter.
#[derive(Debug, PartialEq, Eq)]
enum Clause<'a> {
    Always(&'a str),
    With(&'a str, &'a str),
}

/// Reads `[name? …]` for what is there with the parameter `name`.
fn clauses(text: &str) -> Result<Vec<Clause<'_>>, String> {
    let (mut clauses, mut rest) = (Vec::new(), text);
    while let Some((always, behind)) = rest.split_once('[') {
        let Some((clause, behind)) = behind.split_once(']') else {
            return Err("a bracket is not closed".to_owned());
        };
        let Some((name, clause)) = clause.split_once('?') else {
            return Err(format!("[{clause}] does not begin with a parameter and a question mark"));
        };
        clauses.extend([Clause::Always(always), Clause::With(name, clause)]);
        rest = behind;
    }
    if rest.contains(']') || text.contains("[[") {
        return Err("a bracket is not opened".to_owned());
    }
    clauses.push(Clause::Always(rest));
    Ok(clauses)
}

/// `text` without what it only says with parameters that are not `given`. A database plans a statement
/// before it knows that a parameter holds nothing, so a condition that is there all the same, as in
/// `$1 IS NULL OR …`, would keep it from using an index.
pub(super) fn chosen(text: &str, given: impl Fn(&str) -> bool) -> String {
    let Ok(clauses) = clauses(text) else { return text.to_owned() };
    let said = |clause: Clause<'_>| match clause {
        Clause::Always(text) => text.to_owned(),
        Clause::With(name, text) if given(name) => text.to_owned(),
        Clause::With(..) => String::new(),
    };
    clauses.into_iter().map(said).collect()
}

/// Checks that each clause in brackets is of a parameter that may be left out.
pub(super) fn check_clauses(text: &str, params: &[Param]) -> Result<(), String> {
    for clause in clauses(text)? {
        if let Clause::With(name, _) = clause
            && !params.iter().any(|param| param.name == name && param.optional)
        {
            return Err(format!("{name:?} is no parameter that may be left out"));
        }
    }
    Ok(())
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
    fn a_query_says_only_what_its_parameters_ask_for() {
        let text = "SELECT 1 WHERE TRUE[name? AND a = $1] [of? AND b = $2]";
        assert_eq!(chosen(text, |_| true), "SELECT 1 WHERE TRUE AND a = $1  AND b = $2");
        assert_eq!(chosen(text, |name| name == "of"), "SELECT 1 WHERE TRUE  AND b = $2");
        assert_eq!(chosen(text, |_| false), "SELECT 1 WHERE TRUE ");
        let params = [Param::text("name").or_none(), Param::text("of")];
        for (text, says) in [
            ("[name? a] [of? b]", "\"of\" is no parameter that may be left out"),
            ("[else? a]", "\"else\" is no parameter"),
            ("[name a]", "question mark"),
            ("[name? a", "not closed"),
            ("[name? [name? a]]", "not opened"),
            ("a]", "not opened"),
        ] {
            let refused = check_clauses(text, &params).unwrap_err();
            assert!(refused.contains(says), "{text}: {refused}");
        }
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
