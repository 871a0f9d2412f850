/** Web addresses in what a stranger wrote. */

/** A piece of text, or an address as it was written and as a browser reads it. */
export type Part = string | { readonly text: string; readonly url: URL };

const ADDRESS = /https?:\/\/[^\s<>"]+/giu;
/** What more likely ends the sentence than the address. */
const SENTENCE_END = /[.,;:!?'’”»\])}]+$/u;

/** Splits a text so that its addresses stand alone; joined again, the parts are the text. */
export function partsOf(text: string): readonly Part[] {
	const parts: Part[] = [];
	let end = 0;
	for (const { 0: found, index } of text.matchAll(ADDRESS)) {
		const written = found.replace(SENTENCE_END, '');
		if (!URL.canParse(written)) continue;
		if (index > end) parts.push(text.slice(end, index));
		parts.push({ text: written, url: new URL(written) });
		end = index + written.length;
	}
	if (end < text.length) parts.push(text.slice(end));
	return parts;
}
