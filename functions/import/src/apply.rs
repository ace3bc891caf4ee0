//! Applying rows: what each row of a batch does to the contact at its address.

use chrono::{DateTime, Utc};
use model::import::{CellFault, Row, RowReader, Target};
use model::{Change, ContactId, Decision, Email, Invalid, Mode, Origin, Standing, Status, Tenant};
use store::{ContactStore, Job, NewContact, ProfileUpdate, RowCounts, StoreError, Write, Written};

use crate::ImportError;
use crate::index_block::Reserved;
use crate::records::Record;
use crate::report::{BadRow, Warning};
use crate::superseded::Superseded;

/// How often a row is decided again because its contact changed meanwhile. Each time somebody
/// else got a write through, so this many in a row is a storm; a redelivery reads again.
const ROUNDS: usize = 8;

/// Applies rows of one file.
#[derive(Clone)]
pub(crate) struct Applier<'a, S> {
    pub store: &'a S,
    pub tenant: &'a Tenant,
    pub job: &'a Job,
    pub reader: RowReader,
    pub superseded: &'a Superseded,
    pub first_try: FirstTry,
    /// Where the ordinals are of contacts that are indexed together, if any are.
    pub reserved: Option<&'a Reserved>,
}

/// Says how a row without an own consent record is tried first. Both end the same: a create
/// never overwrites, and a row whose create fails is decided by what it met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FirstTry {
    /// Read what stands at the address: one read unit a row.
    Read,
    /// Create without reading: nothing more where the address is free, two write units and a read
    /// unit in vain where it is not.
    Create,
}

impl FirstTry {
    /// Chooses by the rows before. What is in vain costs eleven times as much as the read that is
    /// saved, so that creating pays while fewer than one address in twelve is taken; this asks for
    /// fewer than one in twenty, because files have stretches.
    pub(crate) fn after(applied: &Applied) -> Self {
        let tried = applied.rows.created + applied.rows.updated + applied.rows.unchanged;
        if tried > 0 && applied.addresses_taken * 20 < tried { Self::Create } else { Self::Read }
    }
}

/// Says what became of some rows.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    pub rows: RowCounts,
    pub bad: Vec<BadRow>,
    /// What was left out of rows that were applied.
    pub warnings: Vec<Warning>,
    /// How often a row met anything at its address.
    pub addresses_taken: u64,
}

/// Is a row on its way to a contact.
struct Waiting<'r> {
    record: &'r Record,
    row: Row,
    standing: Standing,
    /// Why the status that the row asks for is not set.
    consent_required: Option<Invalid>,
}

/// Says what a row does, given what stands at its address.
enum Step {
    Created,
    Updated,
    Unchanged,
    /// Nothing but to log the consent that came with it.
    Consent(ContactId),
    Invalid(Invalid),
    /// Nothing: the person had everything erased. What the file says of consent is not that
    /// person's own word.
    Suppressed,
    Create(Write),
    Update(Write),
}

impl<S: ContactStore> Applier<'_, S> {
    /// Applies the rows of one read. Their addresses differ, because superseded rows are left
    /// out. Rows that an earlier run applied are known by their origin and counted as then.
    pub(crate) async fn apply(&self, records: &[Record], now: DateTime<Utc>) -> Result<Applied, ImportError> {
        let mut applied = Applied::default();
        let mut good = Vec::new();
        for record in records {
            let number = u32::try_from(record.place.row).unwrap_or(u32::MAX);
            if self.superseded.rows.contains(number) {
                applied.rows.duplicate += 1;
                continue;
            }
            if let Some(fault) = &record.fault {
                applied.refuse(record, vec![of_the_row(fault.clone())]);
                continue;
            }
            match self.reader.read(record.cells.iter()) {
                Ok(mut row) => {
                    row.change.status = self.superseded.opt_outs.of(number).or(row.change.status);
                    good.push((record, row));
                }
                Err(faults) => applied.refuse(record, faults),
            }
        }
        let standings = self.standings(&good).await?;
        let mut waiting: Vec<Waiting<'_>> = good
            .into_iter()
            .zip(standings)
            .map(|((record, row), standing)| Waiting { record, row, standing, consent_required: None })
            .collect();
        for _ in 0..ROUNDS {
            waiting = self.round(waiting, &mut applied, now).await?;
            if waiting.is_empty() {
                return Ok(applied);
            }
        }
        Err(ImportError::Contended { job: self.job.id })
    }

    async fn standings(&self, rows: &[(&Record, Row)]) -> Result<Vec<Standing>, StoreError> {
        // A consent record is stored before the contact it is for, so that one must be known.
        let creates_first = self.first_try == FirstTry::Create
            && self.job.options.mode != Mode::UpdateOnly
            && !self.reader.requires_attributes()
            && rows.iter().all(|(_, row)| row.change.consent.is_none());
        if rows.is_empty() || creates_first {
            return Ok(vec![Standing::Free; rows.len()]);
        }
        let emails: Vec<Email> = rows.iter().map(|(_, row)| row.email.clone()).collect();
        self.store.standings(self.tenant, &emails).await
    }

    /// Decides and writes once; gives back the rows whose contacts changed meanwhile.
    async fn round<'r>(
        &self,
        waiting: Vec<Waiting<'r>>,
        applied: &mut Applied,
        now: DateTime<Utc>,
    ) -> Result<Vec<Waiting<'r>>, ImportError> {
        let mut writes = Vec::new();
        let mut written_for = Vec::new();
        for mut row in waiting {
            applied.addresses_taken += u64::from(row.standing != Standing::Free);
            match self.decide(&mut row) {
                Step::Created => self.count(applied, row, |rows| &mut rows.created),
                Step::Updated => self.count(applied, row, |rows| &mut rows.updated),
                Step::Unchanged => self.count(applied, row, |rows| &mut rows.unchanged),
                Step::Consent(id) => {
                    if let Some(consent) = &row.row.change.consent {
                        self.store.record_consent(self.tenant, id, consent, now).await?;
                    }
                    self.count(applied, row, |rows| &mut rows.unchanged);
                }
                Step::Suppressed => applied.rows.suppressed += 1,
                Step::Invalid(invalid) => applied.refuse(row.record, vec![of_the_row(invalid)]),
                Step::Create(write) => {
                    writes.push(write);
                    written_for.push((row, true));
                }
                Step::Update(write) => {
                    writes.push(write);
                    written_for.push((row, false));
                }
            }
        }
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        let written = self.store.write(self.tenant, writes, now).await?;
        let mut lost = Vec::new();
        for ((mut row, created), written) in written_for.into_iter().zip(written) {
            match written {
                Ok(Written::Done(_)) if created => self.count(applied, row, |rows| &mut rows.created),
                Ok(Written::Done(_)) => self.count(applied, row, |rows| &mut rows.updated),
                Ok(Written::Lost { standing, .. }) => {
                    row.standing = standing;
                    lost.push(row);
                }
                Err(StoreError::TooLarge { size_bytes, limit_bytes }) => {
                    let detail = format!(
                        "the contact would take {size_bytes} bytes, over {limit_bytes}; shorten its texts"
                    );
                    let fault = of_the_row(Invalid::new("contact_too_large", detail));
                    applied.refuse(row.record, vec![fault]);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(lost)
    }

    fn decide(&self, waiting: &mut Waiting<'_>) -> Step {
        let Waiting { record, row, standing, consent_required } = waiting;
        if let Standing::Held(contact) = standing
            && let Some(Origin::Row { job, row: number, created, .. }) = contact.origin
            && (job, number) == (self.job.id, record.place.row)
        {
            *consent_required = kept_status(&row.change, contact.profile.status);
            return if created { Step::Created } else { Step::Updated };
        }
        let mode = self.job.options.mode;
        if let Standing::Suppressed(suppression) = standing
            && mode != Mode::UpdateOnly
            && suppression.admit(false).is_err()
        {
            return Step::Suppressed;
        }
        let decision = match Decision::of(standing, mode, &row.email, &row.email_typed, &row.change) {
            // An unsubscribe outlives every file that knows nothing of it; the rest of the row is good.
            Err(invalid) if invalid.code == "consent_required" => {
                let change = Change { status: None, ..row.change.clone() };
                Decision::of(standing, mode, &row.email, &row.email_typed, &change)
            }
            decided => decided,
        };
        let decision = match decision {
            Ok(decision) => decision,
            Err(invalid) => return Step::Invalid(invalid),
        };
        *consent_required = match (&decision, &*standing) {
            (Decision::Create(profile) | Decision::Update(profile), _) => {
                kept_status(&row.change, profile.status)
            }
            (Decision::Unchanged, Standing::Held(contact)) => {
                kept_status(&row.change, contact.profile.status)
            }
            (Decision::Unchanged | Decision::Exists | Decision::Missing, _) => None,
        };
        let consent = row.change.consent.clone();
        let origin = |created, indexed_by_import| {
            Some(Origin::Row { job: self.job.id, row: record.place.row, created, indexed_by_import })
        };
        match (decision, &*standing) {
            (Decision::Create(profile), standing) => {
                let replaces = match standing {
                    Standing::Suppressed(suppression) => Some(suppression.clone()),
                    Standing::Free | Standing::Held(_) => None,
                };
                // Only whoever has a reserved ordinal lies in a block that is indexed.
                let ordinal = self.reserved.and_then(Reserved::take);
                let origin = origin(true, ordinal.is_some());
                let new = NewContact { profile: *profile, replaces, consent, origin, ordinal };
                Step::Create(Write::Create(Box::new(new)))
            }
            (Decision::Update(profile), Standing::Held(before)) => {
                let update = ProfileUpdate {
                    before: (**before).clone(),
                    profile: *profile,
                    replaces: None,
                    consent,
                    origin: origin(false, false),
                };
                Step::Update(Write::Update(Box::new(update)))
            }
            (Decision::Unchanged, Standing::Held(contact)) if consent.is_some() => Step::Consent(contact.id),
            // The mode leaves `Exists` and `Missing` alone; an update without a contact cannot be.
            (
                Decision::Update(_) | Decision::Unchanged | Decision::Exists | Decision::Missing,
                Standing::Free | Standing::Suppressed(_) | Standing::Held(_),
            ) => Step::Unchanged,
        }
    }

    /// Counts a row that came to its end, and keeps its warnings.
    fn count(
        &self,
        applied: &mut Applied,
        waiting: Waiting<'_>,
        place: impl FnOnce(&mut RowCounts) -> &mut u64,
    ) {
        *place(&mut applied.rows) += 1;
        let Waiting { record, row, consent_required, .. } = waiting;
        let cell = |column: Option<usize>| column.and_then(|column| record.cells.get(column));
        for fault in row.warnings {
            let value = cell(fault.column).unwrap_or_default().to_owned();
            applied.warnings.push(Warning { place: record.place, value, fault });
        }
        if let Some(invalid) = consent_required {
            let column =
                self.job.columns.iter().position(|planned| planned.column.field == Some(Target::Status));
            // Without a cell of its own the row has the status that was asked of the whole file.
            let asked = row.change.status.map(Status::as_str).unwrap_or_default();
            let value = cell(column).filter(|cell| !cell.trim().is_empty()).unwrap_or(asked).to_owned();
            let fault = CellFault { column, field: Target::Status.to_string(), invalid };
            applied.warnings.push(Warning { place: record.place, value, fault });
        }
    }
}

impl Applied {
    /// Adds up what batches of one stretch gave, in the order of their rows.
    pub(crate) fn add(&mut self, other: Self) {
        self.rows = self.rows + other.rows;
        self.bad.extend(other.bad);
        self.warnings.extend(other.warnings);
        self.addresses_taken += other.addresses_taken;
    }

    fn refuse(&mut self, record: &Record, faults: Vec<CellFault>) {
        self.rows.invalid += 1;
        self.bad.push(BadRow { record: record.clone(), faults });
    }
}

/// Says why a contact is not in the status that a row asks for, by the status that it has after
/// the row. So a row that an earlier run applied gives the same answer again.
fn kept_status(change: &Change, after: Status) -> Option<Invalid> {
    after.moved_to(change.status?, change.consent.as_ref()).err()
}

fn of_the_row(invalid: Invalid) -> CellFault {
    let field = match invalid.code {
        "too_many_tags" => "tags",
        "too_many_lists" => "lists",
        _ => "",
    };
    CellFault { column: None, field: field.to_owned(), invalid }
}
