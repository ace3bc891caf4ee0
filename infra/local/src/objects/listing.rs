//! ListObjectsV2: one page of keys in order, folded at a delimiter.

use super::attributes::Object;
use super::catalog::{Catalog, OBJECT_COLUMNS, object, require_bucket};
use super::error::StorageError;

/// Asks for a page.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    pub(super) bucket: String,
    /// Only keys that start with it.
    pub(super) prefix: String,
    /// Folds the keys that agree up to its first occurrence after the prefix.
    pub(super) delimiter: Option<String>,
    /// The least key of the page, itself included.
    pub(super) from: String,
    /// How many keys and folds at most.
    pub(super) limit: usize,
}

/// Is a page of a listing, as of one moment.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) objects: Vec<Object>,
    pub(super) common_prefixes: Vec<String>,
    /// Where the next page starts, if there is one.
    pub(super) next: Option<String>,
}

impl Page {
    pub(super) fn len(&self) -> usize {
        self.objects.len() + self.common_prefixes.len()
    }
}

impl Catalog {
    /// Lists a page of the bucket.
    pub(super) fn list(&self, query: &Query) -> Result<Page, StorageError> {
        let connection = self.connection();
        require_bucket(&connection, &query.bucket)?;
        let mut page = Page::default();
        if query.limit == 0 {
            return Ok(page);
        }
        // No LIMIT: SQLite yields row by row, and a fold jumps to behind its keys.
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {OBJECT_COLUMNS} FROM objects WHERE bucket = ?1 AND key >= ?2 ORDER BY key"
        ))?;
        let mut seek = query.from.clone().max(query.prefix.clone());
        'seek: loop {
            let mut rows = statement.query([&query.bucket, &seek])?;
            while let Some(row) = rows.next()? {
                let key = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
                let Some(rest) = key.strip_prefix(query.prefix.as_str()) else { return Ok(page) };
                if page.len() == query.limit {
                    page.next = Some(key.to_owned());
                    return Ok(page);
                }
                let fold = query.delimiter.as_ref().and_then(|delimiter| {
                    rest.split_once(delimiter.as_str())
                        .map(|(head, _)| format!("{}{head}{delimiter}", query.prefix))
                });
                match fold {
                    None => page.objects.push(object(row)?),
                    Some(fold) => {
                        let behind = after_prefix(&fold);
                        page.common_prefixes.push(fold);
                        match behind {
                            Some(behind) => seek = behind,
                            None => return Ok(page),
                        }
                        continue 'seek;
                    }
                }
            }
            return Ok(page);
        }
    }
}

/// Gives the least key after this one.
pub(super) fn after_key(key: &str) -> String {
    format!("{key}\0")
}

/// Gives the least string greater than every string that starts with `prefix`.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut head = prefix.to_owned();
    while let Some(last) = head.pop() {
        // The range of characters steps over the surrogates by itself.
        if let Some(next) = (last..=char::MAX).nth(1) {
            head.push(next);
            return Some(head);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;
    use crate::objects::condition::WriteCondition;

    fn catalog(keys: &[&str]) -> Catalog {
        let catalog = Catalog::open(":memory:".as_ref()).unwrap();
        catalog.create_bucket("bucket", Utc::now()).unwrap();
        for key in keys {
            let object = Object {
                key: (*key).into(),
                content: format!("content of {key}"),
                size_bytes: 0,
                etag: String::new(),
                modified_ms: 0,
                headers: Default::default(),
                checksums: Default::default(),
            };
            catalog.publish("bucket", &object, &WriteCondition::default(), None).unwrap();
        }
        catalog
    }

    /// Walks all pages and checks that none is longer than asked.
    fn walk(catalog: &Catalog, prefix: &str, delimiter: Option<&str>, limit: usize) -> Vec<String> {
        let mut query = Query {
            bucket: "bucket".into(),
            prefix: prefix.into(),
            delimiter: delimiter.map(Into::into),
            from: String::new(),
            limit,
        };
        let mut names = Vec::new();
        loop {
            let page = catalog.list(&query).unwrap();
            assert!(page.len() <= limit);
            let mut of_page: Vec<_> = page.objects.into_iter().map(|object| object.key).collect();
            of_page.extend(page.common_prefixes);
            of_page.sort();
            names.extend(of_page);
            match page.next {
                Some(next) => query.from = next,
                None => return names,
            }
        }
    }

    #[test]
    fn pages_of_any_size_show_the_same_keys_and_folds() {
        let catalog =
            catalog(&["a", "a/", "a/1", "a/2/x", "a/2/y", "a0", "b/\u{10ffff}", "b/\u{10ffff}/z", "é/1"]);
        for limit in 1..=10 {
            let all = ["a", "a/", "a/1", "a/2/x", "a/2/y", "a0", "b/\u{10ffff}", "b/\u{10ffff}/z", "é/1"];
            assert_eq!(walk(&catalog, "", None, limit), all);
            assert_eq!(walk(&catalog, "", Some("/"), limit), ["a", "a/", "a0", "b/", "é/"]);
            assert_eq!(walk(&catalog, "a/", Some("/"), limit), ["a/", "a/1", "a/2/"]);
            assert_eq!(walk(&catalog, "b/", Some("\u{10ffff}"), limit), ["b/\u{10ffff}"]);
            assert!(walk(&catalog, "c", None, limit).is_empty());
        }
    }

    #[test]
    fn the_string_behind_a_prefix_is_the_least_one() {
        assert_eq!(after_prefix("a/").as_deref(), Some("a0"));
        assert_eq!(after_prefix("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(after_prefix("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{10ffff}"), None);
    }
}
