//! Planning: from a file that arrived to ranges that loaders load.

use model::import::{Column, FileRefusal, PlannedColumn};
use model::{MAX_FIELDS, Tenant};
use store::{
    Checkpoint, DomainEventBus, FieldStore, Freshness, Job, JobStatus, ObjectStore, Range, RangeMessage,
    RangeQueue, StoreError,
};
use tracing::{info, warn};

use crate::survey::Survey;
use crate::text::{Unread, read_through};
use crate::{Deps, ImportError, ImportStore};

/// Plans a job that stands at `planning`: reads its file through, then defines what fields are
/// new, stores what loaders need, and moves the job on to `importing` or `failed`.
///
/// The job says `importing` before any range is sent, so no loader ever meets a job it cannot
/// load. A crash between the two is healed by the redelivered event, which finds `importing` and
/// calls [`send_open_ranges`]. What comes before the job's own write can all be done twice.
pub(crate) async fn plan<S: ImportStore, O: ObjectStore, Q: RangeQueue, B: DomainEventBus>(
    deps: &Deps<S, O, Q, B>,
    tenant: &Tenant,
    mut job: Job,
) -> Result<(), ImportError> {
    let store = deps.store.metered();
    let survey = match read_through(&deps.objects, &mut job).await {
        Ok(survey) => survey,
        Err(Unread::Refused(refusal)) => return fail(deps, job, JobStatus::Planning, refusal).await,
        Err(Unread::Failed(error)) => return Err(error),
    };
    survey.superseded.put(&deps.objects, &job).await?;
    let duplicates = survey.superseded.rows.len();
    let range = only_range(&job, &survey);
    job.columns = planned_columns(&store, tenant, &survey).await?;
    store.create_range(&range).await?;

    job.status = JobStatus::Importing;
    job.rows_total = Some(survey.rows_total);
    job.consumed = store.consumed();
    if store.save_job(&job, JobStatus::Planning).await? {
        info!(
            import.id = %job.id, tenant.id = %tenant.id, import.rows_total = survey.rows_total,
            import.rows_duplicate = duplicates, import.columns = job.columns.len(), "planned an import"
        );
    }
    Ok(())
}

/// Sends every range of a planned job that is not loaded yet.
pub(crate) async fn send_open_ranges<S: ImportStore, O: ObjectStore, Q: RangeQueue, B>(
    deps: &Deps<S, O, Q, B>,
    job: &Job,
) -> Result<(), ImportError> {
    let ranges = deps.store.ranges(job.tenant, job.id).await?;
    let open: Vec<RangeMessage> = ranges
        .iter()
        .filter(|range| !range.checkpoint.done)
        .map(|range| RangeMessage { tenant: job.tenant, job: job.id, range: range.number })
        .collect();
    deps.queue.send(&open).await?;
    Ok(())
}

/// Ends a job whose file is refused as a whole; nothing of it was applied.
pub(crate) async fn fail<S: ImportStore, O, Q, B>(
    deps: &Deps<S, O, Q, B>,
    mut job: Job,
    from: JobStatus,
    refusal: FileRefusal,
) -> Result<(), ImportError> {
    warn!(import.id = %job.id, tenant.id = %job.tenant, import.refusal = refusal.code, "refused a file");
    job.status = JobStatus::Failed;
    job.refusal = Some(refusal);
    job.finished_at = Some(deps.clock.now());
    deps.store.save_job(&job, from).await?;
    Ok(())
}

pub(crate) fn source_gone() -> FileRefusal {
    FileRefusal::new("source_gone", "the file was removed or replaced before it was read; upload it again")
}

/// Makes one range of the whole file: one loader at a time keeps up with the table of a young
/// tenant, and ranges of any number are loaded and closed alike.
fn only_range(job: &Job, survey: &Survey) -> Range {
    let checkpoint = Checkpoint {
        next_offset: survey.first.offset,
        next_row: survey.first.row,
        next_line: survey.first.line,
        ..Checkpoint::default()
    };
    Range { tenant: job.tenant, job: job.id, number: 0, end_offset: survey.end_offset, checkpoint }
}

/// Gives each attribute column its field: the one that is there, whatever its type, else a new
/// one of the type that the cells agree on. A column without any cell defines nothing; one whose
/// field the tenant does not want, or has no room for, is left out, as the import shows.
async fn planned_columns(
    store: &impl FieldStore,
    tenant: &Tenant,
    survey: &Survey,
) -> Result<Vec<PlannedColumn>, StoreError> {
    let fields = store.fields(tenant, Freshness::Strong).await?;
    let infers = tenant.settings.infer_attributes;
    let mut room = MAX_FIELDS.saturating_sub(fields.count());
    let mut planned = Vec::with_capacity(survey.columns.len());
    let attributes = survey.columns.iter().filter_map(|(column, _)| column.attribute());
    let names: Vec<_> = attributes.map(|(slug, _)| slug).collect();
    for (column, kind) in &survey.columns {
        let id = match column.attribute() {
            Some((slug, name)) => match (fields.get(slug), *kind) {
                // The file has a column under today's name, too.
                (Some(field), _) if field.slug != *slug && names.contains(&&field.slug) => {
                    planned.push(PlannedColumn { column: left_out(column), id: None });
                    continue;
                }
                (Some(field), _) => Some(field.id),
                (None, Some(kind)) if infers && room > 0 => {
                    room -= 1;
                    Some(store.define_field(tenant, slug, name, kind).await?.id)
                }
                (None, Some(_)) => {
                    planned.push(PlannedColumn { column: left_out(column), id: None });
                    continue;
                }
                (None, None) => None,
            },
            None => None,
        };
        planned.push(PlannedColumn { column: column.clone(), id });
    }
    Ok(planned)
}

/// Leaves out what a column would have filled of attributes; an email column stays one.
fn left_out(column: &Column) -> Column {
    match column.others {
        Some(_) => Column { others: None, ..column.clone() },
        None => Column { field: None, ..column.clone() },
    }
}
