//! The `cellblock` program.

fn main() {}
