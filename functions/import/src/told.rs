//! Telling the bus that an import ended: what it created in blocks is told of no contact by itself.

use serde_json::{Map, Value, json};
use store::{About, DomainEvent, DomainEventBus, DomainEventType, Job, StoreError};

use crate::{Deps, ImportError};

/// Tells that a job ended. Done behind the write that ended it, and by every delivery that meets it
/// at its end: whoever dies between the two is delivered again. Its id is the same each time.
pub(crate) async fn tell_end<S, O, Q, B: DomainEventBus>(
    deps: &Deps<S, O, Q, B>,
    job: &Job,
) -> Result<(), ImportError> {
    let left = deps.bus.announce(&[ended(job)]).await?;
    if left.is_empty() {
        return Ok(());
    }
    let refused = std::io::Error::other("the bus did not take that an import ended");
    Err(StoreError::Unavailable(Box::new(refused)).into())
}

/// Says what the event says. Nothing of it is personal, as a file's name may be.
fn ended(job: &Job) -> DomainEvent {
    let mut more = Map::from_iter([("status".to_owned(), json!(job.status.as_str()))]);
    if let Some(rows) = &job.rows {
        more.insert(
            "rows".to_owned(),
            json!({
                "total": job.rows_total,
                "created": rows.created,
                "updated": rows.updated,
                "unchanged": rows.unchanged,
                "invalid": rows.invalid,
                "duplicate": rows.duplicate,
                "suppressed": rows.suppressed,
                "skipped": rows.skipped,
            }),
        );
    }
    if let Some(refusal) = &job.refusal {
        more.insert("refusal".to_owned(), Value::from(refusal.code.to_string()));
    }
    DomainEvent {
        tenant: job.tenant,
        kind: DomainEventType::ImportFinished,
        about: About::Import(job.id),
        occurred_at: job.finished_at.unwrap_or(job.created_at),
        more,
    }
}
