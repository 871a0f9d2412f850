/**
 * When to try again after a connection was lost. Pure: the chance is handed in.
 *
 * @module
 */

const FIRST_DELAY_MS = 500;
const DELAY_MS_MAX = 30_000;

/** Codes after which trying again by itself would be useless, or rude. */
const FINAL_CODES: ReadonlySet<number> = new Set([
	1000, // closed on purpose
	1008, // policy: a foreign origin, a challenge not met
	4003, // banned
	4008, // nobody was there; the person comes back, not the program
]);

/** Codes that ask for patience: no retry sooner than this. */
const FLOORS_MS: ReadonlyMap<number, number> = new Map([
	[1013, 10_000], // full
	[4029, 30_000], // sent too much for too long
]);

/** How long the engine keeps a seat in a chat, unless its operator says otherwise. */
export const RESUME_GRACE_MS = 20_000;
/** An engine that has answered a `ping` sent after the resume token has had its chance by then. */
export const RESUME_ANSWER_MS = 2000;

/**
 * When to ask the queue again that was full, or asked too often.
 *
 * @param retryAfterMs - what the engine said, if anything
 * @returns milliseconds, from one second to one minute
 */
export function rejoinDelayMs(retryAfterMs: number | undefined): number {
	return Math.min(Math.max(retryAfterMs ?? 5000, 1000), 60_000);
}

/**
 * The wait before the next attempt: doubling from half a second to half a minute, of which one
 * half is left to chance, so that a restarted server is not met by everybody at once.
 *
 * @param attempt - failures in a row so far, from 0
 * @param closeCode - the code the connection was closed with
 * @param random - from 0 to 1
 * @returns milliseconds, or `undefined` where no attempt should be made
 */
export function retryDelayMs(
	attempt: number,
	closeCode: number,
	random: number,
): number | undefined {
	if (FINAL_CODES.has(closeCode)) return undefined;
	const backoffMs = Math.min(FIRST_DELAY_MS * 2 ** attempt, DELAY_MS_MAX);
	const ceilingMs = Math.max(backoffMs, 2 * (FLOORS_MS.get(closeCode) ?? 0));
	return Math.round(ceilingMs / 2 + (ceilingMs / 2) * random);
}
