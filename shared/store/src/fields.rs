use std::future::Future;
use std::sync::Arc;

use model::{AttributeType, Field, FieldSlug, Fields, Tenant};

use crate::StoreError;

/// Says whether a copy of up to 60 seconds will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It will.
    Cached,
    /// Read the truth.
    Strong,
}

/// Keeps the custom fields of tenants.
pub trait FieldStore: Send + Sync {
    /// Reads all fields of a tenant.
    fn fields(
        &self,
        tenant: &Tenant,
        freshness: Freshness,
    ) -> impl Future<Output = Result<Arc<Fields>, StoreError>> + Send;

    /// Defines a field at its first sighting. Of two at the same moment one wins, and both get
    /// the winner: look at its type.
    fn define_field(
        &self,
        tenant: &Tenant,
        slug: &FieldSlug,
        name: &str,
        kind: AttributeType,
    ) -> impl Future<Output = Result<Field, StoreError>> + Send;
}
