/** Every language says everything, as far as types can't tell. */
import { describe, expect, it } from 'vitest';
import { plainText, type Phrase } from '#lib/phrase.ts';
import { Formats } from './formats.ts';

type Dictionary = (say: Formats) => Record<string, unknown>;

const files = import.meta.glob<{ default: Dictionary }>(['./??.ts', './??-later.ts'], {
	eager: true,
});
const dictionaries = Object.entries(files).map(
	([path, { default: dictionary }]) => [path.slice(2, -3), dictionary] as const,
);

/** What the words are asked with: counts of every plural, and one or many interests. */
const ASKED = [
	0,
	1,
	2,
	3,
	5,
	11,
	100,
	1_900_000_000_000,
	undefined,
	'x',
	['a'],
	['a', 'b', 'c', 'd', 'e'],
];

/** Every text of a dictionary, whatever has to be asked for it. */
function textsOf(value: unknown): string[] {
	if (typeof value === 'string') return [value];
	if (typeof value === 'function') {
		return ASKED.flatMap((asked) => {
			try {
				const said = value(asked, asked) as string | Phrase;
				return [typeof said === 'string' ? said : plainText(said)];
			} catch {
				// Asked for something it has no word for: a number as a list, a list as a date.
				return [];
			}
		});
	}
	return Object.values(value as object).flatMap(textsOf);
}

it('knows six languages, twice each', () => {
	expect(dictionaries.map(([name]) => name.slice(0, 2))).toEqual(
		['ar', 'de', 'en', 'es', 'fr', 'hi'].flatMap((tag) => [tag, tag]),
	);
});

describe.each(dictionaries)('%s', (name, dictionary) => {
	const texts = textsOf(dictionary(new Formats(name.slice(0, 2))));

	it('leaves nothing empty, and no place in a text unfilled', () => {
		expect(texts.length).toBeGreaterThan(40);
		expect(texts.filter((text) => text.trim() === '' || /[{}#]/.test(text))).toEqual([]);
	});

	it('shouts nowhere', () => {
		expect(texts.filter((text) => /[!¡！]/.test(text))).toEqual([]);
	});
});
