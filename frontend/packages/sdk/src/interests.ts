/**
 * Interests in the form in which the engine compares them.
 *
 * @module
 */
import { countChars, DEFAULT_LIMITS } from './limits.ts';
import type { Limits } from './messages.ts';

/**
 * The normal form of one interest: Unicode NFKC, case folded, punctuation and white space inside
 * collapsed, nothing of them at the ends. What is left may be empty.
 */
export function normalizeInterest(typed: string): string {
	return foldCase(typed.normalize('NFKC')).normalize('NFKC').replace(SEPARATORS, ' ').trim();
}

/**
 * Adds what was typed to a list of normal forms. Commas and line breaks part interests; empty,
 * repeated and too long ones are left out, and so is what no longer fits in the list.
 */
export function addInterests(
	list: readonly string[],
	typed: string,
	limits: Pick<Limits, 'interests' | 'interestChars'> = DEFAULT_LIMITS,
): string[] {
	const result = new Set(list);
	for (const part of typed.split(/[,;\n\r\t]/u)) {
		const interest = normalizeInterest(part);
		const fits = interest !== '' && countChars(interest) <= limits.interestChars;
		if (fits && result.size < limits.interests) result.add(interest);
	}
	return [...result];
}

const SEPARATORS = /[\s\p{P}]+/gu;

/**
 * Unicode full case folding, as near as the platform comes: upper case first, where it makes one
 * letter into several (`ß` into `SS`), then lower case, with no special sigma at a word's end.
 */
function foldCase(source: string): string {
	return Array.from(source, (char) => {
		const upper = char.toUpperCase();
		return upper.length > char.length ? upper.toLowerCase() : char.toLowerCase();
	})
		.join('')
		.replaceAll('ς', 'σ');
}
