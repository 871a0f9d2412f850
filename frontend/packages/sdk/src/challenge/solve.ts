/**
 * Finds what a challenge asks for: ALTCHA proof of work, version 2, algorithm `SHA-256`.
 *
 * @module
 */
import { sha256 } from '@noble/hashes/sha2.js';

/** The part of `connected.challenge` that says what to find. */
export interface ChallengeParameters {
	readonly algorithm: string;
	/** How often each try is hashed. */
	readonly cost: number;
	/** Hexadecimal digits that the hash must begin with. */
	readonly keyPrefix: string;
	/** Hexadecimal, as is `salt`. */
	readonly nonce: string;
	readonly salt: string;
}

/** Tries after which nothing more is to be hoped for: far more than any challenge takes. */
const COUNTER_MAX = 2 ** 24;

/** What a challenge asks for, or undefined where it is of a kind that isn't known. */
export function parametersOf(
	challenge: Readonly<Record<string, unknown>>,
): ChallengeParameters | undefined {
	const parameters = challenge.parameters as Partial<ChallengeParameters> | undefined;
	if (typeof parameters !== 'object' || parameters?.algorithm !== 'SHA-256') return undefined;
	const { cost, keyPrefix, nonce, salt } = parameters;
	const isHex = (text: unknown) => typeof text === 'string' && /^[0-9a-f]*$/i.test(text);
	const isCost = Number.isInteger(cost) && Number(cost) > 0;
	return isCost && isHex(keyPrefix) && isHex(nonce) && isHex(salt)
		? (parameters as ChallengeParameters)
		: undefined;
}

/**
 * The proof for `hello.proof`. Takes a moment of the thread that it runs on: see the worker.
 *
 * @returns undefined where there is none
 */
export function solve({
	cost,
	keyPrefix,
	nonce,
	salt,
}: ChallengeParameters): Uint8Array | undefined {
	const seed = Uint8Array.from([...bytesOf(salt), ...bytesOf(nonce), 0, 0, 0, 0]);
	const counterAt = new DataView(seed.buffer, seed.length - 4);
	const prefix = keyPrefix.toLowerCase();
	for (let counter = 0; counter < COUNTER_MAX; counter += 1) {
		counterAt.setUint32(0, counter);
		let key = seed;
		for (let round = 0; round < cost; round += 1) key = sha256(key) as Uint8Array<ArrayBuffer>;
		if (!beginsWith(key, prefix)) continue;
		return new TextEncoder().encode(JSON.stringify({ counter, derivedKey: hexOf(key) }));
	}
	return undefined;
}

function beginsWith(bytes: Uint8Array, prefix: string): boolean {
	for (let at = 0; at < prefix.length; at += 1) {
		const byte = bytes[at >> 1] ?? 0;
		const digit = at % 2 === 0 ? byte >> 4 : byte & 15;
		if (digit !== parseInt(prefix.charAt(at), 16)) return false;
	}
	return true;
}

function bytesOf(hex: string): number[] {
	return Array.from({ length: hex.length / 2 }, (_, at) =>
		parseInt(hex.slice(2 * at, 2 * at + 2), 16),
	);
}

function hexOf(bytes: Uint8Array): string {
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
