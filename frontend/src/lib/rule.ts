/** The rules of a room, in the words of the one who reads: loaded once somebody broke one. */
import { laterWords } from './language.svelte.ts';

/** What was found wrong; undefined where the rule is the operator's own, or newer than this page. */
export function ruleOf(code: string): string | undefined {
	const { rules } = laterWords;
	return Object.hasOwn(rules, code) ? rules[code as keyof typeof rules] : undefined;
}
