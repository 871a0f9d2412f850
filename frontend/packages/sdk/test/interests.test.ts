import { describe, expect, it, test } from 'vitest';
import { addInterests, countChars, normalizeInterest } from '../src/index.ts';

describe('normalizeInterest', () => {
	test.each([
		['Chess', 'chess'],
		['  Chess  ', 'chess'],
		['medieval \t falconry', 'medieval falconry'],
		['ﬁlm', 'film'],
		['Ｊａｚｚ', 'jazz'],
		['STRASSE', 'strasse'],
		['Straße', 'strasse'],
		['ΣΊΣΥΦΟΣ', 'σίσυφοσ'],
		['rock-climbing', 'rock climbing'],
		['"sci-fi"!', 'sci fi'],
		['c++', 'c++'],
		['日本語', '日本語'],
		['...', ''],
		['', ''],
	])('%j becomes %j', (typed, normal) => {
		expect(normalizeInterest(typed)).toBe(normal);
	});

	test.each(['Chess', 'Straße', 'ﬁlm', 'İstanbul', 'a-b  c', 'ΟΔΌΣ'])(
		'is stable for %j',
		(typed) => {
			const once = normalizeInterest(typed);
			expect(normalizeInterest(once)).toBe(once);
		},
	);
});

describe('addInterests', () => {
	it('parts at commas and lines, and merges what is the same', () => {
		expect(addInterests(['chess'], 'Jazz, CHESS,\ntea,,')).toEqual(['chess', 'jazz', 'tea']);
	});

	it('leaves out what is too long, counted in code points', () => {
		expect(addInterests([], 'x'.repeat(33))).toEqual([]);
		expect(addInterests([], '𠮷'.repeat(32))).toHaveLength(1);
	});

	it('stops at ten', () => {
		expect(addInterests([], 'a,b,c,d,e,f,g,h,i,j,k')).toHaveLength(10);
	});
});

test('countChars counts code points', () => {
	expect(countChars('')).toBe(0);
	expect(countChars('añ👋日')).toBe(4);
	expect(countChars('\ud83d')).toBe(1);
});
