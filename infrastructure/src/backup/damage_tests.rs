//! What a folder of segments says of damage: found, and named by position.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};

use super::{
    files,
    line::Kept,
    manifest::{Manifest, Segment},
    volume::{Fault, Volume},
    writer::Writer,
};
use crate::replay::Bound;

const STREAM: &str = "EVENTS";

fn time(at: u64) -> DateTime<Utc> {
    let begin: DateTime<Utc> = "2026-11-21T12:00:00Z".parse().unwrap();
    begin + TimeDelta::seconds(i64::try_from(at).unwrap())
}

fn kept(sequence: u64) -> Kept {
    Kept {
        sequence,
        time: time(sequence),
        subject: format!("event.person.p{}", sequence % 3),
        headers: [("Content-Type".to_owned(), vec!["application/json".to_owned()])].into(),
        body: Bytes::from(format!("[{{\"sequence\":{sequence}}}]")),
    }
}

/// An archive of `count` records in each of `segments` segments.
fn archive(folder: &Path, segments: u64, count: u64) -> Volume {
    for segment in 0..segments {
        let records: Vec<_> = (segment * count + 1..=(segment + 1) * count).map(kept).collect();
        let mut writer = Writer::open(folder, STREAM, true).unwrap();
        writer.append(&records).unwrap();
        writer.finish().unwrap();
    }
    Volume::open(folder).unwrap()
}

fn faults(volume: &Volume) -> Vec<Fault> {
    volume.verify(|_| {})
}

fn file(folder: &Path, volume: &Volume, segment: usize) -> PathBuf {
    folder.join(&volume.segments()[segment].file)
}

/// Writes the lines of one segment again, changed.
fn rewrite(path: &Path, change: impl FnOnce(&mut Vec<String>)) {
    let text = zstd::decode_all(fs::File::open(path).unwrap()).unwrap();
    let text = String::from_utf8(text).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    change(&mut lines);
    let text = lines.into_iter().map(|line| line + "\n").collect::<String>();
    // With little compression, or it might become smaller than it was.
    let mut packed = zstd::encode_all(text.as_bytes(), -7).unwrap();
    let before = fs::metadata(path).unwrap().len();
    while (packed.len() as u64) < before {
        // A skippable frame: nothing to whoever unpacks it.
        packed.extend_from_slice(&[0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 0]);
    }
    fs::write(path, packed).unwrap();
}

#[test]
fn what_is_whole_is_read_from_any_place_on_and_continued() {
    let folder = tempfile::tempdir().unwrap();
    let volume = archive(folder.path(), 3, 10);
    assert_eq!((volume.records(), volume.last(), volume.segments().len()), (30, 30, 3));
    assert_eq!(faults(&volume), []);
    for after in [0, 1, 9, 10, 11, 29, 30, 99] {
        let mut reader = volume.read(after);
        let found: Vec<_> = std::iter::from_fn(|| reader.take().unwrap()).collect();
        let wanted: Vec<_> = (after + 1..=30).map(kept).collect();
        assert_eq!(found, wanted, "{after}");
    }
    let text = zstd::decode_all(fs::File::open(file(folder.path(), &volume, 0)).unwrap()).unwrap();
    let first: serde_json::Value =
        serde_json::from_slice(text.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    assert_eq!(first["subject"], "event.person.p1", "any tool reads it");
}

#[test]
fn a_point_in_time_is_a_position() {
    let folder = tempfile::tempdir().unwrap();
    let volume = archive(folder.path(), 3, 10);
    for at in [1, 2, 10, 11, 20, 29, 30] {
        assert_eq!(volume.last_until(Bound::Time(time(at))).unwrap(), at);
        let later = time(at) + TimeDelta::milliseconds(1);
        assert_eq!(volume.last_until(Bound::Time(later)).unwrap(), at);
        assert_eq!(volume.first_since(Bound::Time(time(at))).unwrap(), at);
        assert_eq!(volume.first_since(Bound::Time(later)).unwrap(), at + 1);
    }
    assert_eq!(volume.last_until(Bound::Time(time(0))).unwrap(), 0);
    assert_eq!(volume.last_until(Bound::Position(kit::Position(99))).unwrap(), 30);
}

#[test]
fn any_changed_byte_of_any_file_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let volume = archive(folder.path(), 2, 3);
    let path = file(folder.path(), &volume, 1);
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, bytes).unwrap();
        let found = faults(&volume);
        let [fault] = found.as_slice() else { panic!("byte {at}: {found:?}") };
        assert!((3..=6).contains(&fault.behind), "byte {at}: {fault}");
    }
    fs::write(&path, &whole).unwrap();
    let manifest = folder.path().join("manifest.json");
    let whole = fs::read(&manifest).unwrap();
    for at in 0..whole.len() - 1 {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&manifest, bytes).unwrap();
        assert_eq!(Volume::open(folder.path()).unwrap_err().code, "corrupt", "byte {at}");
    }
}

#[test]
fn what_was_altered_swapped_left_out_or_put_in_is_named_by_position() {
    type Change = fn(&mut Vec<String>);
    let changes: [(&str, Change); 5] = [
        ("altered", |lines| {
            lines[4] = lines[4].replace("\\\"sequence\\\":15", "\\\"sequence\\\":16")
        }),
        ("swapped", |lines| lines.swap(4, 5)),
        ("left out", |lines| drop(lines.remove(4))),
        ("doubled", |lines| lines.insert(4, lines[3].clone())),
        ("cut", |lines| lines.truncate(4)),
    ];
    for (name, change) in changes {
        let folder = tempfile::tempdir().unwrap();
        let volume = archive(folder.path(), 3, 10);
        rewrite(&file(folder.path(), &volume, 1), change);
        let found = faults(&volume);
        assert_eq!(found.len(), 1, "{name}: the other segments are whole: {found:?}");
        assert_eq!(found[0].behind, 14, "{name}: {}", found[0]);
    }
}

#[test]
fn a_file_that_is_cut_off_missing_or_in_anothers_place_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let volume = archive(folder.path(), 3, 10);
    let paths: Vec<_> = (0..3).map(|segment| file(folder.path(), &volume, segment)).collect();
    let whole: Vec<_> = paths.iter().map(|path| fs::read(path).unwrap()).collect();

    for length in [0, 1, whole[1].len() / 2, whole[1].len() - 1] {
        fs::write(&paths[1], &whole[1][..length]).unwrap();
        let found = faults(&volume);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!((10..20).contains(&found[0].behind), "{}", found[0]);
    }
    fs::remove_file(&paths[1]).unwrap();
    let found = faults(&volume);
    assert_eq!((found.len(), found[0].behind), (1, 10));
    assert!(found[0].what.contains("missing"), "{}", found[0]);

    fs::write(&paths[1], &whole[2]).unwrap();
    fs::write(&paths[2], &whole[1]).unwrap();
    let behind: Vec<_> = faults(&volume).iter().map(|fault| fault.behind).collect();
    assert_eq!(behind, [10, 20], "both are where the other belongs");
}

#[test]
fn a_writer_that_died_loses_what_it_had_not_finished_and_the_next_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let volume = archive(folder.path(), 1, 10);
    let mut writer = Writer::open(folder.path(), STREAM, true).unwrap();
    assert_eq!(
        Writer::open(folder.path(), STREAM, true).err().map(|it| it.code).as_deref(),
        Some("conflict"),
        "two do not write at once"
    );
    writer.append(&[kept(11)]).unwrap();
    drop(writer);
    // A segment that was whole before the manifest named it.
    fs::write(folder.path().join("EVENTS-00000000000000000011.jsonl.zst"), b"x").unwrap();
    assert_eq!(faults(&volume), []);

    let mut writer = Writer::open(folder.path(), STREAM, true).unwrap();
    assert_eq!(writer.last(), 10);
    assert_eq!(writer.append(&[kept(12)]).unwrap_err().code, "corrupt", "there is no gap");
    writer.append(&[kept(11), kept(12)]).unwrap();
    let volume = writer.finish().unwrap();
    assert_eq!((volume.last(), faults(&volume)), (12, vec![]));
    let parts = fs::read_dir(folder.path()).unwrap();
    assert!(
        !parts
            .into_iter()
            .any(|it| { it.unwrap().file_name().to_string_lossy().ends_with(files::PART) })
    );
}

#[test]
fn a_folder_of_somebody_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("letter.txt"), "dear").unwrap();
    let refused = Writer::open(folder.path(), STREAM, true).err().unwrap();
    assert_eq!(refused.code, "conflict");
    let other = tempfile::tempdir().unwrap();
    archive(other.path(), 1, 1);
    assert_eq!(Writer::open(other.path(), "DLQ", true).err().unwrap().code, "conflict");
    assert_eq!(Volume::open(folder.path()).unwrap_err().code, "not-found");
}

#[test]
fn a_manifest_whose_segments_do_not_follow_one_another_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    archive(folder.path(), 3, 10);
    let mut manifest = Manifest::load(folder.path()).unwrap();
    manifest.segments.remove(1);
    manifest.save(folder.path()).unwrap();
    assert_eq!(Volume::open(folder.path()).unwrap_err().code, "corrupt");
}

#[test]
fn a_manifest_that_cannot_be_true_is_refused() {
    type Change = fn(&mut Segment);
    let changes: [(&str, Change); 3] = [
        ("more than there is room for", |it| it.records = u64::MAX),
        ("the file of somebody else", |it| it.file = "/etc/passwd".to_owned()),
        ("in another folder", |it| it.file = format!("../x/{}", it.file)),
    ];
    for (name, change) in changes {
        let folder = tempfile::tempdir().unwrap();
        archive(folder.path(), 2, 10);
        let mut manifest = Manifest::load(folder.path()).unwrap();
        change(&mut manifest.segments[1]);
        manifest.save(folder.path()).unwrap();
        assert_eq!(Volume::open(folder.path()).unwrap_err().code, "corrupt", "{name}");
    }
    let folder = tempfile::tempdir().unwrap();
    archive(folder.path(), 2, 10);
    let mut manifest = Manifest::load(folder.path()).unwrap();
    manifest.segments[1].last_time = time(1);
    manifest.save(folder.path()).unwrap();
    assert_eq!(faults(&Volume::open(folder.path()).unwrap()).len(), 1, "times are looked at");
}

#[test]
fn files_of_others_stay_when_a_copy_is_continued() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("movie.part"), "mine").unwrap();
    assert_eq!(Writer::open(folder.path(), STREAM, true).err().unwrap().code, "conflict");
    fs::remove_file(folder.path().join("movie.part")).unwrap();
    archive(folder.path(), 1, 10);
    let theirs =
        ["movie.part", "EVENTS-sums.sha256", "EVENTS-00000000000000000001.jsonl.zst.sha256"];
    for name in theirs {
        fs::write(folder.path().join(name), "mine").unwrap();
    }
    archive_more(folder.path(), 11);
    for name in theirs {
        assert!(folder.path().join(name).exists(), "{name}");
    }
}

fn archive_more(folder: &Path, at: u64) {
    let mut writer = Writer::open(folder, STREAM, true).unwrap();
    writer.append(&[kept(at)]).unwrap();
    writer.finish().unwrap();
}

#[test]
fn a_copy_is_not_continued_behind_a_segment_that_is_missing_or_cut() {
    let folder = tempfile::tempdir().unwrap();
    let volume = archive(folder.path(), 2, 10);
    let first = file(folder.path(), &volume, 0);
    let whole = fs::read(&first).unwrap();
    fs::write(&first, &whole[1..]).unwrap();
    assert_eq!(Writer::open(folder.path(), STREAM, true).err().unwrap().code, "corrupt");
    fs::remove_file(&first).unwrap();
    assert_eq!(Writer::open(folder.path(), STREAM, true).err().unwrap().code, "corrupt");
}
