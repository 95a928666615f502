// An application of Express.
const express = require('express');
const { answer, pairs } = require('./answers.cjs');

const app = express();
app.disable('etag');
app.use(express.raw({ type: () => true, limit: '10mb' }));
app.use((request, response) => {
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const [status, headers, bytes] =
        answer(request.method, request.originalUrl, pairs(request.rawHeaders), body);
    response.status(status);
    for (const [name, value] of headers) response.append(name, value);
    response.end(bytes);
});
app.listen(process.env.PORT, '127.0.0.1');
