use model::Consent;

/// Is one consent record in the log of a contact.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsentEntry {
    /// The record as it was given.
    pub consent: Consent,
    /// When it reached the store.
    pub recorded_at: chrono::DateTime<chrono::Utc>,
}
