//! The Extensions API, version 2020-01-01, for internal extensions that register for no events.

use serde_json::{Value, json};

use super::Call;
use crate::limits::PAYLOAD_BYTES_MAX;
use crate::local::http::{ConnectionClosed, Reply};

const EXTENSION_IDENTIFIER: &str = "Lambda-Extension-Identifier";

impl Call<'_> {
    pub fn extension(&mut self, path: &str) -> Result<(), ConnectionClosed> {
        let identifier = self.request.header(EXTENSION_IDENTIFIER);
        match (path, self.request.method.as_str()) {
            ("/register", "POST") => self.register_extension(),
            ("/event/next", "GET") if self.environment.is_extension(identifier) => {
                self.environment.wait_for_process_exit();
                Err(ConnectionClosed)
            }
            ("/event/next", "GET") => {
                let text = "Unknown extension identifier";
                self.reply_error(403, "Extension.UnknownExtensionIdentifier", text)
            }
            _ => self.reply_text(404, "404 page not found\n"),
        }
    }

    fn register_extension(&mut self) -> Result<(), ConnectionClosed> {
        let body = self.connection.read_body(self.request, PAYLOAD_BYTES_MAX)?;
        let fields: Value = serde_json::from_slice(&body.bytes).unwrap_or_default();
        if self.request.header("Lambda-Extension-Name").is_none() {
            let text = "Empty extension name";
            return self.reply_error(403, "Extension.InvalidExtensionName", text);
        }
        if fields["events"]
            .as_array()
            .is_none_or(|events| !events.is_empty())
        {
            let text = "tinderbox run supports only extensions without events: {\"events\":[]}";
            return self.reply_error(403, "Extension.InvalidEventType", text);
        }
        match self.environment.register_extension() {
            Ok(identifier) => {
                let settings = self.environment.settings();
                let body = json!({
                    "functionName": settings.function_name,
                    "functionVersion": "$LATEST",
                    "handler": settings.handler,
                });
                let reply = Reply::json(200, &body).with_header(EXTENSION_IDENTIFIER, identifier);
                self.connection.reply(self.request, &reply)
            }
            Err(refusal) => self.refuse(refusal),
        }
    }
}
