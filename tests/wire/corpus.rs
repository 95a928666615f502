//! Replies and bodies, well-formed and malformed, and the expected results.

/// Replies, and the results: `STATUS BODY[ close][ +BYTES BEHIND]`, or the fault. From AWS's
/// emulator and production, from other emulators, and malformed ones.
pub const HEADS: &[(&str, &str)] = &[
    (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: \
         8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\nLambda-Runtime-Deadline-Ms: 1542409706888\r\n\
         Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:012345678912:function:f\r\n\
         Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419\
         ;Sampled=1\r\nDate: Fri, 16 Nov 2018 23:08:26 GMT\r\nContent-Length: 17\r\n\r\n",
        "200 17",
    ),
    (
        "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        "200 chunked",
    ),
    (
        "HTTP/1.1 202 Accepted\r\nContent-Type: x\r\nDate: x\r\nContent-Length: 16\r\n\r\n",
        "202 16",
    ),
    (
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 68\r\n\r\n",
        "403 68",
    ),
    (
        "HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 9\r\n\r\n",
        "413 9",
    ),
    // Names and values.
    (
        "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: low\r\ncontent-length: 0\r\n\r\n",
        "200 0",
    ),
    (
        "HTTP/1.1 200 OK\r\nLAMBDA-RUNTIME-INVOCATION-ID: up\r\nCONTENT-LENGTH: 3\r\n\r\nabc",
        "200 3 +3",
    ),
    ("HTTP/1.1 200 OK\nContent-Length: 5\n\n", "200 5"),
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\n\r\n\n", "200 5 +1"),
    ("HTTP/1.1 200 OK\r\nContent-Length:\t 7 \t\r\n\r\n", "200 7"),
    ("HTTP/1.1 200 OK\r\nContent-Length:8\r\n\r\n", "200 8"),
    (
        "HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n",
        "HeaderLine",
    ),
    (
        "HTTP/1.1 200 OK\r\n: no name\r\nContent-Length: 0\r\n\r\n",
        "HeaderLine",
    ),
    (
        "HTTP/1.1 200 OK\r\nName : x\r\nContent-Length: 0\r\n\r\n",
        "HeaderLine",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length : 4\r\n\r\n",
        "HeaderLine",
    ),
    (
        "HTTP/1.1 200 OK\r\nA name: x\r\nContent-Length: 4\r\n\r\n",
        "HeaderLine",
    ),
    (
        "HTTP/1.1 200 OK\r\nLong: a\r\n folded: b\r\nContent-Length: 0\r\n\r\n",
        "HeaderLine",
    ),
    (
        "HTTP/1.1 200 OK\r\nLong: a\r\n\tfolded\r\nContent-Length: 0\r\n\r\n",
        "HeaderLine",
    ),
    (
        "HTTP/1.1 200 OK\r\nLong: a\r\n\tfolded: b\r\nContent-Length: 0\r\n\r\n",
        "HeaderLine",
    ),
    (
        "HTTP/1.1 200 OK\r\nX: \u{0}\u{1}\u{7f}\u{e9}z\r\nContent-Length: 0\r\n\r\n",
        "200 0",
    ),
    // A CR that ends no line.
    (
        "HTTP/1.1 200 OK\r\nX: a\rContent-Length: 3\r\nContent-Length: 0\r\n\r\n",
        "200 0",
    ),
    (
        "HTTP/1.1 200 OK\r\nX: a\r\r\nContent-Length: 0\r\n\r\n",
        "200 0",
    ),
    (
        "HTTP/1.1 200 OK\r\nX\r: a\r\nContent-Length: 0\r\n\r\n",
        "HeaderLine",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\r\n\r\n",
        "ContentLength",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\rX\r\n\r\n",
        "ContentLength",
    ),
    ("HTTP/1.1 202\rX\r\nContent-Length: 0\r\n\r\n", "StatusLine"),
    ("HTTP/1.1 202 a\rX\r\nContent-Length: 0\r\n\r\n", "202 0"),
    ("HTTP/1.1 202\r\r\nContent-Length: 0\r\n\r\n", "StatusLine"),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\r\n\r\n",
        "TransferEncoding",
    ),
    (
        "HTTP/1.1 200 OK\r\nLambda-Runtime-Trace-Id: a\rb\r\nContent-Length: 0\r\n\r\n",
        "200 0",
    ),
    (
        "HTTP/1.1 200 OK\r\nX:\r\nLambda-Runtime-Trace-Id:\r\nContent-Length: 0\r\n\r\n",
        "200 0",
    ),
    (
        "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: a:b:c\r\nContent-Length: 0\r\n\r\n",
        "200 0",
    ),
    (
        "HTTP/1.1 200 OK\r\nLambda-Runtime-Trace-Id: a\r\nLambda-Runtime-Trace-Id: b\r\n\r\n",
        "200 until-close close",
    ),
    (
        "HTTP/1.1 200 OK\r\nLambda-Runtime-Trace-Id:\r\nLambda-Runtime-Trace-Id: b\r\n\r\n",
        "200 until-close close",
    ),
    (
        "HTTP/1.1 200 OK\r\nX: a\r\nX: b\r\nContent-Length: 0\r\n\r\n",
        "200 0",
    ),
    ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r", "partial"),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n \r\n\r\n",
        "HeaderLine",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\r\n\r\n",
        "HeaderLine",
    ),
    // Where the body ends.
    ("HTTP/1.1 200 OK\r\nContent-Length: 007\r\n\r\n", "200 7"),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n",
        "200 18446744073709551615",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
        "ContentLength",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999999\r\n\r\n",
        "ContentLength",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        "200 5",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\nContent-Length: 05\r\n\r\n",
        "200 5",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        "200 5",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        "200 0",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "ContentLength",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\nContent-Length: 5\r\n\r\n",
        "ContentLength",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n",
        "ContentLength",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length:\r\nContent-Length: 5\r\n\r\n",
        "ContentLength",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length:\r\n\r\n",
        "ContentLength",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\nContent-Length: x\r\n\r\n",
        "ContentLength",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5,\r\n\r\n",
        "ContentLength",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\u{0}\r\n\r\n",
        "ContentLength",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: \u{b}5\r\n\r\n",
        "ContentLength",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5; x\r\n\r\n",
        "ContentLength",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n 5\r\n\r\n",
        "ContentLength",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n",
        "TransferEncoding",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\nTransfer-Encoding: chunked\r\n\r\n",
        "TransferEncoding",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "TransferEncoding",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding:\r\n\r\n",
        "TransferEncoding",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked; q=1\r\n\r\n",
        "TransferEncoding",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: \u{b}chunked\r\n\r\n",
        "TransferEncoding",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n",
        "TransferEncoding",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        "FramingConflict",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
        "ContentLength",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "ContentLength",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
        "ContentLength",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 1 1\r\n\r\n",
        "ContentLength",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\n",
        "ContentLength",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
        "ContentLength",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "FramingConflict",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length:\r\n\r\n",
        "ContentLength",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\nContent-Length: 5\r\n\r\n",
        "TransferEncoding",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n",
        "200 chunked",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "TransferEncoding",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "TransferEncoding",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
        "TransferEncoding",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\n",
        "TransferEncoding",
    ),
    ("HTTP/1.1 200 OK\r\n\r\n", "200 until-close close"),
    // Whether the connection does.
    (
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n",
        "200 2 close",
    ),
    (
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n",
        "200 2 close",
    ),
    (
        "HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 2\r\n\r\n",
        "202 2 close",
    ),
    (
        "HTTP/1.1 202 Accepted\r\nConnection: CLOSE\r\nContent-Length: 2\r\n\r\n",
        "202 2 close",
    ),
    (
        "HTTP/1.1 202 Accepted\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n",
        "202 2",
    ),
    (
        "HTTP/1.1 202 Accepted\r\nConnection: closed\r\nContent-Length: 2\r\n\r\n",
        "202 2",
    ),
    (
        "HTTP/1.1 202 Accepted\r\nConnection: keep-alive, close\r\nContent-Length: 2\r\n\r\n",
        "202 2 close",
    ),
    (
        "HTTP/1.1 202 Accepted\r\nConnection: Close ,\tx\r\nContent-Length: 2\r\n\r\n",
        "202 2 close",
    ),
    (
        "HTTP/1.1 202 Accepted\r\nConnection: ,,close,\r\nContent-Length: 2\r\n\r\n",
        "202 2 close",
    ),
    (
        "HTTP/1.1 202 OK\r\nConnection: x-close, closed, keep-alive\r\nContent-Length: 2\r\n\r\n",
        "202 2",
    ),
    (
        "HTTP/1.1 202 OK\r\nConnection: xxxxclose, xxxxxxxxclose\r\nContent-Length: 2\r\n\r\n",
        "202 2",
    ),
    (
        "HTTP/1.1 202 OK\r\nConnection: keep-alive\r\nConnection: close\r\n\
         Content-Length: 2\r\n\r\n",
        "202 2 close",
    ),
    (
        "HTTP/1.1 202 OK\r\nConnection: close\r\nConnection: keep-alive\r\n\
         Content-Length: 2\r\n\r\n",
        "202 2 close",
    ),
    (
        "HTTP/1.1 202 OK\r\nConnection:\r\nConnection: keep-alive\r\n\
         Content-Length: 2\r\n\r\n",
        "202 2",
    ),
    ("HTTP/1.9 200 OK\r\nContent-Length: 2\r\n\r\n", "200 2"),
    // Statuses without a body.
    ("HTTP/1.1 100 Continue\r\n\r\n", "100 0"),
    (
        "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n",
        "103 0 +17",
    ),
    ("HTTP/1.1 199 x\r\nContent-Length: 5\r\n\r\n", "199 0"),
    ("HTTP/1.1 204 No Content\r\n\r\n", "204 0"),
    (
        "HTTP/1.1 204 No Content\r\nContent-Length: nonsense\r\n\r\n",
        "204 0",
    ),
    (
        "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "204 0",
    ),
    (
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        "304 0",
    ),
    // Status lines.
    ("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200 0"),
    ("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200 0"),
    ("HTTP/1.1 200\nContent-Length: 0\n\n", "200 0"),
    ("HTTP/1.1 200 a: b: c\r\nContent-Length: 0\r\n\r\n", "200 0"),
    ("HTTP/1.1 999 ?\r\nContent-Length: 0\r\n\r\n", "999 0"),
    ("HTTP/1.1 099 x\r\nContent-Length: 0\r\n\r\n", "StatusLine"),
    ("HTTP/1.1 000 x\r\n\r\n", "StatusLine"),
    ("HTTP/1.1 1000 x\r\n\r\n", "StatusLine"),
    ("HTTP/1.1 20 x\r\n\r\n", "StatusLine"),
    ("HTTP/1.1 2x0 OK\r\n\r\n", "StatusLine"),
    ("HTTP/1.1 20: OK\r\n\r\n", "StatusLine"),
    ("HTTP/1.1 -20 OK\r\n\r\n", "StatusLine"),
    ("HTTP/1.1 200\tOK\r\n\r\n", "StatusLine"),
    ("HTTP/1.1\t200 OK\r\n\r\n", "StatusLine"),
    ("HTTP/1.1  200 OK\r\n\r\n", "StatusLine"),
    ("HTTP/1.12 200 OK\r\n\r\n", "StatusLine"),
    ("HTTP/1. 200 OK\r\n\r\n", "StatusLine"),
    ("HTTP/1.x 200 OK\r\n\r\n", "StatusLine"),
    ("HTTP/2 200 OK\r\n\r\n", "StatusLine"),
    ("HTTP/2.0 200 OK\r\n\r\n", "StatusLine"),
    ("http/1.1 200 OK\r\n\r\n", "StatusLine"),
    ("HTTP/1.1\r\n\r\n", "StatusLine"),
    ("\r\nHTTP/1.1 200 OK\r\n\r\n", "StatusLine"),
    (" HTTP/1.1 200 OK\r\n\r\n", "StatusLine"),
    ("\n", "StatusLine"),
    ("SSH-2.0-OpenSSH\r\n", "StatusLine"),
    ("", "partial"),
    ("HTTP/1.1 200 OK\r\n", "partial"),
];

/// What mutations put in.
pub const HEAD_PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b":",
    b" ",
    b"\t",
    b"\0",
    b"\xff",
    b"0",
    b"9",
    b"Content-Length: 4\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"Connection: keep-alive, close\r\n",
    b"Content-Length:\r\n",
    b", 4",
    b"chunked",
    b"close",
    b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"Lambda-Runtime-Aws-Request-Id: q\r\n",
    b"x: y\r\n",
];

/// Bodies, and the results: `DATA=BYTES READ`, or `partial`, or `wrong`.
pub const BODIES: &[(&str, &str)] = &[
    ("0\r\n\r\n", "=5"),
    ("5\r\nhello\r\n0\r\n\r\n", "hello=15"),
    (
        "5\r\nhello\r\n1\r\n,\r\n6\r\n world\r\n0\r\n\r\n",
        "hello, world=32",
    ),
    ("1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n", "abc=23"),
    (
        "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
        "01234567890123456789=35",
    ),
    ("0005\r\nhello\r\n000\r\n\r\n", "hello=20"),
    (
        "00000000000000000000000000000005\r\nhello\r\n0\r\n\r\n",
        "hello=46",
    ),
    // Extensions and white space are read over, and so are trailers.
    ("5;name=value\r\nhello\r\n0;x\r\n\r\n", "hello=28"),
    (
        "5;name=\"quoted \\\" ; text\"\r\nhello\r\n0\r\n\r\n",
        "hello=39",
    ),
    ("5 \t\r\nhello\r\n0\r\n\r\n", "hello=17"),
    ("5\t;hello\r\nhello\r\n0 ;\r\n\r\n", "hello=24"),
    ("5;a:b \t;\u{0}\r\nhello\r\n0\r\n\r\n", "hello=23"),
    (
        "5\r\nhello\r\n0\r\nTrailer: value\r\nOther: x\r\n\r\n",
        "hello=41",
    ),
    ("5\r\nhello\r\n0\r\nTrailer: value\n\n", "hello=29"),
    ("0\r\nA: \r\n\r\n\r\n", "=10"),
    // Lines may end in LF alone.
    ("5\nhello\n0\n\n", "hello=11"),
    ("0\n\r\n", "=4"),
    ("5\r\nhell\r\n0\r\n\r\n", "hell\r=14"),
    ("0\r\nT:\r\nU: :\n\r\n", "=14"),
    ("0\r\nT\u{e9}1;f: a b\r\n\r\n", "=18"),
    // What follows stays; what looks like framing within the data is none.
    (
        "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n",
        "\r\n0\r\n\r\n=17",
    ),
    // Not all there.
    ("", "partial"),
    ("5", "partial"),
    ("5\r", "partial"),
    ("5\r\nhello\r", "partial"),
    ("0\r\n\r", "partial"),
    ("0\r\nTrailer", "partial"),
    ("5\r\nhello\r\n", "partial"),
    ("5\r\nhello\r\n0\r\n", "partial"),
    ("ffffffffffffffff\r\nx", "partial"),
    // Wrong.
    ("\r\n", "ChunkSize"),
    ("g\r\nx\r\n0\r\n\r\n", "ChunkSize"),
    ("G\r\nx\r\n0\r\n\r\n", "ChunkSize"),
    ("-1\r\nx\r\n0\r\n\r\n", "ChunkSize"),
    ("+1\r\nx\r\n0\r\n\r\n", "ChunkSize"),
    ("0x5\r\nhello\r\n0\r\n\r\n", "ChunkSize"),
    ("1_0\r\nx", "ChunkSize"),
    (";x\r\n\r\n", "ChunkSize"),
    (" 5\r\nhello\r\n0\r\n\r\n", "ChunkSize"),
    ("5hello\r\n0\r\n\r\n", "ChunkSize"),
    ("5\r\nhello!\r\n0\r\n\r\n", "ChunkEnd"),
    ("5\r\nhel\r\n0\r\n\r\n", "ChunkEnd"),
    ("5\r\nhello0\r\n\r\n", "ChunkEnd"),
    ("5\thello\r\nhello\r\n0\r\n\r\n", "ChunkSize"),
    ("5 5\r\nhello\r\n0\r\n\r\n", "ChunkSize"),
    (" ;5\r\nhello\r\n0\r\n\r\n", "ChunkSize"),
    ("5:x\r\nhello\r\n0\r\n\r\n", "ChunkSize"),
    // A CR that ends no line.
    ("5\r5\r\nhello\r\n0\r\n\r\n", "ChunkLine"),
    ("5\r\r\nhello\r\n0\r\n\r\n", "ChunkLine"),
    ("5;a\rb\r\nhello\r\n0\r\n\r\n", "ChunkLine"),
    ("5\r\nhello\r\r\n0\r\n\r\n", "ChunkEnd"),
    ("0\r\n\r\r\n", "Trailer"),
    ("0\r\n\rX: y\r\n\r\n", "Trailer"),
    ("0\r\nX: y\rz\r\n\r\n", "ChunkLine"),
    // No trailers: what follows a body that was not ended.
    ("0\r\nHTTP/1.1 200 OK\r\nX: y\r\n\r\n", "Trailer"),
    ("0\r\nTrailer\r\n\r\n", "Trailer"),
    ("0\r\n: no name\r\n\r\n", "Trailer"),
    ("0\r\nX: y\r\n folded\r\n\r\n", "Trailer"),
    ("0\r\nX : y\r\n\r\n", "Trailer"),
    ("10000000000000000\r\nx", "ChunkSize"),
    ("fffffffffffffffff\r\nx", "ChunkSize"),
];

/// What mutations put in.
pub const BODY_PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"0",
    b"5",
    b"f",
    b";",
    b" ",
    b"\0",
    b"\xff",
    b"0\r\n\r\n",
    b"3\r\nabc\r\n",
    b"T: v\r\n",
    b":",
    b"ffffffffffffffff",
];
