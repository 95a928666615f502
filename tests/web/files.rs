//! `static:` and static files below a document root.
