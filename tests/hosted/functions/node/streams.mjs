// Streamed responses; `awslambda` is a global of the runtime.
import { setTimeout as sleep } from 'node:timers/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const { streamifyResponse, HttpResponseStream } = awslambda;

export const text = streamifyResponse(async (event, stream, context) => {
	stream.setContentType('text/plain; charset=utf-8');
	stream.write('first ');
	await sleep(20);
	stream.write({ second: context.awsRequestId });
	stream.end(' and last');
});
export const raw = streamifyResponse(async (event, stream) => {
	const pattern = Buffer.from(Array.from({ length: 251 }, (_, at) => at));
	const all = Buffer.alloc(event.bytes, pattern);
	await pipeline(Readable.from([all.subarray(0, 100), all.subarray(100)]), stream);
});
export const page = streamifyResponse(async (event, stream) => {
	stream = HttpResponseStream.from(stream, { statusCode: 201, headers: { 'x-y': 'z' } });
	stream.write('<p>');
	stream.end();
});
export const empty_page = streamifyResponse(async (event, stream) => {
	HttpResponseStream.from(stream, { statusCode: 204 }).end();
});
export const throws_first = streamifyResponse(async (event, stream) => {
	throw new RangeError('before the first byte');
});
export const throws_later = streamifyResponse(async (event, stream) => {
	stream.write('begun');
	await sleep(20);
	throw new RangeError('in the middle');
});
export const never_ends = streamifyResponse(async (event, stream) => {
	stream.write('begun');
});
export const writes_on = streamifyResponse(async (event, stream) => {
	stream.write('begun');
	setInterval(() => stream.write('more'), 1).unref();
	await sleep(20);
	setTimeout(() => {
		stream.write('more');
		console.log('written after the error');
	}, 20).unref();
	throw new RangeError('in the middle');
});
export const odd_types = streamifyResponse(async (event, stream) => {
	stream.setContentType('');
	stream.write('begun');
	await sleep(20);
	stream.setContentType('text/html');
	stream.end('ended');
});
