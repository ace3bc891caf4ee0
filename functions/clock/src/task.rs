//! What is due, for one tenant.

use chrono::{DateTime, Utc};
use store::{ClockQueue, TimedTask, Timer};

use crate::{ClockError, ClockStore, Deps};

/// Does a task, and sets its timer to when it is due next. A timer that somebody set meanwhile stays
/// as it is: there may be more to do by now.
pub(crate) async fn run<S: ClockStore, Q: ClockQueue>(
    deps: &Deps<S, Q>,
    timer: Timer,
) -> Result<(), ClockError> {
    let next: Option<DateTime<Utc>> = match timer.task {
        TimedTask::Scores => scoring::take_steps(&deps.scoring, timer.tenant).await?,
        // Nothing sets these yet.
        TimedTask::Segments => None,
    };
    deps.store.move_timer(&timer, next).await?;
    Ok(())
}
