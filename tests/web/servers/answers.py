"""What the applications for Python answer: the request as it arrived, or a fixed answer."""
import gzip
import json
import zlib

FIXED = {
    "binary": (200, [("Content-Type", "application/octet-stream")], bytes(range(256)) * 1000),
    "text": (200, [("Content-Type", "text/html; charset=utf-8")],
             '<p>\u00e9 \u2615\n\t"\\</p>\r\n'.encode() * 1000),
    "missing": (404, [("Content-Type", "text/plain")], b"gone"),
    "nothing": (204, [], b""),
    "cookies": (200, [("Content-Type", "text/plain"), ("Set-Cookie", "c=1; Path=/"),
                      ("Set-Cookie", "d=2"), ("X-R", "1"), ("X-R", "2")], b"ok"),
    "gzip": (200, [("Content-Type", "text/plain"), ("Content-Encoding", "gzip")],
             gzip.compress(b"hello")),
}


def answer(method, target, headers, body):
    """Status, headers and body. Text has one character for each byte."""
    for name, value in headers:
        if name.lower() == "x-answer":
            return FIXED[value]
    report = {"method": method, "target": target, "headers": headers, "length": len(body),
              "crc": zlib.crc32(body)}
    return 200, [("Content-Type", "application/json")], json.dumps(report).encode()
