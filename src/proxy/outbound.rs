//! A permitted request goes to the backend: only the identity headers that certbound writes go with it.
