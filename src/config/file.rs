//! The shape of `proxy.toml`: tables, keys, types, and where each stands.
