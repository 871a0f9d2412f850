/** The rules of a room, in the words of the one who reads: loaded once somebody broke one. */
import { laterWords } from './language.svelte.ts';

/** What was found wrong; undefined where the rule is the operator's own, or newer than this page. */
export function ruleOf(code: string): string | undefined {
	return find(laterWords.rules, code);
}

/** What somebody is banned for, likewise. */
export function reasonOf(code: string): string | undefined {
	return find(laterWords.reasons, code);
}

function find(words: Readonly<Record<string, string>>, code: string): string | undefined {
	return Object.hasOwn(words, code) ? words[code] : undefined;
}
