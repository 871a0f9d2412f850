/** A sentence in which some words, often a stranger's own, stand out. */
export type Phrase = readonly (string | { readonly em: string })[];

/** A template whose values stand out: `` phrase`You both like ${interests}.` `` */
export function phrase(
	texts: TemplateStringsArray,
	...values: readonly (string | Phrase)[]
): Phrase {
	return texts.flatMap((text, index) => {
		const value = values[index] ?? [];
		return [text, ...(typeof value === 'string' ? [{ em: value }] : value)];
	});
}

export function plainText(phrase: Phrase): string {
	return phrase.map((part) => (typeof part === 'string' ? part : part.em)).join('');
}
