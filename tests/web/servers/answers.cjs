// What the applications for Node answer: the request as it arrived, or one of a few fixed answers.
'use strict';
const zlib = require('node:zlib');

// Status, headers and body of a fixed answer.
const fixed = {
    binary: () => [200, [['Content-Type', 'application/octet-stream']],
        Buffer.from(Array.from({ length: 256000 }, (_, at) => at % 256))],
    text: () => [200, [['Content-Type', 'text/html; charset=utf-8']],
        Buffer.from('<p>\u00e9 \u2615\n\t"\\</p>\r\n'.repeat(1000))],
    missing: () => [404, [['Content-Type', 'text/plain']], Buffer.from('gone')],
    nothing: () => [204, [], Buffer.alloc(0)],
    cookies: () => [200, [['Content-Type', 'text/plain'], ['Set-Cookie', 'c=1; Path=/'],
        ['Set-Cookie', 'd=2'], ['X-R', '1'], ['X-R', '2']], Buffer.from('ok')],
    gzip: () => [200, [['Content-Type', 'text/plain'], ['Content-Encoding', 'gzip']],
        zlib.gzipSync('hello')],
};

// Bytes as text with one character for each, as Node has headers and the target.
exports.answer = (method, target, headers, body) => {
    const wanted = headers.find(([name]) => name.toLowerCase() === 'x-answer');
    if (wanted) return fixed[wanted[1]]();
    const report = { method, target, headers, length: body.length, crc: zlib.crc32(body) };
    return [200, [['Content-Type', 'application/json']], Buffer.from(JSON.stringify(report))];
};

exports.pairs = (raw) => raw.flatMap((name, at) => at % 2 ? [] : [[name, raw[at + 1]]]);
