//! Cutting a range into stretches, each ended by a checkpoint.

use std::io::Read;

use store::{Checkpoint, Job, Range, StoreError};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::records::{Place, ReadFault, Record, Records};
use crate::{Pace, source};

/// Ends a stretch early, so that memory is bounded by bytes also where rows are wide.
const MAX_STRETCH_BYTES: usize = 4 * 1024 * 1024;

/// Is what lies between two checkpoints.
pub(crate) struct Stretch {
    pub records: Vec<Record>,
    /// Where the record after it starts.
    pub next: Place,
    pub is_last: bool,
}

impl Stretch {
    /// Tells the number of its first row.
    pub fn first_row(&self) -> u64 {
        self.records.first().map_or(self.next.row, |record| record.place.row)
    }
}

pub(crate) type Stretches = mpsc::Receiver<Result<Stretch, ReadFault>>;

/// Parses the range on a thread of its own, one stretch ahead of the loader.
pub(crate) fn parse(
    source: impl Read + Send + 'static,
    job: &Job,
    range: &Range,
    pace: Pace,
) -> Result<(Stretches, tokio::task::JoinHandle<()>), StoreError> {
    let layout = source::layout(job)?;
    let Checkpoint { next_offset: offset, next_row: row, next_line: line, .. } = range.checkpoint;
    let mut records = Records::new(source, layout, Place { offset, row, line });
    let end_offset = range.end_offset;
    let (sender, receiver) = mpsc::channel(1);
    let parsing = spawn_blocking(move || {
        let mut ahead = None;
        loop {
            let stretch = next_stretch(&mut records, &mut ahead, end_offset, pace).transpose();
            let Some(stretch) = stretch else { return };
            let goes_on = matches!(&stretch, Ok(stretch) if !stretch.is_last);
            // A loader that stopped needs no more.
            if sender.blocking_send(stretch).is_err() || !goes_on {
                return;
            }
        }
    });
    Ok((receiver, parsing))
}

/// Takes the next records up to a checkpoint. One record more is read, and kept in `ahead`: where
/// it starts is where the checkpoint stands, past blank lines and both bytes of a CRLF.
fn next_stretch(
    records: &mut Records<impl Read>,
    ahead: &mut Option<Record>,
    end_offset: u64,
    pace: Pace,
) -> Result<Option<Stretch>, ReadFault> {
    let mut taken = Vec::new();
    let mut bytes = 0;
    loop {
        let record = match ahead.take() {
            Some(record) => Some(record),
            None => records.next().transpose()?,
        };
        let next = record.as_ref().map_or_else(|| records.place(), |record| record.place);
        let record = record.filter(|record| record.place.offset < end_offset);
        let is_full = taken.len() >= pace.rows_a_checkpoint || bytes >= MAX_STRETCH_BYTES;
        match record {
            Some(record) if !is_full => {
                bytes += record.cells.as_slice().len();
                taken.push(record);
            }
            record => {
                let is_last = record.is_none();
                *ahead = record;
                return Ok((!taken.is_empty()).then_some(Stretch { records: taken, next, is_last }));
            }
        }
    }
}
