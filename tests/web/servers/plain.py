"""An application of Python's own http.server."""
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

from answers import answer


class Handler(BaseHTTPRequestHandler):
    def everything(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pairs = [(name, str(value)) for name, value in self.headers.raw_items()]
        status, headers, body = answer(self.command, self.requestline.split(" ")[1], pairs, body)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", len(body))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = everything

    def log_message(self, *arguments):
        pass


HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
