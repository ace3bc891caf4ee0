//! A tick: who has something to do now?

use chrono::TimeDelta;
use futures::{StreamExt, TryStreamExt, stream};
use store::{ClockQueue, StoreError, Timer};
use tracing::{info, warn};

use crate::{ClockError, ClockStore, Deps};

/// A little longer than the function may run: until then nobody else is sent for the same.
pub(crate) const CLAIMED_FOR: TimeDelta = TimeDelta::seconds(150);

/// How many timers are claimed side by side.
const AT_ONCE: usize = 32;

/// Claims what is due and sends for it.
pub(crate) async fn tick<S: ClockStore, Q: ClockQueue, B>(deps: &Deps<S, Q, B>) -> Result<(), ClockError> {
    let now = deps.clock.now();
    let due = deps.store.due_timers(now).await?;
    let claims = due.into_iter().map(|timer| async move {
        let claimed = Timer { due_at: now + CLAIMED_FOR, ..timer };
        let is_ours = deps.store.move_timer(&timer, Some(claimed.due_at)).await?;
        Ok::<_, StoreError>(is_ours.then_some((timer, claimed)))
    });
    let claims = stream::iter(claims).buffer_unordered(AT_ONCE);
    let ours: Vec<(Timer, Timer)> = claims.try_filter_map(async |claim| Ok(claim)).try_collect().await?;
    let messages: Vec<Timer> = ours.iter().map(|(_, claimed)| *claimed).collect();
    if let Err(failure) = deps.queue.send_timers(&messages).await {
        // Else they would wait until the claim is over. Some may have been sent: that is no harm.
        for (timer, claimed) in &ours {
            if let Err(error) = deps.store.move_timer(claimed, Some(timer.due_at)).await {
                warn!(%error, "what is due waits until its claim is over");
            }
        }
        return Err(failure.into());
    }
    if !ours.is_empty() {
        info!(timers = ours.len(), "sent for what is due");
    }
    Ok(())
}
