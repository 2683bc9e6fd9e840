//! The certbound program.

fn main() {}
