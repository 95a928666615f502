//! `http:`: an application that serves HTTP.
