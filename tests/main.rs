//! End-to-end tests: the whole product over HTTP, in this process or at any base URL.
//!
//! With `LEADS_URL`, `LEADS_API_KEY` and `LEADS_ADMIN_KEY` set, the suite runs against what
//! listens there; else it starts the product itself, with nothing but this workspace.
#![expect(clippy::indexing_slicing, reason = "a test that finds too little is to panic")]

mod burst;
mod client;
mod contacts;
mod contract;
mod crash;
mod doctor;
mod domain_events;
mod faults;
mod fields;
mod imports;
mod leads_binary;
mod lists;
mod openapi;
mod product;
mod random_rules;
mod readme;
mod rebuild;
mod rules;
mod scoring;
mod search;
mod template;
mod tenants;
mod units;
