//! The HTTP edge that all functions share: who calls, what a request may look like, and how an
//! answer or a problem is told.

mod app;
mod auth;
mod contact_view;
mod cursor;
mod error;
mod etag;
mod extract;
mod idempotency;
mod json;
mod lambda;
mod limit;
mod location;
mod members;
mod openapi;
mod page;
mod problem;
mod routes;
pub mod rule;
mod tally;
#[cfg(feature = "testing")]
pub mod testing;

pub use app::{App, EdgeStore, HandlerState};
pub use auth::{Caller, Scope, presented_key, unauthorized};
pub use contact_view::{ContactView, views};
pub use cursor::{Cursor, CursorKind};
pub use error::ApiError;
pub use etag::{ETag, Preconditions};
pub use extract::{PathText, QueryParams};
pub use idempotency::{Answer, IdempotencyKey, once};
pub use json::{BATCH_BYTES, BODY_BYTES, JsonObject};
pub use lambda::run;
pub use limit::{REQUESTS_A_WINDOW, WINDOW_S};
pub use location::Location;
pub use members::Members;
pub use openapi::{OPENAPI, described, openapi_of};
pub use page::{page_items, page_limit};
pub use problem::{FieldError, Problem};
pub use routes::{PREFIX, Routes};
