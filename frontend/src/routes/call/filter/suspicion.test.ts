import { expect, test } from 'vitest';
import { isSuspect } from './suspicion.ts';

test.each([
	[[0.1, 0, 0.9, 0, 0], false, false],
	[[0.8, 0, 0.2, 0, 0], false, true],
	[[0, 0, 0.3, 0, 0.7], false, true],
	[[0, 0, 0.6, 0, 0.4], false, false],
	[[0, 0, 0.1, 0, 0.9], true, true],
	[[0, 0.25, 0.5, 0.25, 0], true, true],
	[[0, 0, 0.2, 0.8, 0], true, true],
] as const)('%j: %s, and for the careful %s', (kinds, suspect, forTheCareful) => {
	expect(isSuspect(kinds, false)).toBe(suspect);
	expect(isSuspect(kinds, true)).toBe(forTheCareful);
});
