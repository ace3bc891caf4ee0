//! A delivery queue that writes down what it hears.

use std::path::PathBuf;
use std::sync::Mutex;

use rusqlite::Connection;

use crate::objects::{BoxError, Notify, ObjectCreated, Ticket};

/// Records every call and whether the object was visible just then.
#[derive(Default)]
pub(super) struct Recorder {
    pub(super) catalog: PathBuf,
    pub(super) heard: Mutex<Vec<String>>,
    pub(super) created: Mutex<Vec<ObjectCreated>>,
    /// The call that fails.
    pub(super) fails: Option<&'static str>,
}

impl Recorder {
    fn note(&self, call: &'static str, ticket: usize) -> Result<(), BoxError> {
        let etag = self.created.lock().unwrap()[ticket].etag.clone();
        // A connection of its own: it sees what is committed.
        let visible: bool = Connection::open(&self.catalog)
            .unwrap()
            .query_row("SELECT EXISTS (SELECT 1 FROM objects WHERE etag = ?1)", [etag], |row| row.get(0))
            .unwrap();
        let state = if visible { "visible" } else { "not visible" };
        self.heard.lock().unwrap().push(format!("{call} {ticket}, {state}"));
        if self.fails == Some(call) { Err("told to fail".into()) } else { Ok(()) }
    }
}

impl Notify for Recorder {
    fn announce(&self, created: &ObjectCreated) -> Result<Ticket, BoxError> {
        let ticket = {
            let mut all = self.created.lock().unwrap();
            all.push(created.clone());
            all.len() - 1
        };
        self.note("announce", ticket)?;
        Ok(Ticket(ticket as i64))
    }

    fn confirm(&self, ticket: Ticket) -> Result<(), BoxError> {
        self.note("confirm", ticket.0 as usize)
    }

    fn withdraw(&self, ticket: Ticket) -> Result<(), BoxError> {
        self.note("withdraw", ticket.0 as usize)
    }
}
