//! Problem details as a person reads them.

use std::fmt;

use serde::Deserialize;

/// Is what the server answers instead of a result.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Problem {
    title: String,
    detail: Option<String>,
    errors: Vec<Pointed>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Pointed {
    pointer: String,
    detail: String,
}

/// The detail, and a line for each place in the request that it is about.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.detail.as_deref().unwrap_or(&self.title);
        f.write_str(whole)?;
        for Pointed { pointer, detail } in &self.errors {
            // A sole fault is often the whole detail.
            if !(whole.contains(pointer) && whole.contains(detail)) {
                write!(f, "\n  {pointer}: {detail}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_its_detail_and_a_line_for_each_pointer() {
        let problem: Problem = serde_json::from_str(
            r#"{"title":"Invalid","status":422,"detail":"the mapping is wrong","code":"invalid",
                "errors":[{"pointer":"/mapping/E-Mail","code":"invalid_field","detail":"unknown field"}]}"#,
        )
        .unwrap();
        assert_eq!(problem.to_string(), "the mapping is wrong\n  /mapping/E-Mail: unknown field");
        let problem: Problem = serde_json::from_str(
            r#"{"detail":"`/lists`: not available","errors":[{"pointer":"/lists","detail":"not available"}]}"#,
        )
        .unwrap();
        assert_eq!(problem.to_string(), "`/lists`: not available");
    }
}
