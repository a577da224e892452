//! Records on their way into a folder, some at a time. Not here: where they come from.

use std::path::Path;

use async_nats::jetstream::stream::Stream;

use super::{capture::blocking, line::Kept, volume::Volume, writer::Writer};
use crate::problem::Problem;

/// Records that are written at a time, by number and by bytes.
const HAND: usize = 1_024;
const HAND_BYTES: usize = 8 * nats::limits::COMMIT_BYTES_MAX;

/// Records on their way into a folder, some at a time.
pub(super) struct Hand {
    writer: Option<Writer>,
    records: Vec<Kept>,
    bytes: usize,
    /// The sequence of the last record.
    pub(super) last: u64,
}

impl Hand {
    pub(super) async fn open(folder: &Path, stream: &Stream, dense: bool) -> Result<Self, Problem> {
        let (folder, name) = (folder.to_owned(), stream.cached_info().config.name.clone());
        let writer = blocking(move || Writer::open(&folder, &name, dense)).await?;
        Ok(Self { last: writer.last(), writer: Some(writer), records: Vec::new(), bytes: 0 })
    }

    pub(super) async fn take(&mut self, kept: Kept) -> Result<(), Problem> {
        self.last = kept.sequence;
        self.bytes += kept.size();
        self.records.push(kept);
        if self.records.len() >= HAND || self.bytes >= HAND_BYTES {
            self.write().await?;
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), Problem> {
        let gone = || Problem::internal("the writer is gone");
        let mut writer = self.writer.take().ok_or_else(gone)?;
        let records = std::mem::take(&mut self.records);
        self.bytes = 0;
        let written = blocking(move || writer.append(&records).map(|()| writer));
        self.writer = Some(written.await?);
        Ok(())
    }

    pub(super) async fn finish(mut self) -> Result<Volume, Problem> {
        self.write().await?;
        let gone = || Problem::internal("the writer is gone");
        let writer = self.writer.take().ok_or_else(gone)?;
        blocking(move || writer.finish()).await
    }
}
