//! `console:`: commands.
