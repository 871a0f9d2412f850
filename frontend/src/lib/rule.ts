/** The rules of a room, in the words of the one who reads: loaded once somebody broke one. */
import { laterWords } from './language.svelte.ts';

/** What was found wrong; undefined where the rule is the operator's own, or newer than this page. */
export function ruleOf(code: string): string | undefined {
	return find(laterWords.rules, code);
}

/** What somebody is banned for, likewise. */
export function reasonOf(kind: string): string | undefined {
	return find(laterWords.reasons, kind);
}

/** The kind of a ban and, after the last dash of its code, what can be quoted in an appeal. */
export function partsOf(code: string): { kind: string; appeal: string | undefined } {
	const dash = code.lastIndexOf('-');
	if (dash < 0) return { kind: code, appeal: undefined };
	return { kind: code.slice(0, dash), appeal: code.slice(dash + 1) };
}

function find(words: Readonly<Record<string, string>>, code: string): string | undefined {
	return Object.hasOwn(words, code) ? words[code] : undefined;
}
