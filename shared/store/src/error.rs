use std::error::Error;

/// Says what any store could answer instead of a result.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// One record is larger than a store takes; a smaller one would pass.
    #[error("the record has {size_bytes} bytes, over the limit of {limit_bytes}")]
    TooLarge {
        /// What it would take.
        size_bytes: usize,
        /// What there is.
        limit_bytes: usize,
    },
    /// The object is gone, or is not the one that was meant.
    #[error("the object is gone or has changed")]
    ObjectGone,
    /// The store is busy or out of reach; the same call may pass later.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The store holds something this code does not understand.
    #[error("a stored record is malformed: {0}")]
    Malformed(String),
    /// The call is wrong, or the store is set up wrongly; the same call will not pass later.
    #[error("the store refused a call")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
}
