//! The tenant that is there from the start.

use chrono::{DateTime, Utc};
use model::scoring::Published;
use model::{Generations, Settings, Tenant, TenantId, TenantSecret, TenantSlug};
use store::{ApiKey, EVERYTHING, KeyHash, StoreError, TenantStore};
use uuid::Uuid;

use crate::StartError;

const NAME: &str = "Demo";

/// Is the demo tenant, and whether this start has made it.
pub(super) struct Demo {
    pub(super) tenant: Tenant,
    pub(super) is_new: bool,
}

/// Makes the tenant where it is missing and sees to it that the key is one of its keys.
pub(super) async fn bootstrap(
    store: &impl TenantStore,
    key: &str,
    now: DateTime<Utc>,
) -> Result<Demo, StartError> {
    let slug =
        TenantSlug::from_name(NAME).ok_or_else(|| StoreError::Malformed("the demo slug".to_owned()))?;
    let hash = KeyHash::of(key);
    let known = store.api_key(hash).await?;
    let present = store.tenant_by_slug(&slug).await?;
    let of = |tenant| ApiKey::new(tenant, "first key", [EVERYTHING], now);
    match (present, known) {
        (Some(tenant), Some(known)) if known.tenant == tenant.id => Ok(Demo { tenant, is_new: false }),
        (_, Some(_)) => Err(StartError::ForeignKey),
        (Some(tenant), None) => {
            store.put_api_key(hash, &of(tenant.id)).await?;
            Ok(Demo { tenant, is_new: false })
        }
        (None, None) => {
            let mut secret = [0; 32];
            getrandom::fill(&mut secret)?;
            let tenant = Tenant {
                id: TenantId(Uuid::new_v4()),
                slug,
                name: NAME.to_owned(),
                secret: TenantSecret::new(secret),
                settings: Settings::default(),
                scoring: Published::default(),
                generations: Generations::default(),
            };
            // Nobody else is at work on this directory: a slug that was free still is.
            if store.create_tenant(&tenant, hash, &of(tenant.id)).await? {
                Ok(Demo { tenant, is_new: true })
            } else {
                Err(StoreError::Malformed("the slug of the demo tenant without its tenant".to_owned()).into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use store::testing::MemoryStore;

    use super::*;

    const KEY: &str = "a-key-for-the-demo-tenant";

    #[tokio::test]
    async fn the_tenant_is_made_once_and_takes_further_keys() {
        let store = MemoryStore::default();
        let first = bootstrap(&store, KEY, Utc::now()).await.unwrap();
        assert!(first.is_new);
        assert_eq!((first.tenant.slug.as_str(), first.tenant.name.as_str()), ("demo", "Demo"));
        for key in [KEY, "another-key-of-the-tenant"] {
            let again = bootstrap(&store, key, Utc::now()).await.unwrap();
            assert!(!again.is_new);
            assert_eq!(again.tenant, first.tenant);
            let known = store.api_key(KeyHash::of(key)).await.unwrap().unwrap();
            assert_eq!((known.tenant, known.scopes.contains("*")), (first.tenant.id, true));
        }
    }

    #[tokio::test]
    async fn the_key_of_another_tenant_is_refused() {
        let store = MemoryStore::default();
        let other = store::testing::tenant();
        let key = ApiKey::new(other.id, "theirs", [], Utc::now());
        assert!(store.create_tenant(&other, KeyHash::of(KEY), &key).await.unwrap());
        assert!(matches!(bootstrap(&store, KEY, Utc::now()).await, Err(StartError::ForeignKey)));
    }
}
