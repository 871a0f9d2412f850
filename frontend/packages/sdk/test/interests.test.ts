import { describe, expect, it, test } from 'vitest';
import { addInterests, countChars, isTooLong, normalizeInterest } from '../src/index.ts';

describe('normalizeInterest', () => {
	test.each([
		['music', 'music'],
		['  Board   GAMES ', 'board games'],
		['board_games', 'board games'],
		['Sci-Fi', 'sci fi'],
		['sci\u{2011}fi', 'sci fi'],
		['#music', 'music'],
		['@anime!!!', 'anime'],
		['(the) Lord of the Rings…', 'the lord of the rings'],
		["rock'n'roll", 'rock n roll'],
		['rock ’n’ roll', 'rock n roll'],
		['R&B', 'r b'],
		['cats\tand\ndogs', 'cats and dogs'],
		['a | b ~ c ^ d', 'a b c d'],
		['a\u{3000}b\u{2800}c', 'a b c'],
		['「アニメ」・マンガ', 'アニメ マンガ'],
		['42', '42'],
		['C++', 'c++'],
		['c++17', 'c++17'],
		['C++/Java', 'c++ java'],
		['C#', 'c#'],
		['F# and C#!', 'f# and c#'],
		['Ｃ＃', 'c#'],
		['LGBTQ+', 'lgbtq+'],
		['18+', '18+'],
		['.NET', '.net'],
		['(.net)', '.net'],
		['c# .net', 'c# .net'],
		['A$AP Rocky', 'a$ap rocky'],
		['€', '€'],
		['rock+pop', 'rock pop'],
		['rock + pop', 'rock pop'],
		['c++java', 'c java'],
		['+1', '1'],
		['rock #pop', 'rock pop'],
		['node.js', 'node js'],
		['3.5', '3 5'],
		['dr. house', 'dr house'],
		['...net', 'net'],
		['. net', 'net'],
		['…net', 'net'],
		['c .++ d', 'c d'],
		['Ｍｕｓｉｃ', 'music'],
		['Cafe\u{301}', 'café'],
		['STRASSE', 'strasse'],
		['Straße', 'strasse'],
		['ΣΊΣΥΦΟΣ', 'σίσυφοσ'],
		['σίσυφος', 'σίσυφοσ'],
		['ﬁlm', 'film'],
		['İstanbul', 'i\u{307}stanbul'],
		['ﾏﾝｶﾞ', 'マンガ'],
		['МУЗЫКА', 'музыка'],
		['한국 음악', '한국 음악'],
		['mu\u{200b}sic', 'music'],
		['\u{feff}music\u{200f}\u{2060}', 'music'],
		['mu\u{ad}sic\u{0}\u{7f}\u{9c}', 'music'],
		['m\u{34f}usic\u{e0041}', 'music'],
		['\u{115f}music\u{ffa0}', 'music'],
		['e\u{200b}\u{301}', 'é'],
		['❤\u{fe0f}', '❤'],
		['👩\u{200d}💻', '👩💻'],
		['🎸', '🎸'],
		['', ''],
		[' ', ''],
		['\t\n', ''],
		['!?', ''],
		['...', ''],
		['#', ''],
		['++', ''],
		['\u{200b}', ''],
		['\u{3164}', ''],
		['“”', ''],
		['-_-', ''],
		['~^`', ''],
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

	it('knows what is too long before it is added', () => {
		expect(isTooLong('x'.repeat(33))).toBe(true);
		expect(isTooLong(`«${'x'.repeat(32)}» !`)).toBe(false);
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
