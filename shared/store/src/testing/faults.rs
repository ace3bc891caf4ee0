use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::StoreError;

/// Says on which side of a call's effect the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The call was never sent.
    Before,
    /// The call took effect, and its answer is lost.
    After,
}

/// Lets a process die at call number `at` (from 0): that call and all later ones fail.
#[derive(Debug, Clone)]
pub struct CallFaults {
    at: usize,
    moment: Moment,
    calls: Arc<AtomicUsize>,
}

impl CallFaults {
    /// Dies at a call.
    pub fn crash(at: usize, moment: Moment) -> Self {
        Self { at, moment, calls: Arc::default() }
    }

    /// Never dies, and counts.
    pub fn none() -> Self {
        Self::crash(usize::MAX, Moment::Before)
    }

    /// Tells how many calls there were.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Runs one call of a double under this fault.
    ///
    /// # Errors
    /// The call's own, or [`StoreError::Unavailable`] once dead.
    pub fn call<T>(&self, act: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        if number > self.at || (number == self.at && self.moment == Moment::Before) {
            return Err(dead());
        }
        let result = act();
        if number == self.at { Err(dead()) } else { result }
    }
}

fn dead() -> StoreError {
    StoreError::Unavailable("the process is dead".into())
}

#[derive(Debug)]
struct Number(usize);

impl aws_smithy_types::config_bag::Storable for Number {
    type Storer = aws_smithy_types::config_bag::StoreReplace<Self>;
}

/// The same fault below a real client: every request on the wire is a call.
impl Intercept for CallFaults {
    fn name(&self) -> &'static str {
        "CallFaults"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        bag.interceptor_state().store_put(Number(number));
        let dead = number > self.at || (number == self.at && self.moment == Moment::Before);
        if dead { Err("the process is dead".into()) } else { Ok(()) }
    }

    fn read_before_deserialization(
        &self,
        _: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let died = bag.load::<Number>().is_some_and(|number| number.0 >= self.at);
        if died { Err("the process is dead".into()) } else { Ok(()) }
    }
}
