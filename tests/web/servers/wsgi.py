"""An application of Flask, for gunicorn and waitress."""
from flask import Flask, Response, request

from answers import answer

app = Flask(__name__, static_folder=None)
app.url_map.merge_slashes = False
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def headers_of(environ):
    names = {"CONTENT_TYPE": "Content-Type", "CONTENT_LENGTH": "Content-Length"}
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            yield key[5:].replace("_", "-"), value
        elif key in names and value:
            yield names[key], value


@app.before_request
def everything():
    environ = request.environ
    target = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
    status, headers, body = answer(request.method, target, list(headers_of(environ)),
                                   request.get_data())
    response = Response(body, status)
    del response.headers["Content-Type"]
    for name, value in headers:
        response.headers.add(name, value)
    return response
