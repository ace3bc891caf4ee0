//! Fair claiming: which group's message goes next.

use std::collections::HashMap;

use rusqlite::Transaction;

use super::MailboxError;
use super::database::group;
use super::message::Message;

/// The groups that have work ready, found by jumping from one to the next in the index:
/// the cost goes with the number of groups and not of messages.
const GROUPS: &str = "
WITH RECURSIVE groups (name) AS (
  SELECT min(message_group) FROM messages WHERE destination = ?1 AND state = 'ready'
  UNION ALL
  SELECT (SELECT min(message_group) FROM messages
          WHERE destination = ?1 AND state = 'ready' AND message_group > groups.name)
  FROM groups WHERE groups.name IS NOT NULL
)
SELECT name, (SELECT count(*) FROM messages
              WHERE destination = ?1 AND state = 'in flight' AND message_group = groups.name)
FROM groups WHERE name IS NOT NULL";

const HEADS: &str = "
SELECT seq FROM messages
WHERE destination = ?1 AND state = 'ready' AND message_group = ?2 AND visible_at <= ?3
ORDER BY visible_at, seq LIMIT ?4";

const TAKE: &str = "
UPDATE messages SET state = 'in flight', receives = receives + 1,
  first_received_at = coalesce(first_received_at, ?2)
WHERE seq = ?1
RETURNING id, message_group, body, receives, interrupted, sent_at, first_received_at";

/// Remembers when each group had its last turn. The count in flight alone does not make it
/// fair: with one worker it is always nought, and the oldest message would win each time.
/// In memory only: after a restart all groups are equal.
#[derive(Default)]
pub(super) struct Turns {
    next: u64,
    /// By destination, then group; only of groups with work.
    last: HashMap<String, HashMap<String, u64>>,
}

struct Waiting {
    group: String,
    in_flight: u64,
    /// Nought for a group that had none, so it goes first.
    last_turn: u64,
    /// Oldest last.
    heads: Vec<i64>,
}

pub(super) fn claim(
    tx: &Transaction<'_>,
    turns: &mut Turns,
    destination: &str,
    max: usize,
    now_ms: i64,
) -> Result<Vec<Message>, MailboxError> {
    let last = turns.last.entry(destination.to_owned()).or_default();
    let mut waiting = waiting(tx, last, destination, max, now_ms)?;

    let mut taken = Vec::new();
    let mut take = tx.prepare_cached(TAKE)?;
    while taken.len() < max {
        let first = waiting
            .iter_mut()
            .filter(|group| !group.heads.is_empty())
            .min_by_key(|group| (group.in_flight, group.last_turn, group.heads.last().copied()));
        let Some((group, seq)) = first.and_then(|group| group.heads.pop().map(|seq| (group, seq))) else {
            break;
        };
        turns.next += 1;
        group.in_flight += 1;
        group.last_turn = turns.next;
        taken.push(take.query_row((seq, now_ms), message)?);
    }
    // Groups without work are forgotten here, or the map would grow with every tenant seen.
    *last = waiting.into_iter().map(|group| (group.group, group.last_turn)).collect();
    Ok(taken)
}

fn waiting(
    tx: &Transaction<'_>,
    last: &HashMap<String, u64>,
    destination: &str,
    max: usize,
    now_ms: i64,
) -> rusqlite::Result<Vec<Waiting>> {
    let limit = i64::try_from(max).unwrap_or(i64::MAX);
    let mut heads = tx.prepare_cached(HEADS)?;
    tx.prepare_cached(GROUPS)?
        .query_map([destination], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?
        .map(|row| {
            let (group, in_flight) = row?;
            let mut heads = heads
                .query_map((destination, &group, now_ms, limit), |row| row.get(0))?
                .collect::<rusqlite::Result<Vec<i64>>>()?;
            heads.reverse();
            let last_turn = last.get(&group).copied().unwrap_or_default();
            Ok(Waiting { group, in_flight, last_turn, heads })
        })
        .collect()
}

fn message(row: &rusqlite::Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        id: row.get(0)?,
        group: group(row.get(1)?),
        body: row.get(2)?,
        receives: row.get(3)?,
        interrupted: row.get(4)?,
        sent_at_ms: row.get(5)?,
        first_received_at_ms: row.get(6)?,
    })
}
