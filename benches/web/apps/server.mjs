#!/usr/bin/env node
// The same answers as those of server.c.
import http from 'node:http';

http.createServer((request, response) => {
    let bytes = 0;
    request.on('data', (part) => { bytes += part.length; });
    request.on('end', () => {
        response.setHeader('content-type', 'text/plain');
        response.end(bytes === 0 ? 'hello' : String(bytes));
    });
}).listen(Number(process.env.PORT ?? 8080), '127.0.0.1');
