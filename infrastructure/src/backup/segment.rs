//! One file of records: lines in one zstd frame with its checksum, so that `zstdcat` reads it.
//! Not here: which files belong together.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use zstd::stream::{read::Decoder, write::Encoder};

use super::{chain::Chain, files, line::Kept, manifest::Segment};
use crate::problem::Problem;

/// Most records and most bytes of records in one file: as much as is written again if the writer dies.
const RECORDS_MAX: u64 = 100_000;
const BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Longest line. A message of the largest payload fits in any form.
const LINE_MAX: u64 = 16 * 1024 * 1024;
const LEVEL: i32 = 3;

/// The name of the file whose first record stands at `first`.
pub(super) fn name_of(stream: &str, first: u64) -> String {
    format!("{stream}-{first:020}.jsonl.zst")
}

/// Whether a file of `stream` may be called so.
pub(super) fn is_name(name: &str, stream: &str) -> bool {
    let number = name.strip_prefix(stream).and_then(|name| name.strip_prefix('-'));
    let number = number.and_then(|name| name.strip_suffix(".jsonl.zst"));
    number.is_some_and(|it| it.parse().is_ok_and(|first| name == name_of(stream, first)))
}

/// A file and the digest of what has passed through it.
struct Digested {
    file: File,
    digest: Sha256,
}

impl Digested {
    fn new(file: File) -> Self {
        Self { file, digest: Sha256::new() }
    }

    fn digest(&self) -> Chain {
        Chain::digest(self.digest.clone())
    }
}

impl io::Write for Digested {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.digest.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl io::Read for Digested {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(bytes)?;
        self.digest.update(bytes.get(..read).unwrap_or_default());
        Ok(read)
    }
}

/// A file that is being written.
pub(super) struct SegmentWriter {
    path: PathBuf,
    encoder: Encoder<'static, BufWriter<Digested>>,
    segment: Segment,
    line: Vec<u8>,
}

impl SegmentWriter {
    /// Begins the file in `folder` whose first record is `first`, behind `chain`.
    pub(super) fn begin(
        folder: &Path,
        stream: &str,
        first: &Kept,
        chain: Chain,
    ) -> Result<Self, Problem> {
        let file = name_of(stream, first.sequence);
        let path = folder.join(&file);
        let writer = BufWriter::new(Digested::new(files::begin(&path)?));
        let encoder = Encoder::new(writer, LEVEL).and_then(|mut encoder| {
            encoder.include_checksum(true)?;
            Ok(encoder)
        });
        let segment = Segment {
            file,
            first: first.sequence,
            last: first.sequence,
            records: 0,
            bytes: 0,
            sha256: chain,
            plain_bytes: 0,
            first_time: first.time,
            last_time: first.time,
            begins: chain,
            ends: chain,
        };
        let encoder = encoder.map_err(files::refused(&path))?;
        Ok(Self { path, encoder, segment, line: Vec::new() })
    }

    pub(super) fn append(&mut self, kept: &Kept) -> Result<(), Problem> {
        self.line.clear();
        let chain = kept.write(self.segment.ends, &mut self.line);
        let chain = chain.map_err(|error| Problem::internal(error.to_string()))?;
        self.encoder.write_all(&self.line).map_err(files::refused(&self.path))?;
        let it = &mut self.segment;
        (it.ends, it.last, it.last_time) = (chain, kept.sequence, kept.time);
        it.records += 1;
        it.plain_bytes += self.line.len() as u64;
        Ok(())
    }

    /// The place of the last record.
    pub(super) const fn last(&self) -> u64 {
        self.segment.last
    }

    pub(super) const fn is_full(&self) -> bool {
        self.segment.records >= RECORDS_MAX || self.segment.plain_bytes >= BYTES_MAX
    }

    /// Ends the file, which from now on has its name.
    pub(super) fn complete(self) -> Result<Segment, Problem> {
        let Self { path, encoder, mut segment, .. } = self;
        let written = encoder.finish().and_then(|writer| Ok(writer.into_inner()?));
        let written = written.map_err(files::refused(&path))?;
        segment.sha256 = written.digest();
        let file = written.file;
        segment.bytes = file.metadata().map_err(files::refused(&path))?.len();
        files::complete(&file, &path)?;
        Ok(segment)
    }
}

/// A file that is read and checked as it is read.
pub(super) struct SegmentReader {
    lines: BufReader<Decoder<'static, BufReader<Digested>>>,
    segment: Segment,
    dense: bool,
    chain: Chain,
    /// The last place that was read.
    pub(super) last: u64,
    records: u64,
    plain: u64,
    /// When the first and the last were stored.
    times: Option<(DateTime<Utc>, DateTime<Utc>)>,
    line: Vec<u8>,
}

impl SegmentReader {
    /// `after` is the place of the last record of the segment before.
    pub(super) fn open(
        folder: &Path,
        segment: Segment,
        dense: bool,
        after: u64,
    ) -> Result<Self, String> {
        let path = folder.join(&segment.file);
        let file = files::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "the file is missing".to_owned(),
            _ => error.to_string(),
        })?;
        let length = file.metadata().map_err(|error| error.to_string())?.len();
        if length < segment.bytes {
            let of = segment.bytes;
            return Err(format!("the file is cut off: {length} of {of} bytes"));
        }
        let decoder = Decoder::new(Digested::new(file)).map_err(|error| error.to_string())?;
        let chain = segment.begins;
        let (lines, line) = (BufReader::new(decoder), Vec::new());
        let (records, plain, times) = (0, 0, None);
        Ok(Self { lines, segment, dense, chain, last: after, records, plain, times, line })
    }

    /// The next record; none at the end of a file that holds what it should.
    pub(super) fn next(&mut self) -> Result<Option<Kept>, String> {
        self.line.clear();
        let mut limited = (&mut self.lines).take(LINE_MAX);
        let read = limited.read_until(b'\n', &mut self.line);
        if read.map_err(|error| format!("the file cannot be unpacked: {error}"))? == 0 {
            return self.ended().map(|()| None);
        }
        let (kept, chain) = Kept::read(&self.line, self.chain)?;
        let (at, after) = (kept.sequence, self.last);
        if at <= after || (self.dense && at != after + 1) {
            return Err(format!("the record {at} stands behind {after}"));
        }
        (self.chain, self.last) = (chain, at);
        self.records += 1;
        self.plain += self.line.len() as u64;
        let first = self.times.map_or(kept.time, |(first, _)| first);
        self.times = Some((first, kept.time));
        Ok(Some(kept))
    }

    fn ended(&mut self) -> Result<(), String> {
        let Segment { last, records, ends, sha256, .. } = self.segment;
        if (self.last, self.records, self.chain) != (last, records, ends) {
            return Err(format!("it ends at {} and should at {last}", self.last));
        }
        let Segment { plain_bytes, first_time, last_time, bytes, .. } = self.segment;
        if (self.plain, self.times) != (plain_bytes, Some((first_time, last_time))) {
            return Err("the manifest gives it another size, or other times".to_owned());
        }
        let file = self.lines.get_mut().get_mut();
        io::copy(file, &mut io::sink()).map_err(|error| error.to_string())?;
        let length = file.get_ref().file.metadata().map_err(|error| error.to_string())?.len();
        if file.get_ref().digest() == sha256 && length == bytes {
            return Ok(());
        }
        Err("the file was changed, though every record in it is as it was".to_owned())
    }
}
