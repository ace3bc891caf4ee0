use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, StreamSpecification,
    StreamViewType, TimeToLiveSpecification,
};

use super::DynamoStore;
use crate::StoreError;
use crate::sdk::{name_from_env, store_error};

/// Names the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// `tenant`, `address`: the contacts, with a stream of old and new images.
    pub contacts: String,
    /// `part`, `chunk`: where the contact with an ordinal is.
    pub directory: String,
    /// `contact`, `entry`: what happened to a contact.
    pub activity: String,
    /// `part`, `entry`: everything else, each kind under a key of its own.
    pub config: String,
    /// `p`, `s`, both binary: the search index, derived from the contacts.
    pub index: String,
}

impl Tables {
    /// Reads `LEADS_CONTACTS_TABLE`, `LEADS_DIRECTORY_TABLE`, `LEADS_ACTIVITY_TABLE`,
    /// `LEADS_CONFIG_TABLE` and `LEADS_INDEX_TABLE`.
    ///
    /// # Errors
    /// [`StoreError::Refused`] naming the variable that is missing.
    pub fn from_env() -> Result<Self, StoreError> {
        Ok(Self {
            contacts: name_from_env("LEADS_CONTACTS_TABLE")?,
            directory: name_from_env("LEADS_DIRECTORY_TABLE")?,
            activity: name_from_env("LEADS_ACTIVITY_TABLE")?,
            config: name_from_env("LEADS_CONFIG_TABLE")?,
            index: name_from_env("LEADS_INDEX_TABLE")?,
        })
    }

    /// Names all tables after one prefix.
    pub fn prefixed(prefix: &str) -> Self {
        Self {
            contacts: format!("{prefix}contacts"),
            directory: format!("{prefix}directory"),
            activity: format!("{prefix}activity"),
            config: format!("{prefix}config"),
            index: format!("{prefix}index"),
        }
    }

    /// Pairs each environment variable with the name it holds.
    pub fn to_env(&self) -> [(&'static str, &str); 5] {
        [
            ("LEADS_CONTACTS_TABLE", &self.contacts),
            ("LEADS_DIRECTORY_TABLE", &self.directory),
            ("LEADS_ACTIVITY_TABLE", &self.activity),
            ("LEADS_CONFIG_TABLE", &self.config),
            ("LEADS_INDEX_TABLE", &self.index),
        ]
    }
}

impl DynamoStore {
    /// Creates the tables that are missing. On AWS the template does it; this is for engines that
    /// start empty.
    ///
    /// # Errors
    /// What the engine answers, other than that a table exists.
    pub async fn create_missing_tables(&self) -> Result<(), StoreError> {
        use ScalarAttributeType::{B, N, S};
        let tables = self.tables.clone();
        self.create_table(&tables.contacts, [("tenant", S), ("address", S)], true).await?;
        self.create_table(&tables.directory, [("part", S), ("chunk", N)], false).await?;
        self.create_table(&tables.activity, [("contact", S), ("entry", S)], false).await?;
        self.create_table(&tables.index, [("p", B), ("s", B)], false).await?;
        if self.create_table(&tables.config, [("part", S), ("entry", S)], false).await? {
            self.expire(&tables.config).await?;
        }
        Ok(())
    }

    async fn create_table(
        &self,
        name: &str,
        [(part, part_type), (sort, sort_type)]: [(&str, ScalarAttributeType); 2],
        streamed: bool,
    ) -> Result<bool, StoreError> {
        let attribute = |name: &str, kind| {
            AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().map_err(refused)
        };
        let key = |name: &str, kind| {
            KeySchemaElement::builder().attribute_name(name).key_type(kind).build().map_err(refused)
        };
        let stream = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::NewAndOldImages)
            .build()
            .map_err(refused)?;
        let created = self
            .client
            .create_table()
            .table_name(name)
            .attribute_definitions(attribute(part, part_type)?)
            .attribute_definitions(attribute(sort, sort_type)?)
            .key_schema(key(part, KeyType::Hash)?)
            .key_schema(key(sort, KeyType::Range)?)
            .billing_mode(BillingMode::PayPerRequest)
            .set_stream_specification(streamed.then_some(stream))
            .send()
            .await;
        match created {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_in_use_exception()) => {
                Ok(false)
            }
            Err(error) => Err(store_error(error)),
        }
    }

    async fn expire(&self, table: &str) -> Result<(), StoreError> {
        let expiry = TimeToLiveSpecification::builder()
            .attribute_name("expires")
            .enabled(true)
            .build()
            .map_err(refused)?;
        let update = self.client.update_time_to_live().table_name(table);
        update.time_to_live_specification(expiry).send().await.map_err(store_error)?;
        Ok(())
    }
}

pub(super) fn refused(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Refused(Box::new(error))
}
