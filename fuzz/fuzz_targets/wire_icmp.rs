//! See `synfin_verify::bodies`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| synfin_verify::bodies::body("wire_icmp")(bytes));
