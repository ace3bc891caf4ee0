//! Who lives in the world.

use super::*;
use crate::Audit;

/// An invocation that waits longer has timed out.
const LONGEST_LIFE: usize = 400;

impl State {
    /// Changes a contact, and logs it on its lane.
    fn change(&mut self) {
        // Most of them about the same few.
        let ordinal = match self.below(6) {
            0 => ORDINALS[self.below(ORDINALS.len())],
            1 | 2 => IMPORTED[self.below(IMPORTED.len())],
            _ => ORDINALS[self.below(3)],
        };
        let new = self.facts();
        let Some(old) = self.truth.get(&ordinal).cloned() else {
            // An ordinal is never used again.
            if !self.lane_of.contains_key(&ordinal) && !IMPORTED.contains(&ordinal) {
                let lane = self.below(LANES);
                self.lane_of.insert(ordinal, lane);
                self.truth.insert(ordinal, new.clone());
                self.lanes[lane].push_back(Change::Image { ordinal, old: None, new });
            }
            return;
        };
        let lane = self.lane_of[&ordinal];
        match self.below(8) {
            0 => {
                self.truth.remove(&ordinal);
                self.lanes[lane].push_back(Change::Reread { ordinal, known: old });
            }
            1 => {
                let other = (lane + 1) % LANES;
                self.lane_of.insert(ordinal, other);
                for lane in [lane, other] {
                    self.lanes[lane].push_back(Change::Reread { ordinal, known: old.clone() });
                }
            }
            _ => {
                self.truth.insert(ordinal, new.clone());
                self.lanes[lane].push_back(Change::Image { ordinal, old: Some(old), new });
            }
        }
    }
}

impl Known {
    /// Gives a record as a process understands it.
    fn change(self, change: &Change) -> Change {
        match change {
            Change::Image { ordinal, old, new } => Change::Image {
                ordinal: *ordinal,
                old: old.as_ref().map(|old| self.facts(old)),
                new: self.facts(new),
            },
            Change::Reread { ordinal, known } => {
                Change::Reread { ordinal: *ordinal, known: self.facts(known) }
            }
        }
    }
}

impl World {
    /// Changes contacts, now and then after so many steps, and consumes the lanes.
    pub(crate) fn stream(&self, pause: u64) -> Vec<BoxFuture<'static, ()>> {
        let people: BoxFuture<'static, ()> = Box::pin(self.clone().people(pause));
        let consumers =
            (0..LANES).map(|lane| -> BoxFuture<'static, ()> { Box::pin(self.clone().consumer(lane)) });
        std::iter::once(people).chain(consumers).collect()
    }

    async fn people(self, pause: u64) {
        for _ in 0..CHANGES {
            self.state().change();
            step().await;
            let is_pause = self.state().below(3) == 0;
            self.wait(if is_pause { pause } else { 0 }).await;
        }
        self.state().is_over = true;
    }

    /// Consumes one lane as an event source mapping does: what was not finished comes again, and
    /// sometimes what was.
    async fn consumer(self, lane: usize) {
        loop {
            let batch: Vec<Change> = {
                let mut state = self.state();
                let most = 1 + state.below(4);
                if state.lanes[lane].is_empty() && state.is_over {
                    return;
                }
                state.lanes[lane].iter().take(most).cloned().collect()
            };
            step().await;
            if batch.is_empty() {
                continue;
            }
            let lost_batches = self.state().troubles.lost_batches;
            let is_lost = lost_batches.is_some_and(|many| self.state().below(many) == 0);
            let known = self.state().known();
            let changes: Vec<Change> = batch.iter().map(|change| known.change(change)).collect();
            let is_done = is_lost || {
                let view = View { world: &self, known };
                let work = async {
                    for generation in known.written() {
                        self.writer(&view, generation).apply(&changes).await?;
                    }
                    Ok::<_, crate::NotApplied>(())
                };
                self.crashing(work).await
            };
            if is_done && self.state().below(10) > 0 {
                self.state().lanes[lane].drain(..batch.len());
            }
        }
    }

    /// Loads contacts whose making is in no stream, and builds their block until that is done.
    pub(crate) async fn loader(self) {
        // Before all the others, or in their midst.
        let start = {
            let mut state = self.state();
            state.below(2) * state.below(2_500)
        };
        self.wait(start as u64).await;
        let mut remembered = Vec::new();
        for ordinal in IMPORTED {
            {
                let mut state = self.state();
                let (lane, facts) = (state.below(LANES), state.facts());
                state.lane_of.insert(ordinal, lane);
                state.truth.insert(ordinal, facts.clone());
                remembered.push((ordinal, facts));
            }
            step().await;
        }
        loop {
            // Another one, in whose memory there is nothing, may go on.
            let remembers = self.state().below(2) == 0;
            let block = Block::new(IMPORTED[0] - self.state().below(9) as u32, 4_097).unwrap();
            let is_done = self.build(block, None, if remembers { &remembered } else { &[] }).await;
            let dies = self.state().troubles.has_dying_loaders && self.state().below(3) == 0;
            if dies || is_done && self.state().below(4) > 0 {
                return;
            }
        }
    }

    /// Builds a block in all generations, or in one.
    async fn build(&self, block: Block, only: Option<u8>, remembered: &[(u32, Facts)]) -> bool {
        let known = self.state().known();
        let view = View { world: self, known };
        let remembered: Vec<(u32, Facts)> =
            remembered.iter().map(|(ordinal, facts)| (*ordinal, known.facts(facts))).collect();
        let work = async {
            for generation in known.written() {
                if only.is_none_or(|only| only == generation.number) {
                    self.writer(&view, generation).build(block, &known.fields(), &remembered).await?;
                }
            }
            Ok::<_, crate::NotBuilt>(())
        };
        self.crashing(work).await
    }

    /// Takes further fields into the index.
    pub(crate) async fn fields_come(self) {
        let start = self.state().below(1_500) as u64;
        self.wait(start).await;
        self.state().change_meta(|meta, now| Meta { late_fields: Some(now + CACHE), ..meta });
        self.wait(CACHE).await;
        for block in blocks() {
            while !self.build(block, None, &[]).await {}
        }
    }

    /// Builds the next generation, and goes over to it.
    pub(crate) async fn rebuild(self) {
        let start = self.state().below(1_500) as u64;
        self.wait(start).await;
        let step = |change: fn(Generations, u64) -> Generations| {
            let change = |meta: Meta, now| Meta { generations: change(meta.generations, now), ..meta };
            self.state().change_meta(change);
        };
        step(|generations, now| generations.begin(now, CACHE).unwrap());
        self.wait(CACHE).await;
        for block in blocks() {
            // Whoever dies here leaves no more behind than how far it came.
            while !self.build(block, Some(1), &[]).await {}
            step(|generations, _| generations.built(generations.building.unwrap().next + 1).unwrap());
        }
        step(|generations, now| generations.switch(now, CACHE).unwrap());
        self.wait(CACHE).await;
        let fields = self.known().fields();
        let old = Generation { tenant: [1; 16], number: 0 };
        while crate::clear(&self, old, &fields, 2, 5).await.unwrap() >= 5 {}
        step(|generations, _| generations.finish());
    }

    /// Audits and repairs while others write.
    pub(crate) async fn auditor(self) {
        for block in blocks().chain(blocks()) {
            let known = self.state().known();
            let view = View { world: &self, known };
            let generation = Generation { tenant: [1; 16], number: known.meta.generations.current };
            let work = async {
                let writer = self.writer(&view, generation);
                let audit = writer.audit(block, &known.fields()).await?;
                let audit =
                    if self.state().below(2) == 0 { writer.audit_again(&audit).await? } else { audit };
                writer.repair(&audit).await
            };
            self.crashing(work).await;
        }
    }

    /// Audits and repairs, and tells what there was.
    pub(crate) async fn doctor(self, audits: Arc<Mutex<Vec<Audit>>>) {
        let known = self.known();
        let view = View { world: &self, known };
        let generation = Generation { tenant: [1; 16], number: self.current() };
        let writer = self.writer(&view, generation);
        for block in blocks() {
            let audit = writer.audit(block, &known.fields()).await.unwrap();
            writer.repair(&audit).await.unwrap();
            audits.lock().unwrap().push(audit);
        }
    }

    /// Waits as many steps of the scheduler.
    async fn wait(&self, steps: u64) {
        let until = self.state().now + steps;
        while self.state().now < until {
            step().await;
        }
    }

    /// Runs to the end, unless the process dies; what it has sent is on its way all the same.
    async fn crashing<E>(&self, work: impl Future<Output = Result<(), E>>) -> bool {
        let mut work = std::pin::pin!(work);
        let mut lifetime = {
            let mut state = self.state();
            if state.below(3) == 0 { state.below(60) } else { LONGEST_LIFE }
        };
        poll_fn(|context| {
            lifetime = lifetime.saturating_sub(1);
            if lifetime == 0 {
                return Poll::Ready(false);
            }
            work.as_mut().poll(context).map(|applied| applied.is_ok())
        })
        .await
    }
}
