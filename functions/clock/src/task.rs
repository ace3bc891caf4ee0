//! What is due, for one tenant.

use chrono::{DateTime, Utc};
use store::{DomainEventBus, TimedTask, Timer};

use crate::{ClockError, ClockStore, Deps, lists, segments};

/// Does a task, and sets its timer to when it is due next. A timer that somebody set meanwhile stays
/// as it is: there may be more to do by now.
pub(crate) async fn run<S: ClockStore, Q, B: DomainEventBus>(
    deps: &Deps<S, Q, B>,
    timer: Timer,
) -> Result<(), ClockError> {
    let next: Option<DateTime<Utc>> = match timer.task {
        TimedTask::Scores => scoring::take_steps(&deps.scoring, timer.tenant).await?,
        TimedTask::Segments => segments::tick(deps, timer.tenant).await?,
        TimedTask::Lists => lists::go_on(deps, timer.tenant).await?,
    };
    deps.store.move_timer(&timer, next).await?;
    Ok(())
}
