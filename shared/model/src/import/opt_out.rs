//! Cells that say whether somebody must not be written to: yes or no in the words of exporters, or
//! the time since when.

const NO: [&str; 19] = [
    "false",
    "no",
    "n",
    "f",
    "0",
    "off",
    "none",
    "null",
    "nil",
    "n/a",
    "na",
    "never",
    "-",
    "active",
    "subscribed",
    "allow",
    "nein",
    "non",
    "opted in",
];
const YES: [&str; 22] = [
    "true",
    "yes",
    "y",
    "t",
    "1",
    "x",
    "on",
    "✓",
    "✔",
    "checked",
    "unsubscribed",
    "opted out",
    "opt out",
    "opt-out",
    "bounced",
    "cleaned",
    "hard",
    "do not allow",
    "ja",
    "oui",
    "si",
    "sí",
];
/// A year has four, and no exporter numbers its opt-outs so high.
const DIGITS_OF_A_TIME: usize = 4;

/// Says what one cell of such a column means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OptOut {
    Yes,
    No,
    /// Neither; it counts as yes, because the other mistake cannot be made good.
    Unclear,
}

impl OptOut {
    /// Reads a cell that is not blank.
    pub(super) fn read(cell: &str) -> Self {
        let cell = cell.trim().to_lowercase();
        let is_zero = |c: char| c == '0' || !c.is_alphanumeric();
        if NO.contains(&cell.as_str()) || (cell.contains('0') && cell.chars().all(is_zero)) {
            // Also `0000-00-00 00:00:00` and `0/0/00`, which are no times.
            return Self::No;
        }
        let digits = cell.chars().filter(char::is_ascii_digit).count();
        if YES.contains(&cell.as_str()) || digits >= DIGITS_OF_A_TIME { Self::Yes } else { Self::Unclear }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_no_and_times_are_understood_and_the_rest_counts_as_yes() {
        for cell in
            ["TRUE", " yes ", "1", "x", "2025-04-02 10:11:12", "01 Mar 2025", "3/1/25 8:00", "1714564800"]
        {
            assert_eq!(OptOut::read(cell), OptOut::Yes, "{cell}");
        }
        for cell in ["FALSE", "No", "0", "0.0", "0000-00-00 00:00:00", "0/0/00", "Subscribed", "N/A", "-"] {
            assert_eq!(OptOut::read(cell), OptOut::No, "{cell}");
        }
        for cell in ["newsletter", "2", "no, thanks", "?", "UNKNOWN_USER"] {
            assert_eq!(OptOut::read(cell), OptOut::Unclear, "{cell}");
        }
    }
}
