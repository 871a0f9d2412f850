import { expect, test } from 'vitest';
import { History, POINTS_MAX, quantile, Snapshot } from './figures.js';
import { parse } from './openmetrics.js';

const at = (seconds: number, text: string) => new Snapshot(seconds * 1000, parse(text));

test('sums over what is not asked for', () => {
	const now = at(0, 'a{reactor="0",tier="x"} 1\na{reactor="0",tier="y"} 2\na{reactor="1"} 4');
	expect(now.sum('a')).toBe(7);
	expect(now.sum('b')).toBe(0);
	expect([...now.by('a', 'reactor')]).toEqual([
		['0', 3],
		['1', 4],
	]);
	expect(now.by('a', 'reactor', 'tier').get('0 y')).toBe(2);
});

test('rates are of the last seconds alone', () => {
	const history = new History();
	expect(history.rate('a', 10)).toBe(0);
	history.add(at(0, 'a 1000'));
	expect(history.rate('a', 10)).toBe(0);
	for (const [seconds, value] of [
		[2, 1000],
		[4, 1010],
		[12, 1040],
	] as const)
		history.add(at(seconds, `a ${value}`));
	expect(history.rate('a', 10)).toBe(4);
	expect(history.growth('a', 3).get('')).toBe(0);
	expect(history.growth('a', 60).get('')).toBe(40);
});

test('an engine that was started anew has no past', () => {
	const history = new History();
	history.add(at(0, 'whisper_upgrades_total 9\na 100'));
	history.add(at(2, 'whisper_upgrades_total 1\na 10'));
	expect(history.rate('a', 10)).toBe(0);
	history.add(at(4, 'whisper_upgrades_total 1\na 14'));
	expect(history.rate('a', 10)).toBe(2);
});

test('a line is bounded', () => {
	const history = new History();
	let line: readonly { value: number }[] = [];
	for (let value = 0; value < POINTS_MAX + 5; value += 1) line = history.line('a', value);
	expect(line.length).toBe(POINTS_MAX);
	expect([line[0]?.value, line.at(-1)?.value]).toEqual([5, POINTS_MAX + 4]);
});

test('a share of a histogram lies within its bucket', () => {
	const buckets = new Map([
		['+Inf', 100],
		['0.1', 50],
		['0.2', 90],
	]);
	expect(quantile(buckets, 0.25)).toBeCloseTo(0.05);
	expect(quantile(buckets, 0.7)).toBeCloseTo(0.15);
	// Past the last bound nothing more is known.
	expect(quantile(buckets, 0.99)).toBe(0.2);
	expect(quantile(new Map(), 0.5)).toBeNaN();
	expect(quantile(new Map([['+Inf', 0]]), 0.5)).toBeNaN();
});
