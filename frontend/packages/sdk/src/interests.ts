/**
 * Interests in the form in which the engine compares them, its operator's aliases aside.
 *
 * @module
 */
import { countChars, DEFAULT_LIMITS } from './limits.ts';
import type { Limits } from './messages.ts';

type InterestLimits = Pick<Limits, 'interests' | 'interestChars'>;

/**
 * The normal form of one interest, which may be empty: what shows nothing goes, Unicode NFKC and
 * case folding are applied, and what stands between words becomes one space. `+` and `#` stay
 * directly behind a word (`c++`, `c#`), a dot stays where it begins one (`.net`).
 */
export function normalizeInterest(typed: string): string {
	let text = typed;
	for (let round = 0; round < ROUNDS_MAX; round += 1) {
		const visible = Array.from(text).filter((char) => kindOf(char) !== 'nothing');
		const again = joinWords(foldCase(visible.join('').normalize('NFKC')).normalize('NFKC'));
		if (again === text) break;
		text = again;
	}
	return text;
}

/** Whether the normal form of an interest is longer than the engine takes. */
export function isTooLong(typed: string, limits: InterestLimits = DEFAULT_LIMITS): boolean {
	return countChars(normalizeInterest(typed)) > limits.interestChars;
}

/**
 * Adds what was typed to a list of normal forms. Commas, semicolons and line breaks part
 * interests; empty, repeated and too long ones are left out, and so is what no longer fits in.
 */
export function addInterests(
	list: readonly string[],
	typed: string,
	limits: InterestLimits = DEFAULT_LIMITS,
): string[] {
	const result = new Set(list);
	for (const part of typed.split(/[,;\n\r\t]/u)) {
		const interest = normalizeInterest(part);
		const fits = interest !== '' && !isTooLong(interest, limits);
		if (fits && result.size < limits.interests) result.add(interest);
	}
	return [...result];
}

/** Taking characters out can bring together what normalises anew; twice is enough in practice. */
const ROUNDS_MAX = 4;

const GAP = /[\p{White_Space}\p{P}\p{Sm}\u2800^`]/u;
/** Controls, joiners, fillers, vowels inherent in others, and selectors of variations. */
const NOTHING =
	/[\p{Cc}\p{Cf}\u115F\u1160\u3164\uFFA0]|\u034F|\u17B4|\u17B5|[\u180B-\u180F]|[\uFE00-\uFE0F]|[\u{E0000}-\u{E0FFF}]/u;
const LETTER = /\p{Alphabetic}/u;
const LETTER_OR_DIGIT = /[\p{Alphabetic}\p{N}]/u;
const ENDS_IN_WORD = /[\p{Alphabetic}\p{N}][+#]*$/u;
const SIGNS_AT_END = /[+#]+$/u;

function kindOf(char: string): 'word' | 'gap' | 'nothing' {
	if (GAP.test(char)) return 'gap';
	return NOTHING.test(char) ? 'nothing' : 'word';
}

/** What came directly before: a dot that may begin a word, any other dot, or something else. */
type Dots = 'none' | 'leading' | 'idle';

/** Joins the words of folded text by single spaces. */
function joinWords(text: string): string {
	let words = '';
	let gap = false;
	let dots = 'none' as Dots;
	for (const char of text) {
		const kind = kindOf(char);
		if (kind === 'nothing') continue;
		const before = dots;
		dots = 'none';
		if (char === '.') {
			dots = (words === '' || gap) && before === 'none' ? 'leading' : 'idle';
			gap = true;
		} else if ((char === '+' || char === '#') && !gap && ENDS_IN_WORD.test(words)) {
			words += char;
		} else if (kind === 'gap') {
			gap = true;
		} else {
			// Signs between two words are no part of the first.
			if (!gap && LETTER.test(char) && SIGNS_AT_END.test(words)) {
				words = words.replace(SIGNS_AT_END, '');
				gap = true;
			}
			if (gap && words !== '') words += ' ';
			if (before === 'leading' && LETTER_OR_DIGIT.test(char)) words += '.';
			words += char;
			gap = false;
		}
	}
	return words;
}

/**
 * Unicode full case folding, as near as the platform comes: upper case first, where it makes one
 * letter into several (`ß` into `SS`), then lower case, with no special sigma at a word's end.
 */
function foldCase(text: string): string {
	return Array.from(text, (char) => {
		const upper = char.toUpperCase();
		return upper.length > char.length ? upper.toLowerCase() : char.toLowerCase();
	})
		.join('')
		.replaceAll('ς', 'σ');
}
