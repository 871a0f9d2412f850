/**
 * Small parsers from "anything" to a known shape. They copy what they know and drop the rest, so
 * that an unknown key is never an error and never gets further.
 *
 * @module
 */

/** What arrived is not what the protocol says. */
export class ProtocolError extends Error {
	override readonly name = 'ProtocolError';
}

/** Returns the value as `T`, or throws a {@link ProtocolError} that names `path`. */
export type Check<T> = (value: unknown, path: string) => T;

/** A field that may be absent or nil. */
export interface Optional<T> {
	readonly optional: Check<T>;
}

/** A check for every field of `T`, optional exactly where the type says so. */
export type Shape<T> = {
	[K in keyof T]-?: Record<never, never> extends Pick<T, K>
		? Optional<NonNullable<T[K]>>
		: Check<T[K]>;
};

export const optional = <T>(check: Check<T>): Optional<T> => ({ optional: check });

export const text: Check<string> = (value, path) =>
	typeof value === 'string' ? value : fail(path, 'a string');

export const flag: Check<boolean> = (value, path) =>
	typeof value === 'boolean' ? value : fail(path, 'a boolean');

/** An integer from 0 to 2^53 - 1. */
export const count: Check<number> = (value, path) =>
	Number.isSafeInteger(value) && (value as number) >= 0
		? (value as number)
		: fail(path, 'a whole number');

export const bytes: Check<Uint8Array> = (value, path) =>
	value instanceof Uint8Array ? value : fail(path, 'bytes');

export const anyMap: Check<Readonly<Record<string, unknown>>> = (value, path) =>
	isMap(value) ? value : fail(path, 'a map');

export const oneOf =
	<const T extends string>(...names: readonly T[]): Check<T> =>
	(value, path) =>
		names.find((name) => name === value) ?? fail(path, names.join(' or '));

export const listOf =
	<T>(check: Check<T>): Check<readonly T[]> =>
	(value, path) =>
		Array.isArray(value)
			? value.map((item: unknown, index) => check(item, `${path}[${index}]`))
			: fail(path, 'a list');

export const either =
	<A, B>(first: Check<A>, second: Check<B>): Check<A | B> =>
	(value, path) => {
		try {
			return first(value, path);
		} catch {
			return second(value, path);
		}
	};

/** A map with the fields of `shape`. An absent map counts as an empty one. */
export const record =
	<T>(shape: Shape<T>): Check<T> =>
	(value, path) => {
		const source = anyMap(value ?? {}, path);
		const result: Record<string, unknown> = {};
		for (const [key, check] of Object.entries<Check<unknown> | Optional<unknown>>(shape)) {
			const field = Object.hasOwn(source, key) ? source[key] : undefined;
			if (typeof check === 'function') result[key] = check(field, `${path}.${key}`);
			else if (field != null) result[key] = check.optional(field, `${path}.${key}`);
		}
		return result as T;
	};

function isMap(value: unknown): value is Record<string, unknown> {
	return (
		typeof value === 'object' &&
		value !== null &&
		!Array.isArray(value) &&
		!(value instanceof Uint8Array)
	);
}

function fail(path: string, expected: string): never {
	throw new ProtocolError(`${path} is not ${expected}`);
}
