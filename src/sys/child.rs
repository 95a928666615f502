//! Children: how they are started, waited for and killed.
