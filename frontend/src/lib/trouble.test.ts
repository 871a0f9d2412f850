import { describe, expect, test } from 'vitest';
import { plainText } from './phrase.ts';
import { words } from './language.svelte.ts';
import { connectionTrouble, refusal } from './trouble.ts';

describe('words', () => {
	test.each([
		[['chess', 'jazz'], 'exact', 'Looking for someone who likes chess or jazz.'],
		[['chess', 'jazz'], 'single', 'Looking for someone who likes one of these.'],
		[['chess'], 'single', 'Looking for someone who likes chess.'],
		[['chess', 'jazz'], 'any', "Looking for anyone who's around."],
		[[], 'exact', "Looking for anyone who's around."],
		[['a', 'b', 'c', 'd', 'e'], 'exact', 'Looking for someone who likes a, b, c, or 2 more.'],
	] as const)('looking for %j in tier %s', (interests, tier, said) => {
		expect(plainText(words.searching.looking(interests, tier))).toBe(said);
	});

	test('a stranger’s words stand out and stay whole', () => {
		expect(words.chat.shared(['*a*', 'b'])).toEqual([
			'You both like ',
			{ em: '*a*' },
			' and ',
			{ em: 'b' },
			'.',
		]);
		expect(plainText(words.chat.shared([]))).toBe('You have nothing in common yet.');
	});

	test('counts people', () => {
		expect(words.online(1)).toBe('1 person here');
		expect(words.online(1204)).toBe('1,204 people here');
	});

	test('a ban says until when, near or far', () => {
		const now = Date.UTC(2030, 0, 1, 12);
		const day = 24 * 3600 * 1000;
		expect(plainText(words.banned.until(now + day, now))).toMatch(/until \w+day \d\d:\d\d\.$/);
		expect(plainText(words.banned.until(now + 30 * day, now))).toMatch(/until January 31, 2030/);
		expect(plainText(words.banned.until(undefined, now))).toBe("You can't chat here anymore.");
	});

	test('the network comes before the link, and a ban has a page of its own', () => {
		expect(connectionTrouble({ name: 'ready', introduced: false }, true)).toBeUndefined();
		expect(connectionTrouble({ name: 'ready', introduced: false }, false)).toMatch(/offline/);
		expect(connectionTrouble({ name: 'lost', code: 1013, retryAt: 0 }, true)).toMatch(/full/);
		expect(connectionTrouble({ name: 'closed', code: 4003 }, true)).toBeUndefined();
	});

	test('a refusal says how long to wait', () => {
		const refused = { code: 'rate_limited', message: '', retryAfterMs: 2100 };
		expect(refusal(refused)).toBe('That was quick. Wait 3 seconds and try again.');
		expect(refusal({ code: 'newer', message: 'From the engine.' })).toBe('From the engine.');
	});
});
