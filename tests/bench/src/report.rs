//! What was measured, as a table or as JSON lines.

use std::io::Write as _;

use serde_json::json;

use crate::BenchError;

/// Collects measured values.
#[derive(Debug, Default)]
pub struct Report {
    lines: Vec<(String, f64, &'static str)>,
}

impl Report {
    /// Adds a value.
    pub fn add(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.lines.push((name.into(), value, unit));
    }

    /// Gives a value by its name.
    #[cfg(test)]
    pub fn value(&self, name: &str) -> Option<f64> {
        self.lines.iter().find(|(other, ..)| other == name).map(|(_, value, _)| *value)
    }

    /// Prints everything on stdout.
    ///
    /// # Errors
    /// When nobody reads.
    pub fn print(&self, as_json: bool) -> Result<(), BenchError> {
        let mut out = std::io::stdout().lock();
        let width = self.lines.iter().map(|(name, ..)| name.len()).max().unwrap_or_default();
        for (name, value, unit) in &self.lines {
            let line = if as_json {
                json!({ "name": name, "value": value, "unit": unit }).to_string()
            } else {
                format!("{name:width$}  {:>12}  {unit}", shown(*value))
            };
            writeln!(out, "{line}").map_err(BenchError::system("cannot print"))?;
        }
        Ok(())
    }
}

/// Shows no more digits than a measurement has.
fn shown(value: f64) -> String {
    if value.fract() == 0.0 || value.abs() >= 1_000.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}
