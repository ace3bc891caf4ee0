use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// Counts the capacity units that calls used: what they cost, whatever the machine.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Consumed {
    /// Write units of 1 KB.
    pub write_units: f64,
    /// Read units of 4 KB, strongly consistent.
    pub read_units: f64,
}

impl std::ops::Add for Consumed {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            write_units: self.write_units + other.write_units,
            read_units: self.read_units + other.read_units,
        }
    }
}

/// Is implemented by stores that count what they use.
pub trait Metered: Sized {
    /// Gives a handle to the same store that counts from zero.
    fn metered(&self) -> Self;

    /// Tells what this handle and its clones used so far.
    fn consumed(&self) -> Consumed;
}

/// Sums units over the clones of one store handle.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter(Arc<Mutex<Consumed>>);

impl Meter {
    pub(crate) fn add(&self, used: Consumed) {
        let mut sum = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *sum = *sum + used;
    }

    pub(crate) fn read(&self) -> Consumed {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
