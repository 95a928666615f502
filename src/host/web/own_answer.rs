//! Short answers of our own to a request.

use crate::host::protocol::EventError;
use crate::host::web::reply::{Reply, ReplyTo, TEXT};
use crate::host::web::{Memory, Web};
use crate::http_event::HttpEvent;
use crate::response::Response;
use crate::wire::slice_or_empty;

/// The longest line of a location, in bytes: more than fronts take as a target.
const LOCATION_BYTES_MAX: usize = 16 * 1024;

impl Web {
    /// Redirects to the path with a slash at its end. The location is relative, so it is right
    /// behind a stage, a prefix or another host, and names no other host itself.
    pub fn redirect_to_folder(
        &mut self,
        request: &HttpEvent<'_>,
        response: &mut Response,
    ) -> Result<(), EventError> {
        // A name with a colon would name a scheme without the dot before it (RFC 3986, 4.2).
        const START: &[u8] = b"Location: ./";
        let lines = &mut self.memory.request_head;
        request.write_path(b"", &mut |piece| {
            let slash = piece.iter().rposition(|&byte| byte == b'/');
            let name = slash.map_or(0, |slash| slash + 1);
            if name > 0 {
                lines.set(START);
            }
            lines.push(slice_or_empty(piece, name, piece.len()));
        });
        let mut separator: &[u8] = b"/?";
        request.write_query(&mut |piece| {
            lines.push(core::mem::take(&mut separator));
            lines.push(piece);
        });
        // Without a query, the slash is still to come.
        lines.push(slice_or_empty(separator, 0, 1));
        lines.push(b"\r\n");
        if lines.as_bytes().len() <= LOCATION_BYTES_MAX {
            return self.send_short(301, b"", request, response);
        }
        self.memory.request_head.set(TEXT);
        self.send_short(414, b"URI Too Long\n", request, response)
    }

    /// Answers with a short body and the header lines in the region of a request's head.
    pub fn send_short(
        &mut self,
        status: u16,
        body: &[u8],
        request: &HttpEvent<'_>,
        response: &mut Response,
    ) -> Result<(), EventError> {
        let to = ReplyTo::Request {
            source: request.source(),
            is_head: request.is_head(),
        };
        let Memory {
            request_head: lines,
            answer_head,
            answer_body,
            ..
        } = &mut *self.memory;
        let mut reply = Reply::new(to, self.settings, answer_head, answer_body, response);
        reply.start(status, lines.as_bytes());
        reply.write(body);
        reply.finish()
    }
}
