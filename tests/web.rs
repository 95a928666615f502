//! Web applications and PHP frameworks behind `http:`, `fastcgi:`, `static:` and `console:`, by way
//! of a front that does what each service does with requests and answers (`support/front.rs`).
//!
//! A server or an interpreter that is not installed is printed as skipped.

#[path = "web/browser.rs"]
mod browser;
#[path = "web/chromium.rs"]
mod chromium;
#[path = "web/console.rs"]
mod console;
#[path = "web/corpus.rs"]
mod corpus;
#[path = "web/fastcgi.rs"]
mod fastcgi;
#[path = "web/files.rs"]
mod files;
#[path = "web/front.rs"]
mod front;
#[path = "web/hostile.rs"]
mod hostile;
#[path = "web/http.rs"]
mod http;
#[path = "web/http_chaos.rs"]
mod http_chaos;
#[path = "web/http_random.rs"]
mod http_random;
#[path = "web/http_streams.rs"]
mod http_streams;
#[path = "web/large.rs"]
mod large;
#[path = "web/servers.rs"]
mod servers;
#[path = "web/site.rs"]
mod site;
#[path = "web/static_site.rs"]
mod static_site;
mod support;
#[path = "web/upstream.rs"]
mod upstream;
