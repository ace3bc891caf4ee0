//! What a function answers for a batch: which of it failed.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::Value;

use super::route::BoxError;

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "batchItemFailures")]
    failures: Option<Vec<ItemFailure>>,
}

#[derive(Deserialize)]
struct ItemFailure {
    #[serde(rename = "itemIdentifier")]
    id: String,
}

/// Reads from an answer which of the batch's ids failed.
///
/// # Errors
/// As on AWS the whole batch has failed when the answer has another shape or names what is not
/// in the batch: what it meant cannot be known.
pub(super) fn failed_ids(
    answer: Value,
    batch: impl IntoIterator<Item = String>,
) -> Result<HashSet<String>, BoxError> {
    // "" is what a function that answers nothing may look like.
    if answer.is_null() || answer.as_str() == Some("") {
        return Ok(HashSet::new());
    }
    let answer: Answer = serde_json::from_value(answer)
        // Not serde's own text: it quotes the answer, which may hold personal data.
        .map_err(|_| "the answer is not of the form `{\"batchItemFailures\": [{\"itemIdentifier\": …}]}`")?;
    let failed: HashSet<String> = answer.failures.into_iter().flatten().map(|failure| failure.id).collect();
    let known: HashSet<String> = batch.into_iter().collect();
    if failed.is_subset(&known) {
        Ok(failed)
    } else {
        Err("the answer names what is not in the batch".into())
    }
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::event::sqs::SqsBatchResponse;
    use serde_json::json;

    use super::*;

    fn failed(answer: Value) -> Result<HashSet<String>, BoxError> {
        failed_ids(answer, ["one", "two"].map(str::to_owned))
    }

    #[test]
    fn an_empty_answer_means_that_all_went_well() {
        for answer in [
            json!(null),
            json!(""),
            json!({}),
            json!({"batchItemFailures": null}),
            json!({"batchItemFailures": []}),
        ] {
            assert!(failed(answer).unwrap().is_empty());
        }
    }

    #[test]
    fn the_answer_type_of_aws_lambda_events_names_the_failed_ones() {
        let mut answer = SqsBatchResponse::default();
        answer.add_failure("two");
        assert_eq!(failed(serde_json::to_value(answer).unwrap()).unwrap(), HashSet::from(["two".to_owned()]));
    }

    #[test]
    fn an_answer_that_cannot_be_understood_fails_the_batch() {
        for answer in [
            json!("done"),
            json!({"batchItemFailures": [{"itemIdentifier": null}]}),
            json!({"batchItemFailures": [{"id": "one"}]}),
            json!({"batchItemFailures": [{"itemIdentifier": ""}]}),
            json!({"batchItemFailures": [{"itemIdentifier": "another"}]}),
        ] {
            assert!(failed(answer).is_err());
        }
    }
}
