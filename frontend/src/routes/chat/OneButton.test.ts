import { fireEvent, render, screen } from '@testing-library/svelte';
import { tick } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import OneButton from './OneButton.svelte';

const onstop = vi.fn();
const onnew = vi.fn();
const label = () => screen.getByRole('button').textContent.trim();
const press = () => fireEvent.click(screen.getByRole('button'));
const escape = (more: KeyboardEventInit = {}) =>
	fireEvent.keyDown(window, { key: 'Escape', cancelable: true, ...more });

beforeEach(() => {
	vi.useFakeTimers();
	vi.clearAllMocks();
});
afterEach(() => void vi.useRealTimers());

describe('OneButton', () => {
	it('asks before it stops, and then offers the next', async () => {
		const { rerender } = render(OneButton, { isOver: false, onstop, onnew });
		expect(label()).toBe('Stop');
		await press();
		expect(label()).toBe('Really?');
		expect(onstop).not.toHaveBeenCalled();
		await press();
		expect(onstop).toHaveBeenCalledOnce();
		await rerender({ isOver: true, onstop, onnew });
		expect(label()).toBe('New');
		await press();
		expect(onnew).toHaveBeenCalledOnce();
	});

	it('takes the question back after three seconds', async () => {
		render(OneButton, { isOver: false, onstop, onnew });
		await press();
		vi.advanceTimersByTime(2999);
		await tick();
		expect(label()).toBe('Really?');
		vi.advanceTimersByTime(1);
		await tick();
		expect(label()).toBe('Stop');
	});

	it('is stepped by Escape', async () => {
		render(OneButton, { isOver: false, onstop, onnew });
		await escape();
		expect(label()).toBe('Really?');
		await escape();
		expect(onstop).toHaveBeenCalledOnce();
	});

	it('is not stepped by a key held down, nor by one that ends a composition', async () => {
		render(OneButton, { isOver: false, onstop, onnew });
		await escape({ repeat: true });
		await escape({ isComposing: true });
		expect(label()).toBe('Stop');
	});

	it('does not take an open question over into the end of the chat', async () => {
		const { rerender } = render(OneButton, { isOver: false, onstop, onnew });
		await press();
		await rerender({ isOver: true, onstop, onnew });
		expect(label()).toBe('New');
		expect(onstop).not.toHaveBeenCalled();
	});
});
