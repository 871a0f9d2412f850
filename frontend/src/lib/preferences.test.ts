import { beforeEach, describe, expect, it } from 'vitest';
import { Preferences } from './preferences.svelte.ts';

const load = () => new Preferences(() => localStorage);

beforeEach(() => localStorage.clear());

describe('Preferences', () => {
	it('remembers the choices, and never the interests', () => {
		const first = load();
		expect(first.accepted).toBe(false);
		Object.assign(first, { ageCategory: 'adult', queueType: 'unmoderated', relax: 'strict' });
		Object.assign(first, { accepted: true, interests: ['chess'] });
		first.save();
		const next = load();
		expect(next.accepted).toBe(true);
		expect(next.wishes).toEqual({
			ageCategory: 'adult',
			queueType: 'unmoderated',
			mode: 'text',
			language: 'any',
			relax: 'strict',
			interests: [],
		});
	});

	it('sends teens to the moderated room only', () => {
		const preferences = load();
		Object.assign(preferences, { ageCategory: 'teen', queueType: 'unmoderated' });
		expect(preferences.lane.queueType).toBe('moderated');
	});

	it.each(['', 'null', '[1', '{"ageCategory":"child","accepted":true}', '7'])(
		'survives %j in the storage',
		(stored) => {
			localStorage.setItem('whisper.preferences', stored);
			expect(load().accepted).toBe(false);
			expect(load().ageCategory).toBeUndefined();
		},
	);

	it('works without storage', () => {
		const preferences = new Preferences(() => {
			throw new Error('forbidden');
		});
		expect(() => preferences.save()).not.toThrow();
	});
});
