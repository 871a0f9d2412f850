import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { laterWords, learnLaterWords } from './language.svelte.ts';
import { partsOf, reasonOf, ruleOf } from './rule.ts';

describe('the code of a ban', () => {
	it('is a kind, and what can be quoted in an appeal', () => {
		expect(partsOf('social_link-K7F3QX2D')).toEqual({ kind: 'social_link', appeal: 'K7F3QX2D' });
		expect(partsOf('too-many-reports-K7F3QX2D').kind).toBe('too-many-reports');
		expect(partsOf('spam')).toEqual({ kind: 'spam', appeal: undefined });
	});
});

describe('rules', () => {
	it('have words of their own, and none for what only the engine knows', async () => {
		await learnLaterWords();
		expect(reasonOf('harassment')).toBe('harassment');
		expect(ruleOf('harassment')).toBe('Be kind, or move on.');
		expect(reasonOf('newer')).toBeUndefined();
		expect(ruleOf('constructor')).toBeUndefined();
	});

	it('have words for each code that the engine ships, and no others', async () => {
		await learnLaterWords();
		const folder = '../engine/core/data/rules';
		const files = readdirSync(folder).filter((name) => name.endsWith('.toml'));
		const text = files.map((name) => readFileSync(`${folder}/${name}`, 'utf8')).join('\n');
		// Rules name one of these, or are refused when they are read.
		const codes = [...text.matchAll(/^\[code\.(\w+)\]/gm)].map(([, code]) => code);
		expect(codes).toContain('repetition');
		expect(Object.keys(laterWords.rules).sort()).toEqual([...codes].sort());
		// Reports of others ban as well, by no rule.
		expect(Object.keys(laterWords.reasons).sort()).toEqual([...codes, 'reported'].sort());
	});
});
