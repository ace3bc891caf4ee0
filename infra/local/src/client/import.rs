//! One import from file to counts.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::api::{Api, ClientError};
use super::upload::{self, Upload};

/// Between two looks at the import.
const PAUSE: Duration = Duration::from_millis(250);

/// Looks that may fail in a row: a server that is started anew is not the end of an import.
const PATIENCE: u32 = 20;

/// Says how the file is to be imported.
pub(crate) struct ImportRequest {
    pub(crate) mode: &'static str,
    pub(crate) mapping: BTreeMap<String, Option<String>>,
    pub(crate) dry_run: bool,
    pub(crate) lists: Vec<String>,
}

/// Hears how the import goes.
pub(crate) trait ImportProgress {
    /// Takes the bytes that are sent.
    fn uploaded(&mut self, bytes: u64, total: u64);

    /// Takes the fraction of the rows that are done.
    fn imported(&mut self, fraction: f64);
}

/// Counts the rows of a finished import.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Rows {
    total: Option<u64>,
    created: u64,
    updated: u64,
    unchanged: u64,
    pub(crate) invalid: u64,
    duplicate: u64,
    suppressed: u64,
}

/// Is an import that came to its end.
#[derive(Debug)]
pub(crate) struct Finished {
    filename: String,
    dry_run: bool,
    pub(crate) rows: Rows,
    errors_url: Option<String>,
    warnings: u64,
    warnings_url: Option<String>,
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rows { total, created, updated, unchanged, invalid, duplicate, suppressed } = self.rows;
        let what = if self.dry_run { "checked" } else { "imported" };
        let total = total.unwrap_or(created + updated + unchanged + invalid + duplicate + suppressed);
        write!(
            f,
            "{what} {}: {total} rows, {created} created, {updated} updated, {unchanged} unchanged, \
             {invalid} invalid, {duplicate} duplicate, {suppressed} suppressed",
            self.filename
        )?;
        if self.warnings > 0 {
            let what = if self.warnings == 1 { "warning" } else { "warnings" };
            let link = self.warnings_url.as_ref().map(|url| format!(": {url}")).unwrap_or_default();
            write!(f, "; {} {what}{link}", self.warnings)?;
        }
        match &self.errors_url {
            Some(url) => write!(f, "; error report: {url}"),
            None => Ok(()),
        }
    }
}

#[derive(Deserialize)]
struct Created {
    id: String,
    upload: Upload,
}

#[derive(Deserialize)]
struct State {
    status: String,
    #[serde(default)]
    progress: Option<f64>,
    #[serde(default)]
    rows: Option<Rows>,
    #[serde(default)]
    errors_url: Option<String>,
    #[serde(default)]
    warnings: u64,
    #[serde(default)]
    warnings_url: Option<String>,
    #[serde(default)]
    error: Option<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    detail: String,
}

/// Imports a file and waits for the end.
pub(crate) fn import(
    api: &Api,
    path: &Path,
    request: &ImportRequest,
    mut progress: impl ImportProgress,
) -> Result<Finished, ClientError> {
    // Before the server makes an import that would wait for ever.
    readable(path).map_err(|source| ClientError::File { path: path.to_owned(), source })?;
    let filename = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let mut body = json!({ "filename": filename, "mode": request.mode });
    if let Some(body) = body.as_object_mut() {
        if !request.mapping.is_empty() {
            body.insert("mapping".to_owned(), json!(request.mapping));
        }
        if request.dry_run {
            body.insert("dry_run".to_owned(), true.into());
        }
        if !request.lists.is_empty() {
            body.insert("lists".to_owned(), json!(request.lists));
        }
    }
    let created: Created = api.post("/imports", &body)?;
    upload::put(api, &created.upload, path, &mut progress)?;
    let state = wait(api, &created.id, &mut progress)?;
    Ok(Finished {
        filename,
        dry_run: request.dry_run,
        rows: state.rows.unwrap_or_default(),
        errors_url: state.errors_url,
        warnings: state.warnings,
        warnings_url: state.warnings_url,
    })
}

fn readable(path: &Path) -> std::io::Result<()> {
    let metadata = File::open(path)?.metadata()?;
    if metadata.is_dir() { Err(std::io::ErrorKind::IsADirectory.into()) } else { Ok(()) }
}

fn wait(api: &Api, id: &str, progress: &mut impl ImportProgress) -> Result<State, ClientError> {
    let mut failures = 0;
    loop {
        match api.get::<State>(&format!("/imports/{id}")) {
            Ok(state) => {
                failures = 0;
                progress.imported(state.progress.unwrap_or_default());
                match state.status.as_str() {
                    // A dry run waits there to be committed.
                    "done" | "ready" => return Ok(state),
                    "failed" | "cancelled" | "undone" => {
                        let reason = state.error.map(|reason| reason.detail);
                        return Err(ClientError::Ended { id: id.to_owned(), status: state.status, reason });
                    }
                    _ => {}
                }
            }
            Err(error) if error.may_pass() && failures < PATIENCE => failures += 1,
            Err(error) => return Err(error),
        }
        std::thread::sleep(PAUSE);
    }
}
