//! x

pub mod objects;
