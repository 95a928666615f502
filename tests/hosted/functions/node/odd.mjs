// Odd exceptions, and changes to the objects and streams that the worker uses.
import { closeSync } from 'node:fs';

const raise = (error) => async () => { throw error; };
class Raises extends Error {
	get stack() { throw new Error('no stack'); }
}
class MessageRaises extends Error {
	get message() { throw new Error('no message'); }
}
class NameRaises extends Error {
	get name() { throw new Error('no name'); }
}
const revoked = () => {
	const { proxy, revoke } = Proxy.revocable({}, {});
	revoke();
	return proxy;
};
export const stack_raises = raise(new Raises('still here'));
export const message_raises = raise(new MessageRaises());
export const name_raises = raise(new NameRaises('who am I'));
export const name_is_a_symbol = raise(Object.assign(new Error('odd'), { name: Symbol('s') }));
export const name_is_empty = raise(Object.assign(new Error('odd'), { name: '' }));
export const stack_is_odd = raise({ stack: { toString() { throw new Error('no text'); } }, name: 'Odd', message: 'as it is' });
export const stack_is_a_number = raise(Object.assign(new Error('odd'), { stack: 7 }));
export const message_is_an_object = raise(Object.assign(new Error(), { message: Object.create(null) }));
export const null_prototype = raise(Object.create(null));
export const symbol = raise(Symbol('s'));
export const proxy = raise(new Proxy({}, { get() { throw new Error('no'); }, getPrototypeOf() { throw new Error('no'); } }));
export const revoked_proxy = raise(revoked());
export const nothing = raise(undefined);
export const stringify_is_gone = async () => {
	JSON.stringify = () => { throw new Error('no JSON'); };
	throw new Error('without JSON');
};
export const stdout_is_destroyed = async (event) => {
	process.stdout.destroy();
	console.log('lost');
	return event;
};
export const stderr_is_destroyed_and_it_throws = async () => {
	process.stderr.destroy();
	throw new Error('in silence');
};
export const throws_odd_between = async (event) => {
	setTimeout(() => { throw revoked(); }, 20);
	Promise.reject(new Raises('between'));
	return event;
};
export const rejects_behind_a_long_answer = async () => {
	setTimeout(() => Promise.reject(new RangeError('behind it')), 1);
	return 'a'.repeat(5e6);
};
export const channel_is_closed = async (event) => {
	closeSync(3);
	return event;
};
export const prototype_is_polluted = async (event) => {
	Object.defineProperty(Object.prototype, 'request-id', { value: 'of nobody', configurable: true });
	return event;
};
