//! Reads any text as a rule in either spelling: `cargo +nightly fuzz run rule` in `tests/fuzz`.
//!
//! What a run finds goes into the corpus, which an ordinary test of `model` reads as well.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| model::rule::invariants::check(text));
