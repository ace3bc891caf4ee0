//! x
pub mod delivery;
