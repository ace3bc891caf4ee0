//! Reads any bytes as a file to import: `cargo +nightly fuzz run reader` in `tests/fuzz`.
//!
//! What a run finds goes into the corpus, which an ordinary test of `import` reads as well.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| import::invariants::check(file));
