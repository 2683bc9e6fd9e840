//! One outgoing request: GET, bounded in size and time, no redirects.
