import { bestOf, speak } from '#lib/language.svelte.ts';
import { preferences } from '#lib/preferences.svelte.ts';

/** A single page that talks to a socket: nothing to render on a server. */
export const ssr = false;
export const prerender = true;

/** The words come before the first view, so that none is shown in the wrong language. */
export async function load(): Promise<void> {
	await speak(bestOf([preferences.language ?? '', ...navigator.languages]));
}
