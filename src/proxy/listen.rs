//! Sockets: bound early and loudly, accepted, drained.
