/** The golden bytes that the engine's own tests read as well. */
import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { decode, encode, ProtocolError, type ClientMessage } from '../src/index.ts';

interface Vector {
	readonly name: string;
	readonly direction: 'client' | 'server';
	readonly hex: string;
	/** The message as JSON, where `{"$bin": "…"}` stands for bytes, in base64url. */
	readonly json: { readonly type: string; readonly data?: unknown };
}

const client = load<Vector>('client');
const server = load<Vector>('server');
/** The same messages as an independent msgpack writes them: maps in another order. */
const javascript = load<Omit<Vector, 'json'>>('javascript');
const bad = load<Vector & { error: string }>('bad');

describe('decode', () => {
	const served = [...server, ...javascript.filter(({ direction }) => direction === 'server')];
	const expected = new Map(server.map(({ name, json }) => [name, json]));

	test.each(served)('reads $name', ({ name, hex }) => {
		const { type, data = {} } = expected.get(name) ?? expect.unreachable(name);
		expect(decode(fromHex(hex))).toEqual({ type, data: fromView(data) });
	});

	it('skips a type that is newer than this client', () => {
		const newer = { type: 'tea_is_ready', data: { cups: 2 } };
		expect(decode(encode(newer as unknown as ClientMessage))).toBeUndefined();
	});

	it('drops keys it does not know, and reads nil as absent', () => {
		const loose = { type: 'match_timeout', data: { waitedMs: 5, later: [1] }, more: true };
		expect(decode(encode(loose as unknown as ClientMessage))).toEqual({
			type: 'match_timeout',
			data: { waitedMs: 5 },
		});
		const nil = { type: 'error', data: { code: 'c', message: 'm', id: null } };
		expect(decode(encode(nil as unknown as ClientMessage))).toEqual({
			type: 'error',
			data: { code: 'c', message: 'm' },
		});
	});

	test.each<[string, unknown]>([
		['no map', 7],
		['no type', { data: {} }],
		['a type that is no string', { type: 7 }],
		['a missing field', { type: 'message_ack', data: { id: 'a' } }],
		['a wrong field', { type: 'message_ack', data: { id: 'a', seq: '1' } }],
		['a fraction', { type: 'pong', data: { timestamp: 1.5 } }],
		['a negative number', { type: 'pong', data: { timestamp: -1 } }],
		[
			'a word it does not know',
			{ type: 'searching', data: { position: 0, estimatedTime: 0, tier: 'best' } },
		],
	])('refuses %s', (_, value) => {
		expect(() => decode(encode(value as ClientMessage))).toThrow(ProtocolError);
	});

	it('takes no name of the prototype for a type', () => {
		expect(decode(encode({ type: 'constructor' } as unknown as ClientMessage))).toBeUndefined();
	});

	/** A client may be given more than the engine takes. */
	const harmless = [
		'depth 9 from the server',
		'a type of the client',
		'2^32 where 32 bits are meant',
	];
	const refused = bad.filter(
		({ direction, name }) => direction === 'server' && !harmless.includes(name),
	);

	test.each(refused)('refuses $name', ({ hex }) => {
		expect(() => decode(fromHex(hex))).toThrow(ProtocolError);
	});

	it('refuses every message that was cut short', () => {
		for (const { hex } of server) {
			const frame = fromHex(hex);
			expect(() => decode(frame.subarray(0, frame.length - 1))).toThrow(ProtocolError);
		}
	});
});

describe('encode', () => {
	const written = new Map(javascript.map(({ name, hex }) => [name, hex]));

	test.each(client)('writes $name', ({ name, json }) => {
		const { type, ...rest } = json;
		const message = { type, ...(fromView(rest) as object) } as ClientMessage;
		expect(Buffer.from(encode(message)).toString('hex')).toBe(written.get(name));
	});

	it('leaves out what is undefined', () => {
		const data = { content: 'a', id: undefined } as unknown as { content: string };
		expect(encode({ type: 'message', data })).toEqual(
			encode({ type: 'message', data: { content: 'a' } }),
		);
	});
});

function load<T>(name: string): T[] {
	const file = new URL(`../../../../proto/vectors/${name}.json`, import.meta.url);
	return JSON.parse(readFileSync(file, 'utf8')) as T[];
}

function fromHex(hex: string): Uint8Array {
	return Uint8Array.from(Buffer.from(hex, 'hex'));
}

function fromView(view: unknown): unknown {
	if (Array.isArray(view)) return view.map(fromView);
	if (typeof view !== 'object' || view === null) return view;
	if ('$bin' in view) return Uint8Array.from(Buffer.from(view.$bin as string, 'base64url'));
	return Object.fromEntries(Object.entries(view).map(([key, value]) => [key, fromView(value)]));
}
