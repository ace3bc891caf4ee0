//! The upload of a file to where the API says.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::Deserialize;
use ureq::SendBody;

use super::api::{Api, ClientError};
use super::import::ImportProgress;

/// Says where and how to put the file.
#[derive(Debug, Deserialize)]
pub(super) struct Upload {
    method: String,
    url: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

/// Puts the file, streaming it.
pub(super) fn put(
    api: &Api,
    upload: &Upload,
    path: &Path,
    progress: &mut impl ImportProgress,
) -> Result<(), ClientError> {
    let (Some(url), "PUT") = (&upload.url, upload.method.as_str()) else {
        return Err(ClientError::Multipart);
    };
    let unreadable = |source| ClientError::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let total = file.metadata().map_err(unreadable)?.len();
    // The length is announced: what is appended to the file meanwhile is not for this import.
    let mut reader = Counting { file: file.take(total), bytes: 0, total, progress };
    let mut request = api.agent.put(url).header("content-length", total);
    for (name, value) in &upload.headers {
        request = request.header(name, value);
    }
    let sent = request.send(SendBody::from_reader(&mut reader));
    let response =
        sent.map_err(|source| ClientError::Unreachable { url: origin(url), source: Box::new(source) })?;
    if response.status().is_success() { Ok(()) } else { Err(ClientError::Upload(response.status())) }
}

/// Leaves out what lets the bearer of the URL upload.
fn origin(url: &str) -> String {
    url.split('?').next().unwrap_or_default().to_owned()
}

/// Tells how much has been read.
struct Counting<'a, R, P> {
    file: R,
    bytes: u64,
    total: u64,
    progress: &'a mut P,
}

impl<R: Read, P: ImportProgress> Read for Counting<'_, R, P> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.bytes += count as u64;
        self.progress.uploaded(self.bytes, self.total);
        Ok(count)
    }
}
