//! The text of a file in plain UTF-8, whatever it came as.
//!
//! Loaders start to read at any record, so they need a text whose bytes they can count. What is no
//! such text (gzip, UTF-16, Windows-1252) is rewritten to an object of the import while it is
//! planned; lines stay lines, so places are those of the original. Each planning writes an object
//! under a key of its own, and the job's own conditional write says which one counts: of two at
//! once, or of one that died, neither can change what loaders read.

use std::io::{self, Read};

use bytes::Bytes;
use futures::{StreamExt, stream};
use model::import::FileRefusal;
use store::{FileFormat, FileKind, Job, ObjectStore, PlainText, StoreError};
use tokio::sync::mpsc;
use tokio::task::{JoinError, spawn_blocking};
use uuid::Uuid;

use crate::dialect::{Dialect, SAMPLE_BYTES, check_text};
use crate::encoding::{Census, Encoding, rewrite};
use crate::gzip::{MAX_UNPACKED_BYTES, Unpacked, is_gzip};
use crate::ndjson::Keys;
use crate::plan::source_gone;
use crate::records::{Layout, ReadFault};
use crate::survey::{Survey, survey};
use crate::{ImportError, source};

/// Chunks between the thread that rewrites and the upload.
const CHUNKS_AHEAD: usize = 4;

/// Says why a file was not read through.
#[derive(Debug)]
pub(crate) enum Unread {
    /// No other time either.
    Refused(FileRefusal),
    /// Another time perhaps.
    Failed(ImportError),
}

impl From<ReadFault> for Unread {
    fn from(fault: ReadFault) -> Self {
        match fault {
            ReadFault::Refused(refusal) => Self::Refused(refusal),
            ReadFault::Io(error) => StoreError::Unavailable(Box::new(error)).into(),
        }
    }
}

impl From<StoreError> for Unread {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::ObjectGone => Self::Refused(source_gone()),
            error => Self::Failed(error.into()),
        }
    }
}

impl From<JoinError> for Unread {
    fn from(error: JoinError) -> Self {
        Self::Failed(error.into())
    }
}

/// Reads a job's file through, and notes in the job how it is written and where its text lies.
pub(crate) async fn read_through(objects: &impl ObjectStore, job: &mut Job) -> Result<Survey, Unread> {
    job.plain = None;
    let file = source::open(objects, job, 0).await?;
    let look = spawn_blocking(move || look(file)).await??;
    if !look.is_plain() {
        job.plain = Some(rewritten(objects, job, look).await?);
    }

    let mut text = source::open(objects, job, 0).await?;
    let options = job.options.clone();
    let (dialect, sample, mut text) = spawn_blocking(move || {
        let sample = sample(&mut text)?;
        Ok::<_, ReadFault>((Dialect::of(&sample, &options), sample, text))
    })
    .await??;
    let start = dialect.start;
    let layout = match dialect.delimiter {
        Some(delimiter) => Layout::Csv(delimiter),
        None => {
            let whole = after(sample.clone(), start.offset).chain(text);
            let keys = spawn_blocking(move || Keys::of(whole, start)).await??;
            text = source::open(objects, job, sample.len() as u64).await?;
            keys.into()
        }
    };
    job.format = Some(FileFormat {
        encoding: look.encoding.as_str().to_owned(),
        kind: if dialect.delimiter.is_some() { FileKind::Csv } else { FileKind::Ndjson },
        delimiter: dialect.delimiter.map(char::from),
    });
    let options = job.options.clone();
    let whole = after(sample, start.offset).chain(text);
    Ok(spawn_blocking(move || survey(whole, layout, start, &options)).await??)
}

fn after(sample: Vec<u8>, offset: u64) -> impl Read + Send {
    let mut sample = io::Cursor::new(sample);
    sample.set_position(offset);
    sample
}

/// Says what a file is packed in and which encoding it has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    is_gzip: bool,
    pub encoding: Encoding,
}

impl Look {
    fn is_plain(self) -> bool {
        !self.is_gzip && self.encoding == Encoding::Utf8
    }

    pub(crate) fn unpack<'a>(self, file: impl Read + 'a) -> Box<dyn Read + 'a> {
        if self.is_gzip { Box::new(Unpacked::new(file, MAX_UNPACKED_BYTES)) } else { Box::new(file) }
    }
}

/// Reads a file as far as it takes to know; packed ones to the end, so that damage is found before
/// anything is written.
pub(crate) fn look(mut file: impl Read) -> Result<Look, ReadFault> {
    let start = sample(&mut file)?;
    let mut look = Look { is_gzip: is_gzip(&start), encoding: Encoding::Utf8 };
    let mut text = look.unpack(start.as_slice().chain(file));
    let start = sample(&mut text)?;
    check_text(&start).map_err(ReadFault::Refused)?;
    look.encoding = match Encoding::of_start(&start) {
        None => Census::take(start.chain(text))?,
        Some(encoding) => {
            if look.is_gzip {
                io::copy(&mut text, &mut io::sink())?;
            }
            encoding
        }
    };
    Ok(look)
}

fn sample(source: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut sample = Vec::new();
    source.take(SAMPLE_BYTES as u64).read_to_end(&mut sample)?;
    Ok(sample)
}

/// Writes the text of a job's source as an object of its own, in the memory of a few chunks.
async fn rewritten(objects: &impl ObjectStore, job: &Job, look: Look) -> Result<PlainText, Unread> {
    let file = source::open(objects, job, 0).await?;
    let key = job.object_key(&format!("plain-{}", Uuid::now_v7()));
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(CHUNKS_AHEAD);
    let rewriting = spawn_blocking(move || {
        let put = |chunk: Vec<u8>| sender.blocking_send(Ok(chunk.into())).is_ok();
        if let Err(error) = rewrite(look.unpack(file), look.encoding, put) {
            // An upload that ended before has an error of its own.
            sender.blocking_send(Err(error)).ok();
        }
    });
    let chunks = stream::unfold(receiver, |mut receiver| async {
        let chunk = receiver.recv().await?;
        Some((chunk, receiver))
    });
    objects.put_stream(&key, "text/plain; charset=utf-8", chunks.boxed()).await?;
    rewriting.await?;
    let info = objects.head(&key).await?.ok_or(StoreError::ObjectGone)?;
    Ok(PlainText { key, info })
}
