//! qcStatements are read or malformed.
#![no_main]

use certbound::certificate::qualified::Qualification;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|extension: &[u8]| {
    let read = Qualification::read(extension);
    assert_ne!(read, Qualification::Absent, "an extension that is there");
    read.roles().for_each(|role| drop(role.name()));
});
