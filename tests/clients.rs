//! Real clients of the Invoke API, and AWS's own clients of the Runtime API, against
//! `tinderbox run`: they read its answers as they read Lambda's.
//!
//! `scripts/clients.sh` installs them; what is not there is printed as skipped. Clients are boto3,
//! the AWS CLI 1 and 2, the AWS SDK for JavaScript, cargo-lambda and curl; runtimes are the
//! official crate for Rust, the clients for Node and Python, and the tutorial in shell.

mod support;

#[path = "clients/asynchronous.rs"]
mod asynchronous;
#[path = "clients/callers.rs"]
mod callers;
#[path = "clients/cargo_lambda.rs"]
mod cargo_lambda;
#[path = "clients/client.rs"]
mod client;
#[path = "clients/curl.rs"]
mod curl;
#[path = "clients/errors.rs"]
mod errors;
#[allow(dead_code)] // tests/tool.rs uses more of it
#[path = "tool/harness.rs"]
mod harness;
#[path = "clients/invoke.rs"]
mod invoke;
#[path = "clients/lambda.rs"]
mod lambda;
#[path = "clients/management.rs"]
mod management;
#[path = "clients/programs.rs"]
mod programs;
#[path = "clients/retries.rs"]
mod retries;
#[path = "clients/runtimes.rs"]
mod runtimes;
#[path = "clients/shutdown.rs"]
mod shutdown;
#[path = "clients/streams.rs"]
mod streams;
#[path = "clients/tails.rs"]
mod tails;

/// A test for each client, of functions that take it.
#[macro_export]
macro_rules! for_each_client {
    ($($test:ident)+) => {
        $crate::for_each_client! { boto3 Boto3: $($test)+ }
        $crate::for_each_client! { javascript Javascript: $($test)+ }
        $crate::for_each_client! { cli_1 Cli1: $($test)+ }
        $crate::for_each_client! { cli_2 Cli2: $($test)+ }
    };
    ($module:ident $client:ident: $($test:ident)+) => {
        mod $module {
            $(#[test]
            fn $test() {
                let client = $crate::client::Client::$client;
                if !client.is_missing() {
                    super::$test(client);
                }
            })+
        }
    };
}
