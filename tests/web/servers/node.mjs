// An application of Node's own http module.
import http from 'node:http';
import { answer, pairs } from './answers.cjs';

const server = http.createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
        const body = Buffer.concat(parts);
        const [status, headers, bytes] =
            answer(request.method, request.url, pairs(request.rawHeaders), body);
        response.writeHead(status, headers.flat());
        response.end(bytes);
    });
});
server.listen(process.env.TINDERBOX_SOCKET || { host: '127.0.0.1', port: process.env.PORT });
