//! The contract that every store keeps, on the real client and the embedded engine.

use super::fresh_store;

store::contract_tests!(async { fresh_store().await });
