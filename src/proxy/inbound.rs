//! A request arrives: its path is parsed, limits are held, identity headers are taken out.
