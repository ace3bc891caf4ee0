//! The conditions a caller may put on the present object.

use s3s::S3ErrorCode;
use s3s::dto::{ETag, ETagCondition, Timestamp};

use super::error::StorageError;

/// Guards a write; checked in the transaction that performs it.
#[derive(Clone, Debug, Default)]
pub(super) struct WriteCondition {
    if_match: Option<ETagCondition>,
    must_be_absent: bool,
}

impl WriteCondition {
    /// Takes the two headers of a write.
    pub(super) fn parse(
        if_match: Option<ETagCondition>,
        if_none_match: Option<ETagCondition>,
    ) -> Result<Self, StorageError> {
        match if_none_match {
            // S3 itself knows nothing but `*` here.
            Some(ETagCondition::ETag(_)) => Err(StorageError::refused(
                S3ErrorCode::NotImplemented,
                "if-none-match on a write takes only `*`",
            )),
            Some(ETagCondition::Any) => Ok(Self { if_match, must_be_absent: true }),
            None => Ok(Self { if_match, must_be_absent: false }),
        }
    }

    /// Compares with the entity tag of the present object, if there is one.
    pub(super) fn check(&self, present: Option<&str>) -> Result<(), StorageError> {
        if self.must_be_absent && present.is_some() {
            return Err(StorageError::PreconditionFailed);
        }
        match (&self.if_match, present) {
            (None, _) => Ok(()),
            // S3 answers 404, not 412, when there is nothing to match.
            (Some(_), None) => Err(StorageError::NoSuchKey),
            (Some(condition), Some(etag)) if matches(condition, etag) => Ok(()),
            (Some(_), Some(_)) => Err(StorageError::PreconditionFailed),
        }
    }
}

/// Guards a read, or the source of a copy.
#[derive(Debug, Default)]
pub(super) struct ReadCondition {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) if_modified_since: Option<Timestamp>,
    pub(super) if_unmodified_since: Option<Timestamp>,
}

/// Says how a read goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Proceed,
    NotModified,
    Failed,
}

impl ReadCondition {
    /// Decides in the order of RFC 9110, section 13.2.2: a tag outweighs a date.
    pub(super) fn check(&self, etag: &str, modified: &Timestamp) -> Verdict {
        match (&self.if_match, &self.if_unmodified_since) {
            (Some(condition), _) if !matches(condition, etag) => return Verdict::Failed,
            (None, Some(limit)) if modified > limit => return Verdict::Failed,
            _ => {}
        }
        match (&self.if_none_match, &self.if_modified_since) {
            (Some(condition), _) if matches(condition, etag) => Verdict::NotModified,
            (None, Some(limit)) if modified <= limit => Verdict::NotModified,
            _ => Verdict::Proceed,
        }
    }
}

fn matches(condition: &ETagCondition, etag: &str) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(expected) => expected.as_strong().is_some_and(|expected| expected == etag),
    }
}

/// Quotes a stored entity tag for the protocol.
pub(super) fn strong(etag: &str) -> ETag {
    ETag::Strong(etag.to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    fn tag(value: &str) -> Option<ETagCondition> {
        Some(ETagCondition::ETag(strong(value)))
    }

    #[test]
    fn a_write_condition_holds_for_the_tag_it_names() {
        let condition = WriteCondition::parse(tag("a"), None).unwrap();
        assert!(condition.check(Some("a")).is_ok());
        assert!(matches!(condition.check(Some("b")), Err(StorageError::PreconditionFailed)));
        assert!(matches!(condition.check(None), Err(StorageError::NoSuchKey)));
    }

    #[test]
    fn a_tag_outweighs_a_date() {
        let at = |seconds| Timestamp::from(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let read = ReadCondition {
            if_match: tag("a"),
            if_unmodified_since: Some(at(1)),
            if_none_match: tag("b"),
            if_modified_since: Some(at(9)),
        };
        assert_eq!(read.check("a", &at(5)), Verdict::Proceed);
        let dates = ReadCondition { if_match: None, if_none_match: None, ..read };
        assert_eq!(dates.check("a", &at(5)), Verdict::Failed);
    }
}
