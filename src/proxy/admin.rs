//! Probes and metrics, on a listener of their own.
