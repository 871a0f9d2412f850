/**
 * The words of the interface, in the language of its person. English is always there, as far as a
 * text chat needs it; everything else is loaded when it is needed.
 *
 * @module
 */
import type { LaterWords } from './words/en-later.ts';
import english, { type Words } from './words/en.ts';
import { Formats } from './words/formats.ts';

interface Dictionary {
	/** The language's own name. */
	readonly name: string;
	readonly words: () => Promise<{ readonly default: (say: Formats) => Words }>;
	readonly later: () => Promise<{ readonly default: (say: Formats) => LaterWords }>;
}

const DICTIONARIES = {
	en: {
		name: 'English',
		words: async () => ({ default: english }),
		later: () => import('./words/en-later.ts'),
	},
	es: {
		name: 'Español',
		words: () => import('./words/es.ts'),
		later: () => import('./words/es-later.ts'),
	},
	de: {
		name: 'Deutsch',
		words: () => import('./words/de.ts'),
		later: () => import('./words/de-later.ts'),
	},
	fr: {
		name: 'Français',
		words: () => import('./words/fr.ts'),
		later: () => import('./words/fr-later.ts'),
	},
	ar: {
		name: 'العربية',
		words: () => import('./words/ar.ts'),
		later: () => import('./words/ar-later.ts'),
	},
	hi: {
		name: 'हिन्दी',
		words: () => import('./words/hi.ts'),
		later: () => import('./words/hi-later.ts'),
	},
} satisfies Record<string, Dictionary>;

export type Language = keyof typeof DICTIONARIES;

const RIGHT_TO_LEFT: ReadonlySet<string> = new Set(['ar']);

const inEnglish: Words = english(new Formats('en'));

let tag = $state<Language>('en');
let current = $state.raw(inEnglish);
/** Absent until the first view needs it. */
let currentLater = $state.raw<LaterWords>();

/** What to say; reads change with the language. */
export const words = sections(Object.keys(inEnglish) as (keyof Words)[], () => current);

/** What to say in views that were loaded by {@link withWords}. */
export const laterWords = sections(
	['rules', 'reasons', 'banned', 'leaving', 'report', 'call', 'help'],
	() => {
		if (!currentLater) throw new Error('the view was not loaded by withWords');
		return currentLater;
	},
);

export const languages = Object.entries(DICTIONARIES).map(([tag, { name }]) => ({
	tag: tag as Language,
	name,
}));

/** The language in use. */
export function language(): Language {
	return tag;
}

/** Speaks another language from now on. Stays with the present one where it can't be loaded. */
export async function speak(next: Language): Promise<void> {
	try {
		const dictionary: Dictionary = DICTIONARIES[next];
		const say = new Formats(next);
		const [words, later] = await Promise.all([
			dictionary.words(),
			currentLater && dictionary.later(),
		]);
		current = words.default(say);
		currentLater = later?.default(say);
		tag = next;
	} catch {
		// No connection, or a newer version took the file away: the words in use are good enough.
	}
	document.documentElement.lang = tag;
	document.documentElement.dir = RIGHT_TO_LEFT.has(tag) ? 'rtl' : 'ltr';
}

/** A view that is loaded when somebody opens it, and the words it needs. */
export async function withWords<View>(view: Promise<{ readonly default: View }>): Promise<View> {
	const [{ default: component }] = await Promise.all([view, learnLaterWords()]);
	return component;
}

/** Makes {@link laterWords} ready. */
export async function learnLaterWords(): Promise<void> {
	if (currentLater) return;
	const spoken = tag;
	const { default: dictionary } = await DICTIONARIES[spoken].later();
	currentLater ??= dictionary(new Formats(spoken));
}

/** The first language a person reads that there are words in; English where there is none. */
export function bestOf(wanted: readonly string[]): Language {
	const known = wanted.map(primary).find((tag) => Object.hasOwn(DICTIONARIES, tag));
	return (known as Language | undefined) ?? 'en';
}

/** The primary subtag of a BCP 47 tag: `pt` of `pt-BR`. */
export function primary(tag: string): string {
	return tag.split('-', 1)[0]?.toLowerCase() ?? '';
}

/** An object whose sections are always those of the present language. */
function sections<Of extends object>(names: readonly (keyof Of)[], now: () => Of): Of {
	const getters = names.map((name) => [name, { get: () => now()[name] }]);
	return Object.defineProperties({}, Object.fromEntries(getters)) as Of;
}
