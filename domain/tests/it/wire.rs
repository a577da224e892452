//! The stored form of every event: one file per kind and version, kept for ever.
//! `HEADWATER_FIXTURES=new` writes the files that are missing. It never changes one that is there.

use std::{collections::BTreeSet, env, fs, path::PathBuf};

use kit::Event;
use serde_json::Value;

fn folder<E: Event>() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "wire", E::AGGREGATE].iter().collect()
}

/// What is written today equals the fixture of its version. The first example of a kind is in
/// `<kind>.v<version>.json`, the second in `<kind>.v<version>.2.json`, and so on.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "only whoever adds an event asks for new files")]
pub(crate) fn is_kept<E: Event>(examples: &[E]) {
    for (at, event) in examples.iter().enumerate() {
        let kind = event.kind();
        let before = examples[..at].iter().filter(|other| other.kind() == kind).count();
        let variant = if before == 0 { String::new() } else { format!(".{}", before + 1) };
        let file = folder::<E>().join(format!("{}.v{}{variant}.json", kind.name, kind.version));
        let written: Value = serde_json::from_slice(&event.data().unwrap()).unwrap();
        if !file.exists() && env::var("HEADWATER_FIXTURES").is_ok_and(|what| what == "new") {
            fs::create_dir_all(folder::<E>()).unwrap();
            fs::write(&file, format!("{written:#}\n")).unwrap();
        }
        let kept = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let kept: Value = serde_json::from_slice(&kept).unwrap();
        assert_eq!(written, kept, "{} is on the wire: add a version instead", file.display());
    }
}

/// Every fixture reads, and every version of every kind has one.
#[track_caller]
pub(crate) fn is_readable_for_ever<E: Event>() {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder::<E>()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let (kind, rest) = name.split_once(".v").unwrap();
        let version: u32 = rest.split('.').next().unwrap().parse().unwrap();
        let read = E::read(E::AGGREGATE, kind, version, &fs::read(&path).unwrap());
        assert!(read.is_ok(), "{name}: {read:?}");
        found.insert((kind.to_owned(), version));
    }
    let every: BTreeSet<_> = E::KINDS
        .iter()
        .flat_map(|kind| (1..=kind.version).map(|version| (kind.name.to_owned(), version)))
        .collect();
    assert_eq!(found, every);
}
