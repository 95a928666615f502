//! Servers that break the rules of FastCGI, or use all of them.
