#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| whisper_fuzz::run("cluster_packet", input));
