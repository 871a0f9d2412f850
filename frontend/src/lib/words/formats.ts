/**
 * How a language writes numbers, times and lists, by `Intl`: whatever a dictionary would otherwise
 * have to know of grammar.
 *
 * @module
 */
import type { Phrase } from '#lib/phrase.ts';

/** A text for each plural the language tells apart; `#` stands for the number. */
export type Plural = Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string };

/** Items named one by one before the rest is only counted. */
const NAMED_MAX = 4;
const WEEK_MS = 7 * 24 * 3600 * 1000;

export class Formats {
	readonly #tag: string;
	readonly #numbers: Intl.NumberFormat;
	readonly #plurals: Intl.PluralRules;

	/** @param tag - a BCP 47 tag */
	constructor(tag: string) {
		this.#tag = tag;
		this.#numbers = new Intl.NumberFormat(tag);
		this.#plurals = new Intl.PluralRules(tag);
	}

	number(value: number): string {
		return this.#numbers.format(value);
	}

	count(value: number, forms: Plural): string {
		const form = forms[this.#plurals.select(value)] ?? forms.other;
		return form.replace('#', this.number(value));
	}

	/** "1 second", "3 minutes": rounded up, and never nothing. */
	duration(durationMs: number): string {
		const seconds = Math.max(1, Math.ceil(durationMs / 1000));
		const [value, unit] = seconds < 100 ? [seconds, 'second'] : [Math.ceil(seconds / 60), 'minute'];
		const style = { style: 'unit', unit, unitDisplay: 'long' } as const;
		return new Intl.NumberFormat(this.#tag, style).format(value);
	}

	/** A time by its weekday where it is near, else by its date. */
	moment(at: number, now: number): string {
		const form: Intl.DateTimeFormatOptions =
			at - now < WEEK_MS
				? { weekday: 'long', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }
				: { dateStyle: 'long', timeStyle: 'short' };
		return new Intl.DateTimeFormat(this.#tag, form).format(at);
	}

	/** "*chess*, *jazz* and *tea*", or "… or *tea*"; the items stand out. */
	list(items: readonly string[], joined: 'and' | 'or'): Phrase {
		const type = joined === 'and' ? 'conjunction' : 'disjunction';
		return new Intl.ListFormat(this.#tag, { type })
			.formatToParts(items)
			.map(({ type, value }) => (type === 'element' ? { em: value } : value));
	}

	/** "*chess*, *jazz*, *tea* or *4 more*"; `more` says how many are left out. */
	anyOf(items: readonly string[], more: Plural): Phrase {
		if (items.length <= NAMED_MAX) return this.list(items, 'or');
		const named = items.slice(0, NAMED_MAX - 1);
		return this.list([...named, this.count(items.length - named.length, more)], 'or');
	}

	/** The name of a language in this one. */
	language(tag: string): string {
		return new Intl.DisplayNames(this.#tag, { type: 'language' }).of(tag) ?? tag;
	}
}
