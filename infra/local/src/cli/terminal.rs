//! The standard error stream, shared by the log, plain lines and progress bars.

use std::fmt;
use std::io::{self, Write};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Writes to stderr without tearing the bars that are drawn there; clones share them. Where
/// stderr is no terminal there are no bars.
#[derive(Clone, Default)]
pub(super) struct Terminal {
    bars: MultiProgress,
}

impl Terminal {
    /// Writes one line. Who has closed stderr does not want it.
    pub(super) fn line(&self, line: fmt::Arguments<'_>) {
        let _: io::Result<()> = self.bars.suspend(|| writeln!(io::stderr().lock(), "{line}"));
    }

    /// Adds a bar with a caption and a template after it.
    pub(super) fn bar(&self, caption: &'static str, template: &str) -> ProgressBar {
        let bar = self.bars.add(ProgressBar::new(0));
        // A template is part of the code: with a fault in it, the default bar does.
        let style = ProgressStyle::with_template(&format!("{{msg}} {template}"));
        bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_message(caption)
    }
}

/// For the log, which hands over whole lines.
impl Write for Terminal {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.bars.suspend(|| io::stderr().lock().write(line))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_of_all_bars_are_sound() {
        for template in [
            super::super::doctor::BAR,
            super::super::import::UPLOAD_BAR,
            super::super::import::ROWS_BAR,
            super::super::serve::BAR,
        ] {
            ProgressStyle::with_template(template).unwrap();
        }
    }
}
