//! This crate is the only one that spells a subject: the sources of the others are looked through.
#![cfg(test)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// How a string literal begins that spells a subject.
const SPELLED: [&str; 8] =
    ["command.", "event.", "query.", "enqueue.", "dlq.", "timer.", "$JS.", "$KV."];
/// Not looked through: this crate, what is built, and tests, which say what the wire must hold.
const PASSED_OVER: [&str; 5] = ["nats", "target", "tests", ".git", ".headwater"];

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            if !PASSED_OVER.contains(&name.as_str()) {
                sources(&path, into);
            }
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            into.push(path);
        }
    }
}

/// The numbers of the lines of `source` that spell a subject, comments and unit tests apart.
fn spelled(source: &str) -> Vec<usize> {
    let code = source.lines().take_while(|line| line.trim() != "#[cfg(test)]");
    let spells = |line: &str| {
        let line = line.trim_start();
        // An odd number of quotes stands before what is inside a literal.
        let literals = line.split('"').skip(1).step_by(2);
        !line.starts_with("//")
            && literals.into_iter().any(|text| SPELLED.iter().any(|start| text.starts_with(start)))
    };
    code.zip(1..).filter(|(line, _)| spells(line)).map(|(_, number)| number).collect()
}

#[test]
fn no_other_crate_spells_a_subject() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    sources(workspace, &mut files);
    assert!(files.iter().any(|file| file.ends_with("infrastructure/src/client.rs")), "{files:?}");
    let found: Vec<_> = files
        .iter()
        .flat_map(|file| {
            let lines = spelled(&fs::read_to_string(file).unwrap());
            lines.into_iter().map(move |line| format!("{}:{line}", file.display()))
        })
        .collect();
    assert!(found.is_empty(), "subjects are spelled in\n{}", found.join("\n"));
}

#[test]
fn a_spelled_subject_is_told_from_words_about_one() {
    let spelling = [
        r#"let subject = format!("event.{aggregate}.{id}");"#,
        r##"    publish("x", r#"$KV.LEASES.a"#)"##,
        r#"const FILLER: &str = "command.-";"#,
    ];
    let innocent = [
        r#"// "event.person.a""#,
        r#"error("no command.<aggregate>.<id>.<name>")"#,
        r#"let all = event.map(|it| it.query);"#,
        r#"subject("person", "event")"#,
    ];
    assert!(spelling.iter().all(|line| spelled(line) == [1]));
    assert!(innocent.iter().all(|line| spelled(line).is_empty()));
    assert_eq!(spelled("a\n#[cfg(test)]\nlet s = \"event.a.b\";"), []);
}
