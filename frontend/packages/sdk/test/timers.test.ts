import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest';
import {
	ACK_DELAY_MS,
	ACK_MESSAGES_MAX,
	ProgressSender,
	rejoinDelayMs,
	retryDelayMs,
	TYPING_IDLE_MS,
	TYPING_REPEAT_MS,
	TypingSender,
} from '../src/index.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('ProgressSender', () => {
	const sent: number[] = [];
	const acks = new ProgressSender(ACK_MESSAGES_MAX, ACK_DELAY_MS, (seq) => sent.push(seq));

	afterEach(() => {
		acks.reset();
		sent.length = 0;
	});

	it('acks every sixteen messages at once', () => {
		for (let seq = 1; seq <= 2 * ACK_MESSAGES_MAX; seq += 1) acks.reached(seq);
		expect(sent).toEqual([16, 32]);
		vi.runAllTimers();
		expect(sent).toEqual([16, 32]);
	});

	it('acks fewer after five seconds from the first', () => {
		acks.reached(1);
		vi.advanceTimersByTime(ACK_DELAY_MS - 1);
		acks.reached(2);
		expect(sent).toEqual([]);
		vi.advanceTimersByTime(1);
		expect(sent).toEqual([2]);
	});

	it('tells nothing twice', () => {
		acks.reached(3);
		vi.runAllTimers();
		acks.reached(2);
		acks.reached(3);
		vi.runAllTimers();
		expect(sent).toEqual([3]);
	});

	it('owes nothing for a chat that is over', () => {
		acks.reached(1);
		acks.reset();
		vi.runAllTimers();
		expect(sent).toEqual([]);
	});
});

describe('TypingSender', () => {
	const sent: boolean[] = [];
	const typing = new TypingSender((isTyping) => sent.push(isTyping));

	afterEach(() => {
		typing.reset();
		sent.length = 0;
	});

	it('says so once, however many keys', () => {
		for (const text of ['H', 'He', 'Hel']) typing.input(text);
		expect(sent).toEqual([true]);
	});

	it('says so again while it goes on', () => {
		typing.input('H');
		vi.advanceTimersByTime(TYPING_REPEAT_MS);
		typing.input('He');
		expect(sent).toEqual([true, true]);
	});

	it('says the end after a pause', () => {
		typing.input('H');
		vi.advanceTimersByTime(TYPING_IDLE_MS);
		expect(sent).toEqual([true, false]);
	});

	it('says the end when all was deleted, and nothing where nothing was said', () => {
		typing.input('');
		expect(sent).toEqual([]);
		typing.input('H');
		typing.input('');
		expect(sent).toEqual([true, false]);
	});
});

describe('retryDelayMs', () => {
	test.each([
		[0, 1006, 250, 500],
		[1, 1006, 500, 1000],
		[3, 1012, 2000, 4000],
		[30, 1006, 15_000, 30_000],
		[0, 1013, 10_000, 20_000],
		[0, 4029, 30_000, 60_000],
	])('after %i failures and code %i waits %i to %i ms', (attempt, code, min, max) => {
		expect(retryDelayMs(attempt, code, 0)).toBe(min);
		expect(retryDelayMs(attempt, code, 1)).toBe(max);
	});

	test.each([1000, 1008, 4003, 4008])('does not try again after %i', (code) => {
		expect(retryDelayMs(0, code, 0.5)).toBeUndefined();
	});
});

test.each([
	[undefined, 5000],
	[40, 1000],
	[2500, 2500],
	[3_600_000, 60_000],
])('put off by %s ms, asks again after %i', (retryAfterMs, delayMs) => {
	expect(rejoinDelayMs(retryAfterMs)).toBe(delayMs);
});
