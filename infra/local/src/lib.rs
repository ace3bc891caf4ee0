//! x
pub mod delivery;
pub mod objects;
