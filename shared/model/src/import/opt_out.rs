//! Cells that say whether somebody must not be written to: yes or no in the words of exporters, or
//! the time since when.

const YES: [&str; 14] =
    ["true", "yes", "y", "t", "1", "x", "on", "✓", "✔", "checked", "ja", "oui", "si", "sí"];
const NO: [&str; 9] = ["false", "no", "n", "f", "0", "off", "never", "nein", "non"];
/// Stands where a cell could be blank; the last one is what is left of dashes.
const NOTHING: [&str; 6] = ["none", "null", "nil", "n/a", "na", ""];
/// Says by itself that mail is wanted, whatever the column asks.
const WANTED: [&str; 4] = ["active", "subscribed", "allow", "opted in"];
/// Says by itself that mail is not wanted, or not taken.
const UNWANTED: [&str; 12] = [
    "unsubscribed",
    "not subscribed",
    "never subscribed",
    "opted out",
    "opt out",
    "no consent",
    "denied",
    "bounced",
    "cleaned",
    "hard",
    "do not allow",
    "not opted in",
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
        let words = words(cell);
        let said = words.as_str();
        let is_no = NO.contains(&said) || NOTHING.contains(&said) || WANTED.contains(&said);
        if is_no || is_zero(said) {
            return Self::No;
        }
        let digits = said.chars().filter(char::is_ascii_digit).count();
        let is_yes = YES.contains(&said) || UNWANTED.contains(&said) || digits >= DIGITS_OF_A_TIME;
        if is_yes { Self::Yes } else { Self::Unclear }
    }

    /// Reads a cell of a column that tells who wants mail: only a plain no is an opt-out. Whatever
    /// else it says is not that person's consent and changes nothing.
    pub(super) fn read_opt_in(cell: &str) -> Self {
        let words = words(cell);
        let said = words.as_str();
        let is_no = NO.contains(&said) || UNWANTED.contains(&said) || is_zero(said);
        if is_no { Self::Yes } else { Self::No }
    }
}

fn words(cell: &str) -> String {
    cell.to_lowercase().replace(['_', '-'], " ").trim().to_owned()
}

/// Also `0000-00-00 00:00:00` and `0/0/00`, which are no times.
fn is_zero(said: &str) -> bool {
    said.contains('0') && said.chars().all(|c| c == '0' || !c.is_alphanumeric())
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

    #[test]
    fn who_does_not_want_mail_opts_out_and_nobody_is_opted_in() {
        for cell in ["no", "FALSE", "0", "never", "NEVER_SUBSCRIBED", "Opt-Out", "Unsubscribed", "No consent"]
        {
            assert_eq!(OptOut::read_opt_in(cell), OptOut::Yes, "{cell}");
        }
        for cell in ["yes", "TRUE", "1", "Subscribed", "2025-04-02", "newsletter", "N/A", "-", "pending", ""]
        {
            assert_eq!(OptOut::read_opt_in(cell), OptOut::No, "{cell}");
        }
    }
}
