//! The certbound program.

use std::process::ExitCode;

/// The allocator of the C library is slow where several threads allocate, that of musl above all.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything can build a TLS configuration: with two providers compiled in, rustls would not know which to take.
    // It fails only if one is installed already, and nothing has run yet.
    let _ = rustls::crypto::ring::default_provider().install_default();
    certbound::cli::main()
}
