use std::borrow::Cow;

use super::Place;

/// Says where a rule is wrong, and what was expected there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {detail}")]
pub struct RuleError {
    /// Names the kind of fault; stable, for programs.
    pub code: &'static str,
    /// Tells a person what to change; may be reworded.
    pub detail: Cow<'static, str>,
    /// Where it is.
    pub place: Place,
}

/// Is a fault whose place is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: &'static str,
    pub(crate) detail: Cow<'static, str>,
}

impl Fault {
    pub(crate) fn new(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into() }
    }

    pub(crate) fn at(self, place: Place) -> RuleError {
        RuleError { code: self.code, detail: self.detail, place }
    }
}

/// Of what was typed a complaint shows this much.
const MAX_SHOWN_CHARS: usize = 40;

/// Puts what was typed into a complaint: not more than helps, and nothing that upsets a terminal.
pub(crate) fn shown(typed: &str) -> String {
    let mut shown: String =
        typed.chars().take(MAX_SHOWN_CHARS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if typed.chars().nth(MAX_SHOWN_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

/// Finds the name that somebody may have meant.
pub(crate) fn did_you_mean<'n>(typed: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    // Comparing takes the product of both lengths, in time and memory.
    if typed.len() > MAX_SHOWN_CHARS {
        return None;
    }
    let typed = typed.to_lowercase();
    // One slip in short names, one in three letters at most: else anything is like anything.
    let slips = (typed.chars().count() / 3).max(1);
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&typed, name), name))
        .filter(|(distance, name)| *distance <= slips && *distance < name.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Puts a guess behind a complaint.
pub(crate) fn with_guess(complaint: String, guess: Option<&str>) -> String {
    match guess {
        Some(name) => format!("{complaint}; did you mean `{name}`?"),
        None => complaint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let names = ["score", "status", "tier", "email"];
        assert_eq!(did_you_mean("scroe", names), Some("score"));
        assert_eq!(did_you_mean("Statsu", names), Some("status"));
        assert_eq!(did_you_mean("tire", names), Some("tier"));
        assert_eq!(did_you_mean("budget", names), None);
        assert_eq!(did_you_mean("x", names), None);
    }
}
