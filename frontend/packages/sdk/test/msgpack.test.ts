/** Our own msgpack, held to an independent one. */
import { Decoder, Encoder } from '@msgpack/msgpack';
import { describe, expect, it, test } from 'vitest';
import { ProtocolError } from '../src/index.ts';
import { pack, unpack } from '../src/msgpack.ts';

const encoder = new Encoder({ ignoreUndefined: true });
const decoder = new Decoder();

/** Both sides of every width there is. */
const EDGES = [0x1f, 0x20, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000];
const numbers = [
	...EDGES.flatMap((edge) => [edge, edge + 1, -edge, -edge - 1]),
	...[0, -0, 0xffffffff, 2 ** 32, 2 ** 53 - 1, -(2 ** 53) + 1, 2 ** 53, 0.5, -1e300, NaN, Infinity],
];
const lengths = [0, 15, 16, 31, 32, 255, 256, 65_535, 65_536];
const values: unknown[] = [
	null,
	true,
	false,
	...numbers,
	...lengths.flatMap((length) => [
		'é'.repeat(Math.ceil(length / 2)),
		new Uint8Array(length).fill(7),
		Array.from({ length }, () => 1),
	]),
	...[0, 15, 16, 65_536].map((length) =>
		Object.fromEntries(Array.from({ length }, (_, index) => [`k${index}`, index])),
	),
	{ a: [{ b: null, ключ: ['🎸', new Uint8Array([1])] }], c: undefined },
];
const named = values.map((value) => [summary(value), value] as const);

test.each(named)('%s is written as others write it, and read as it was', (_, value) => {
	const bytes = pack(value);
	const same = Buffer.compare(Buffer.from(bytes), Buffer.from(encoder.encode(value))) === 0;
	expect(same).toBe(true);
	expect(unpack(bytes)).toEqual(decoder.decode(bytes));
});

describe('unpack', () => {
	it('reads from the middle of a buffer, and keeps nothing of it', () => {
		const bytes = Uint8Array.of(0, 0xc4, 1, 9, 0);
		const value = unpack(bytes.subarray(1, 4));
		bytes[3] = 0;
		expect(value).toEqual(Uint8Array.of(9));
	});

	it('skips what it has no word for', () => {
		const extensions = ['d40001', 'd5000102', 'c70200aabb', 'd6ff00000000', 'c8000100ff'];
		for (const hex of extensions) {
			expect(unpack(Buffer.from(`92${hex}07`, 'hex'))).toEqual([undefined, 7]);
		}
	});

	test.each([
		['nothing', ''],
		['no value', 'c1'],
		['two values', '0101'],
		['a text that is cut short', 'a361'],
		['a length beyond the end', 'dbffffffff'],
		['a list longer than the frame', 'ddffffffff01'],
		['a map without its last value', '81a161'],
		['a number that is cut short', 'cf00'],
		['broken UTF-8', 'a1ff'],
		['a key that is no string', '810101'],
		['a key that means more', '81a95f5f70726f746f5f5f80'],
		['depth without end', '91'.repeat(100_000) + '01'],
	])('refuses %s', (_, hex) => {
		expect(() => unpack(Buffer.from(hex, 'hex'))).toThrow(ProtocolError);
	});

	it('throws nothing else, whatever comes', () => {
		let seed = 1;
		const next = () => (seed = (seed * 48_271) % 0x7fffffff) & 0xff;
		for (let round = 0; round < 5000; round += 1) {
			const bytes = Uint8Array.from({ length: round % 40 }, next);
			try {
				unpack(bytes);
			} catch (error) {
				expect(error).toBeInstanceOf(ProtocolError);
			}
		}
	});
});

function summary(value: unknown): string {
	if (typeof value !== 'object' || value === null) return String(value).slice(0, 24);
	const size = value instanceof Uint8Array ? value.length : Object.keys(value).length;
	return `${value.constructor.name} of ${size}`;
}
