/** What went wrong, in words: which of them fits, and what they need to know. */
import type { Link, Refusal } from '@whisper/client';
import { words } from './language.svelte.ts';
import { isForNow, rejoinDelayMs } from './protocol.ts';

/** What the banner says of the connection, or nothing where all is well. */
export function connectionTrouble(link: Link, isOnline: boolean): string | undefined {
	const say = words.connection;
	if (!isOnline) return say.offline;
	if (link.name === 'lost')
		return link.code === 1013 ? say.full : link.code === 4029 ? say.tooMuch : say.lost;
	// A ban has a page of its own.
	if (link.name === 'closed' && link.code !== 1000 && link.code !== 4003)
		return link.code === 4008 ? say.idle : say.closed;
	return undefined;
}

/** Why something was refused, and what to do next. Codes newer than this page speak for themselves. */
export function refusal({ code, message, retryAfterMs }: Refusal): string {
	const { plain, rate_limited: tooFast } = words.refused;
	if (code === 'rate_limited') return tooFast(retryAfterMs ?? 1000);
	return Object.hasOwn(plain, code) ? plain[code as keyof typeof plain] : message;
}

/** Why the queue did not take us yet, and when we ask again. */
export function postponement(problem: Refusal): string {
	if (!isForNow(problem)) return refusal(problem);
	const say = words.refused[problem.code === 'server_full' ? 'full_for_now' : 'put_off'];
	return say(rejoinDelayMs(problem.retryAfterMs));
}
