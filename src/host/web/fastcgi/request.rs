//! Requests: those of events, and those of our own.

use crate::host::protocol::{Event, EventError};
use crate::host::web::Web;
use crate::host::web::fastcgi::body::{StdinRecords, write_body};
use crate::host::web::fastcgi::params::Params;
use crate::host::web::fastcgi::script::{Route, route};
use crate::host::web::fastcgi::{FastCgi, variables};
use crate::host::web::reply::TEXT;
use crate::host::web::static_files::{Path, Served, StaticFiles};
use crate::http_event::HttpEvent;
use crate::response::Response;
use crate::wire::{find_from, slice_or_empty, uri};

/// What becomes of a request.
pub enum Staged {
    /// It is to be sent.
    Request,
    /// The response has its answer.
    Answered,
}

impl FastCgi {
    /// Writes a request of an event into the memory of requests, or its answer, where it needs no
    /// script.
    #[inline(never)] // a frame of its own is smaller code
    pub(super) fn stage_request(
        &mut self,
        event: &Event<'_>,
        request: &HttpEvent<'_>,
        response: &mut Response,
    ) -> Result<Staged, EventError> {
        let prefix = self.web.settings.strip_prefix.as_bytes();
        let raw = &mut self.web.memory.request_head;
        raw.set(b"");
        request.write_path(prefix, &mut |piece| raw.push(piece));
        let route = decode_route(&self.files, raw.as_bytes(), &mut self.web.memory.path);
        let source = request.source();
        match route {
            Route::NotFound => {
                self.web.memory.request_head.set(TEXT);
                self.web
                    .send_short(404, b"Not Found\n", request, response)?;
                return Ok(Staged::Answered);
            }
            Route::AddSlash => {
                self.web.redirect_to_folder(request, response)?;
                return Ok(Staged::Answered);
            }
            Route::File => {
                let served = self.files.serve(&mut self.web, request, response)?;
                if served == Served::Yes {
                    return Ok(Staged::Answered);
                }
            }
            _ => {}
        }
        let Web { settings, memory } = &mut self.web;
        let prefix = settings.strip_prefix.as_bytes();
        let mut params = Params::new(&mut memory.request_head);
        variables::write_script(&mut params, &self.scripts, memory.path.as_bytes(), &route);
        variables::write_target(
            &mut params,
            &mut |write| request.write_path(prefix, write),
            &mut |write| request.write_query(write),
        );
        variables::write_request(&mut params, request);
        let body = request.body();
        variables::write_content_length(&mut params, body.len_bytes());
        variables::write_contexts(&mut params, event, request.request_context());
        let (status, fault): (u16, &[u8]) = if !params.finish() {
            (431, b"the request line and the headers are too long")
        } else if !write_body(&mut memory.request_body, body) {
            (400, b"the body is not valid base64")
        } else {
            return Ok(Staged::Request);
        };
        settings.write_own_answer(source, status, fault, response);
        Ok(Staged::Answered)
    }

    /// Writes a request of our own into the memory of requests: to a path with a query, with a body
    /// in JSON. False: it does not fit.
    pub(super) fn stage_own_request(&mut self, event: Option<(&Event<'_>, &[u8])>) -> bool {
        let Web { settings, memory } = &mut self.web;
        let target = match event {
            Some(_) => settings.events_path.as_bytes(),
            None => settings.ready_path.as_bytes(),
        };
        let end = find_from(target, 0, b'?').min(target.len());
        let path = slice_or_empty(target, 0, end);
        let route = decode_route(&self.files, path, &mut memory.path);
        let mut params = Params::new(&mut memory.request_head);
        variables::write_script(&mut params, &self.scripts, memory.path.as_bytes(), &route);
        variables::write_target(&mut params, &mut |write| write(path), &mut |write| {
            write(slice_or_empty(target, end + 1, target.len()));
        });
        let method: &[u8] = if event.is_some() { b"POST" } else { b"GET" };
        params.text(b"REQUEST_METHOD", method);
        params.text(b"SERVER_PROTOCOL", b"HTTP/1.1");
        params.text(b"REMOTE_ADDR", b"127.0.0.1");
        params.text(b"SERVER_NAME", b"localhost");
        params.text(b"SERVER_PORT", b"80");
        params.text(b"REQUEST_SCHEME", b"http");
        params.text(b"HTTP_HOST", b"localhost");
        let mut body: &[u8] = b"";
        if let Some((event, bytes)) = event {
            body = bytes;
            params.text(b"CONTENT_TYPE", b"application/json");
            variables::write_content_length(&mut params, body.len());
            variables::write_contexts(&mut params, event, b"");
        }
        let mut records = StdinRecords::new(&mut memory.request_body, body.len());
        records.push(body);
        params.finish() && records.finish()
    }
}

/// Decides what a path means that is encoded, and decodes it. One that is too long for a file is
/// the front controller's.
fn decode_route(files: &StaticFiles, raw: &[u8], path: &mut Path) -> Route {
    let mut fits = true;
    path.set(b"");
    uri::decode(raw, &mut |piece| fits &= path.try_push(piece));
    if fits {
        route(files, path.as_bytes())
    } else {
        Route::FrontController
    }
}
