use std::future::Future;
use std::sync::Arc;

use model::{AttributeType, Field, FieldId, FieldSlug, Fields, Tenant};

use crate::StoreError;

/// Says whether a copy of up to 60 seconds will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It will.
    Cached,
    /// Read the truth.
    Strong,
}

/// Says what became of a change of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldWrite {
    /// It took effect.
    Done,
    /// The field is not as it was read.
    Changed,
    /// Another field has the new slug.
    SlugTaken,
}

/// Keeps the custom fields of tenants. None of this touches a contact.
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

    /// Gives an id that no field of the tenant has or had.
    fn new_field_id(
        &self,
        tenant: &Tenant,
        kind: AttributeType,
    ) -> impl Future<Output = Result<FieldId, StoreError>> + Send;

    /// Stores a new field; false if there is one with its slug.
    fn insert_field(
        &self,
        tenant: &Tenant,
        field: &Field,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Changes a field that was read, its slug among it; its revision goes up.
    fn replace_field(
        &self,
        tenant: &Tenant,
        before: &Field,
        after: Field,
    ) -> impl Future<Output = Result<FieldWrite, StoreError>> + Send;

    /// Forgets a field that was read; false if it changed since.
    fn remove_field(
        &self,
        tenant: &Tenant,
        field: &Field,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}
