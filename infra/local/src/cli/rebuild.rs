//! `leads doctor --rebuild`: building the index anew beside the one that is in use.

use std::time::Duration;

use indicatif::ProgressBar;
use serde::Deserialize;
use serde_json::json;

use super::doctor::patiently;
use crate::client::{Api, ClientError};

/// What one step of a rebuild did.
#[derive(Debug, Deserialize)]
struct Step {
    phase: Phase,
    wait_s: u64,
    next: u32,
    end: u32,
    contacts: u64,
    removed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    Announced,
    Building,
    Switched,
    Removing,
    Idle,
}

impl Phase {
    /// Says what is under way.
    fn caption(self) -> &'static str {
        match self {
            Self::Announced => "rebuild: waiting until every writer knows of it",
            Self::Building => "rebuild",
            Self::Switched => "rebuild: in use, waiting until nobody reads the previous index",
            Self::Removing | Self::Idle => "rebuild: removing the previous index",
        }
    }
}

/// Sums up what a rebuild did.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Rebuilt {
    contacts: u64,
    removed: u64,
    /// Somebody had begun it before.
    is_resumed: bool,
}

/// Goes through a rebuild to its end: one that is under way already, or a new one. Whoever stops
/// it is followed by the next call.
pub(super) fn rebuild(api: &Api, bar: &ProgressBar) -> Result<Rebuilt, ClientError> {
    let mut rebuilt = Rebuilt::default();
    let mut begins = true;
    loop {
        let step: Step = patiently(|| api.post("/index/rebuild", &json!({ "begin": begins })))?;
        if begins {
            rebuilt.is_resumed = step.phase != Phase::Announced;
        }
        begins = false;
        rebuilt.contacts += step.contacts;
        rebuilt.removed += step.removed;
        bar.set_message(step.phase.caption());
        bar.set_length(step.end.into());
        bar.set_position(step.next.into());
        if step.phase == Phase::Idle {
            return Ok(rebuilt);
        }
        // Second by second, so that the bar is seen to live.
        for left in (1..=step.wait_s).rev() {
            bar.set_message(format!("{}, {left} s", step.phase.caption()));
            std::thread::sleep(Duration::from_secs(1));
        }
    }
}

impl std::fmt::Display for Rebuilt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { contacts, removed, is_resumed } = self;
        f.write_str(if *is_resumed { "went on with a rebuild: " } else { "" })?;
        write!(
            f,
            "built the index of {contacts} contacts anew and removed {removed} items of the previous one"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rebuild_says_what_it_did_and_whether_it_was_under_way() {
        let rebuilt = Rebuilt { contacts: 3, removed: 20, is_resumed: false };
        let told = "built the index of 3 contacts anew and removed 20 items of the previous one";
        assert_eq!(rebuilt.to_string(), told);
        let resumed = Rebuilt { is_resumed: true, ..rebuilt };
        assert_eq!(resumed.to_string(), format!("went on with a rebuild: {told}"));
    }
}
