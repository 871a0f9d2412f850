import { fireEvent, render, screen } from '@testing-library/svelte';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import Composer from './Composer.svelte';

const onsay = vi.fn((content: string) => content !== 'refuse');
const ontype = vi.fn();
const field = () => screen.getByRole<HTMLTextAreaElement>('textbox');
const type = (value: string) => fireEvent.input(field(), { target: { value } });
const enter = (more: KeyboardEventInit = {}) =>
	fireEvent.keyDown(field(), { key: 'Enter', cancelable: true, ...more });

beforeEach(() => void vi.clearAllMocks());

function open(isOver = false): void {
	render(Composer, { isOver, charsMax: 2000, onsay, ontype });
}

describe('Composer', () => {
	it('sends with Enter and is empty then', async () => {
		open();
		await type('Hello');
		await enter();
		expect(onsay).toHaveBeenCalledWith('Hello');
		expect(field().value).toBe('');
	});

	it('keeps the draft where it could not be sent', async () => {
		open();
		await type('refuse');
		await enter();
		expect(field().value).toBe('refuse');
	});

	it('does not send with Shift+Enter, while composing, or when blank', async () => {
		open();
		await type('にほん');
		await enter({ shiftKey: true });
		await enter({ isComposing: true });
		await enter({ keyCode: 229 });
		await type('  ');
		await enter();
		expect(onsay).not.toHaveBeenCalled();
	});

	it('counts near the limit, and sends nothing beyond it', async () => {
		open();
		await type('x'.repeat(1799));
		expect(screen.queryByText(/left/)).toBeNull();
		await type('x'.repeat(1990));
		expect(screen.getByText('10 left')).toBeTruthy();
		await type('x'.repeat(2003));
		expect(screen.getByText('3 too many')).toBeTruthy();
		await enter();
		expect(onsay).not.toHaveBeenCalled();
	});

	it('tells of the typing', async () => {
		open();
		await type('H');
		expect(ontype).toHaveBeenCalledWith('H');
	});

	it('is read-only, not disabled, when the chat is over', () => {
		open(true);
		expect(field().readOnly).toBe(true);
		expect(field().disabled).toBe(false);
	});
});
