/**
 * The bounds of protocol version 1, as far as a client has to keep them. The engine says its own
 * in `connected`; these hold until it has spoken.
 *
 * @module
 */
import * as wire from './generated/wire.ts';
import type { Limits } from './messages.ts';

export const DEFAULT_LIMITS: Limits = {
	messageBytes: wire.MESSAGE_BYTES,
	contentChars: wire.CONTENT_CHARS,
	interests: wire.INTERESTS,
	interestChars: wire.INTEREST_CHARS,
};

/** Messages of the partner that one report may carry. */
export const EVIDENCE_MAX = wire.EVIDENCE;
/** The longest comment of a report, in chars. */
export const COMMENT_CHARS_MAX = wire.COMMENT_CHARS;

/** Entries of one chat kept in memory; older ones are forgotten. */
export const ENTRIES_MAX = 2000;

/** The length of a text as the protocol counts it: in code points, not in UTF-16 units. */
export function countChars(text: string): number {
	let count = 0;
	for (let unit = 0; unit < text.length; unit += 1) {
		const isPair =
			(text.charCodeAt(unit) & 0xfc00) === 0xd800 &&
			(text.charCodeAt(unit + 1) & 0xfc00) === 0xdc00;
		if (isPair) unit += 1;
		count += 1;
	}
	return count;
}
