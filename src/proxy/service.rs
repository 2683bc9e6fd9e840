//! The phases of one request in Pingora.
