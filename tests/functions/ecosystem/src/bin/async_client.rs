//! An async client, called from a blocking handler.

use std::time::Duration;
use tinderbox::{Failure, Invocation, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

/// Stands for a client of AWS's SDK, of a database, of HTTP.
struct Client {
    address: String,
}

impl Client {
    async fn get(&self, key: &[u8]) -> Result<Vec<u8>, std::io::Error> {
        let mut stream = TcpStream::connect(&self.address).await?;
        stream.write_all(key).await?;
        stream.shutdown().await?;
        let mut value = Vec::new();
        stream.read_to_end(&mut value).await?;
        Ok(value)
    }
}

struct Function {
    runtime: Runtime,
    client: Client,
}

impl Function {
    /// Called in init: of several events at once, each has a process and a runtime of its own.
    fn new(address: String) -> Result<Function, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let client = Client { address }; // where making it is async: runtime.block_on(...)
        Ok(Function { runtime, client })
    }

    fn handle(&self, invocation: &Invocation, response: &mut Response) -> Result<(), Failure> {
        let left = Duration::from_millis(invocation.remaining_ms().unwrap_or(3000));
        let value = self.runtime.block_on(async {
            tokio::time::timeout(left, self.client.get(invocation.event())).await
        });
        response.write(&value??) // the time is over; the error of the client
    }
}

fn main() {
    tinderbox::run_with(|| {
        let function = Function::new(std::env::var("DATABASE")?)?;
        Ok(
            move |invocation: &Invocation<'_>, response: &mut Response| {
                function.handle(invocation, response)
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use tinderbox::testing::{Answer, Event};

    fn answer(address: String, event: Event) -> Answer {
        let function = Function::new(address).expect("a runtime");
        event.run(|invocation, response| function.handle(invocation, response))
    }

    fn listener() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address").to_string();
        (listener, address)
    }

    #[test]
    fn client_called_from_a_handler_answers_the_event() {
        let (listener, address) = listener();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut key = String::new();
            stream.read_to_string(&mut key).expect("the key");
            write!(stream, "value of {key}").expect("send");
        });
        let answer = answer(address, Event::new("key"));
        server.join().expect("the server");
        assert_eq!(answer.text(), "value of key");
    }

    #[test]
    fn client_that_fails_or_is_late_fails_the_event() {
        let (listener, address) = listener();
        let late = answer(address.clone(), Event::new("key").remaining_ms(20));
        assert_eq!(late.error_type(), Some("tokio::time::error::Elapsed"));
        drop(listener);
        let failed = answer(address, Event::new("key"));
        assert_eq!(failed.error_type(), Some("std::io::error::Error"));
    }
}
