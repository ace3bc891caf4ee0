//! One import, measured.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use crate::file::{self, Expected};
use crate::product::Product;
use crate::rows::Rows;
use crate::{BenchError, Common, Report, check};

/// Between two looks at the import.
const PAUSE: Duration = Duration::from_millis(50);

/// Imports generated contacts.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// How many rows the file has.
    #[arg(long, default_value_t = 100_000)]
    rows: u64,
    /// What the rows are made from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The share of rows with the address of an earlier row, from 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    duplicates: f64,
    /// The share of rows without a good address, from 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    bad: f64,
    /// Import the file a second time, which changes nothing.
    #[arg(long)]
    again: bool,
    /// Read every contact back and compare it with its row.
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Imports, and checks what came of it.
///
/// # Errors
/// When the product fails, or lost or doubled anything.
pub fn run(args: &ImportArgs) -> Result<Report, BenchError> {
    let folder = tempfile::tempdir().map_err(BenchError::system("cannot make a directory"))?;
    let product = Product::start(args.common.binary.as_deref(), &folder.path().join("data"))?;
    measure(args, &product, folder.path())
}

pub(crate) fn measure(args: &ImportArgs, product: &Product, folder: &Path) -> Result<Report, BenchError> {
    let rows = Rows { count: args.rows, seed: args.seed, duplicates: args.duplicates, bad: args.bad };
    let expected = Expected::of(&rows);
    let path = folder.join("contacts.csv");
    let size_bytes = file::write(&rows, &path)?;

    let mut report = Report::default();
    report.add("rows", rows.count as f64, "rows");
    report.add("file size", size_bytes as f64 / (1024.0 * 1024.0), "MiB");
    let fresh = [expected.created, 0, expected.duplicate, expected.invalid];
    import(product, &path, size_bytes, "import", fresh, &mut report)?;
    if args.again {
        let known = [0, expected.created, expected.duplicate, expected.invalid];
        import(product, &path, size_bytes, "import again", known, &mut report)?;
    }
    if args.verify {
        let began = Instant::now();
        check::all_contacts(&product.client(), &rows, &expected)?;
        report.add("contacts read back and compared", expected.created as f64, "contacts");
        report.add("reading back", began.elapsed().as_secs_f64(), "s");
    }
    report.add("peak memory of the process", product.peak_memory_mib()?, "MiB");
    Ok(report)
}

/// Imports a file and reports it under a name; `wanted` counts rows created, unchanged, duplicate
/// and invalid.
pub(crate) fn import(
    product: &Product,
    path: &Path,
    size_bytes: u64,
    name: &str,
    wanted: [u64; 4],
    report: &mut Report,
) -> Result<(), BenchError> {
    let client = product.client();
    let file = File::open(path).map_err(BenchError::system("cannot read the file"))?;
    let cpu_before = product.cpu()?;
    let began = Instant::now();
    let created = client.call("POST", "/imports", Some(&json!({ "filename": "contacts.csv" })))?;
    client.upload(&created["upload"], file, size_bytes)?;
    let uploaded = began.elapsed();
    let path = format!("/imports/{}", created["id"].as_str().unwrap_or_default());
    let mut planned = None;
    let ended = loop {
        let import = client.call("GET", &path, None)?;
        let status = import["status"].as_str().unwrap_or_default();
        if !matches!(status, "awaiting_upload" | "planning") {
            planned.get_or_insert(began.elapsed());
        }
        match status {
            "done" => break import,
            "failed" => return Err(BenchError::Wrong(import["error"].to_string())),
            _ => std::thread::sleep(PAUSE),
        }
    };
    let done = began.elapsed();
    let cpu = product.cpu()?.saturating_sub(cpu_before);
    let planned = planned.unwrap_or(done);

    let total: u64 = wanted.iter().sum();
    let rows = total as f64;
    counted(&ended["rows"], wanted)?;
    let mut add = |what: &str, value: f64, unit| report.add(format!("{name}: {what}"), value, unit);
    add("rows a second, from upload to done", rows / done.as_secs_f64(), "rows/s");
    add("upload", uploaded.as_secs_f64(), "s");
    add("planning", (planned - uploaded).as_secs_f64(), "s");
    add("loading", (done - planned).as_secs_f64(), "s");
    add("rows a second, loading alone", rows / (done - planned).as_secs_f64().max(0.001), "rows/s");
    add("CPU a row", cpu.as_secs_f64() * 1e6 / rows, "µs");
    let units = |kind: &str| ended["consumed"][kind].as_f64().unwrap_or_default() / rows;
    add("write units a row", units("write_units"), "units");
    add("read units a row", units("read_units"), "units");
    Ok(())
}

fn counted(rows: &Value, [created, unchanged, duplicate, invalid]: [u64; 4]) -> Result<(), BenchError> {
    let wanted = [
        ("created", created),
        ("updated", 0),
        ("unchanged", unchanged),
        ("invalid", invalid),
        ("duplicate", duplicate),
        ("suppressed", 0),
        ("skipped", 0),
    ];
    for (name, wanted) in wanted {
        if rows[name].as_u64() != Some(wanted) {
            return Err(BenchError::Wrong(format!("{wanted} rows should be {name}; the import says {rows}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// Finds the binary beside the test's own.
    fn binary() -> PathBuf {
        let test = std::env::current_exe().unwrap();
        let binary = test.ancestors().nth(2).unwrap().join("leads");
        assert!(binary.exists(), "`leads` is not built; run `cargo build` first");
        binary
    }

    #[test]
    fn a_small_import_is_measured_and_loses_and_doubles_nothing() {
        let common = Common { json: false, binary: Some(binary()) };
        let args =
            ImportArgs { rows: 500, seed: 7, duplicates: 0.05, bad: 0.05, again: true, verify: true, common };
        let folder = tempfile::tempdir().unwrap();
        let product = Product::start(args.common.binary.as_deref(), &folder.path().join("data")).unwrap();
        let report = measure(&args, &product, folder.path()).unwrap();
        assert!(report.value("import: rows a second, from upload to done").unwrap() > 0.0);
        assert!(report.value("import: write units a row").unwrap() > 0.5);
        assert!(report.value("peak memory of the process").unwrap() > 1.0);
    }
}
