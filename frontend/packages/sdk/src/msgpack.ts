/**
 * As much of msgpack as the protocol uses: nil, booleans, numbers, strings, bytes, lists and maps
 * with string keys. An extension is read as `undefined`, and never written.
 *
 * Ours, because a page that people wait for pays for every byte: a general codec takes five times
 * the room. The tests hold it to one.
 *
 * @module
 */
import { ProtocolError } from './checks.ts';

/** Deeper values are refused: nothing in the protocol comes near, and the stack is not endless. */
const DEPTH_MAX = 32;

const FIRST_BYTES = 256;
const utf8Out = new TextEncoder();
const utf8In = new TextDecoder('utf-8', { fatal: true });

/** Encodes one value. Fields that are `undefined` are left out. */
export function pack(value: unknown): Uint8Array<ArrayBuffer> {
	return new Writer().value(value).written();
}

/**
 * Decodes exactly one value.
 *
 * @throws ProtocolError where the bytes are none, or more than one
 */
export function unpack(bytes: Uint8Array): unknown {
	const reader = new Reader(bytes);
	let value: unknown;
	try {
		value = reader.value(0);
	} catch (cause) {
		throw new ProtocolError('the frame is not msgpack', { cause });
	}
	if (reader.at !== bytes.length) throw new ProtocolError('something follows the value');
	return value;
}

/** The first byte of a string, list or map of 8, 16 and 32 bits of length; 0 where there is none. */
type Heads = readonly [number, number, number];
const STRING: Heads = [0xd9, 0xda, 0xdb];
const BYTES: Heads = [0xc4, 0xc5, 0xc6];
const LIST: Heads = [0, 0xdc, 0xdd];
const MAP: Heads = [0, 0xde, 0xdf];

class Writer {
	#bytes = new Uint8Array(FIRST_BYTES);
	#view = new DataView(this.#bytes.buffer);
	#length = 0;

	written(): Uint8Array<ArrayBuffer> {
		return this.#bytes.subarray(0, this.#length);
	}

	value(value: unknown): this {
		if (value == null) this.#u8(0xc0);
		else if (typeof value === 'boolean') this.#u8(value ? 0xc3 : 0xc2);
		else if (typeof value === 'number') this.#number(value);
		else if (typeof value === 'string') this.#string(value);
		else if (value instanceof Uint8Array) this.#head(value.length, BYTES).#raw(value);
		else if (Array.isArray(value)) {
			this.#head(value.length, LIST, 0x90, 15);
			for (const item of value) this.value(item);
		} else {
			const fields = Object.entries(value).filter(([, field]) => field !== undefined);
			this.#head(fields.length, MAP, 0x80, 15);
			for (const [key, field] of fields) this.#string(key).value(field);
		}
		return this;
	}

	#number(value: number): void {
		if (!Number.isSafeInteger(value))
			this.#u8(0xcb).#put(8, (at) => this.#view.setFloat64(at, value));
		else if (value >= 0) this.#natural(value);
		else if (value >= -0x20) this.#u8(value & 0xff);
		else if (value >= -0x80) this.#u8(0xd0).#u8(value & 0xff);
		else if (value >= -0x8000) this.#u8(0xd1).#put(2, (at) => this.#view.setInt16(at, value));
		else if (value >= -0x80000000) this.#u8(0xd2).#put(4, (at) => this.#view.setInt32(at, value));
		else this.#u8(0xd3).#put(8, (at) => this.#view.setBigInt64(at, BigInt(value)));
	}

	#natural(value: number): void {
		if (value < 0x80) this.#u8(value);
		else if (value < 0x100) this.#u8(0xcc).#u8(value);
		else if (value < 0x10000) this.#u8(0xcd).#u16(value);
		else if (value < 0x100000000) this.#u8(0xce).#u32(value);
		else this.#u8(0xcf).#put(8, (at) => this.#view.setBigUint64(at, BigInt(value)));
	}

	#string(text: string): this {
		const bytes = utf8Out.encode(text);
		return this.#head(bytes.length, STRING, 0xa0, 31).#raw(bytes);
	}

	/** The type and the length of what follows, in the fewest bytes. */
	#head(length: number, [head8, head16, head32]: Heads, fixed = 0, fixedMax = -1): this {
		if (length <= fixedMax) return this.#u8(fixed | length);
		if (head8 !== 0 && length < 0x100) return this.#u8(head8).#u8(length);
		if (length < 0x10000) return this.#u8(head16).#u16(length);
		return this.#u8(head32).#u32(length);
	}

	#raw(bytes: Uint8Array): this {
		return this.#put(bytes.length, (at) => this.#bytes.set(bytes, at));
	}

	#u8(byte: number): this {
		return this.#put(1, (at) => this.#view.setUint8(at, byte));
	}

	#u16(value: number): this {
		return this.#put(2, (at) => this.#view.setUint16(at, value));
	}

	#u32(value: number): this {
		return this.#put(4, (at) => this.#view.setUint32(at, value));
	}

	#put(count: number, write: (at: number) => void): this {
		const end = this.#length + count;
		if (end > this.#bytes.length) {
			const grown = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
			grown.set(this.#bytes);
			this.#bytes = grown;
			this.#view = new DataView(grown.buffer);
		}
		write(this.#length);
		this.#length = end;
		return this;
	}
}

class Reader {
	readonly #bytes: Uint8Array;
	readonly #view: DataView;
	at = 0;

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
		this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	}

	value(depth: number): unknown {
		if (depth > DEPTH_MAX) throw new ProtocolError('the value is too deep');
		const head = this.#natural(1);
		if (head < 0x80) return head;
		if (head < 0x90) return this.#map(head & 0x0f, depth);
		if (head < 0xa0) return this.#list(head & 0x0f, depth);
		if (head < 0xc0) return this.#string(head & 0x1f);
		if (head >= 0xe0) return head - 0x100;
		// Sizes double from one type to the next.
		const size = (first: number): number => 2 ** (head - first);
		if (head === 0xc0) return null;
		if (head === 0xc1) throw new ProtocolError('no value begins with 0xc1');
		if (head <= 0xc3) return head === 0xc3;
		if (head <= 0xc6) return this.#take(this.#natural(size(0xc4))).slice();
		if (head <= 0xc9) return this.#extension(this.#natural(size(0xc7)));
		if (head === 0xca) return this.#view.getFloat32(this.#skip(4));
		if (head === 0xcb) return this.#view.getFloat64(this.#skip(8));
		if (head <= 0xcf) return this.#natural(size(0xcc));
		if (head <= 0xd3) return this.#integer(size(0xd0));
		if (head <= 0xd8) return this.#extension(size(0xd4));
		if (head <= 0xdb) return this.#string(this.#natural(size(0xd9)));
		if (head <= 0xdd) return this.#list(this.#natural(2 * size(0xdc)), depth);
		return this.#map(this.#natural(2 * size(0xde)), depth);
	}

	#map(length: number, depth: number): Record<string, unknown> {
		const map: Record<string, unknown> = {};
		for (let index = 0; index < length; index += 1) {
			const key = this.value(depth + 1);
			if (typeof key !== 'string' || key === '__proto__') throw new ProtocolError('a bad key');
			map[key] = this.value(depth + 1);
		}
		return map;
	}

	#list(length: number, depth: number): unknown[] {
		const list: unknown[] = [];
		for (let index = 0; index < length; index += 1) list.push(this.value(depth + 1));
		return list;
	}

	#string(length: number): string {
		return utf8In.decode(this.#take(length));
	}

	#extension(length: number): undefined {
		this.#skip(1 + length);
	}

	#natural(size: number): number {
		const at = this.#skip(size);
		if (size === 1) return this.#view.getUint8(at);
		if (size === 2) return this.#view.getUint16(at);
		return size === 4 ? this.#view.getUint32(at) : Number(this.#view.getBigUint64(at));
	}

	#integer(size: number): number {
		const at = this.#skip(size);
		if (size === 1) return this.#view.getInt8(at);
		if (size === 2) return this.#view.getInt16(at);
		return size === 4 ? this.#view.getInt32(at) : Number(this.#view.getBigInt64(at));
	}

	#take(length: number): Uint8Array {
		const at = this.#skip(length);
		return this.#bytes.subarray(at, at + length);
	}

	/** Moves on, and returns where it was. What a length promises must be there. */
	#skip(length: number): number {
		const at = this.at;
		this.at += length;
		if (this.at > this.#bytes.length) throw new ProtocolError('the frame was cut short');
		return at;
	}
}
