//! A refusal is answered; the connection is kept where HTTP allows.
