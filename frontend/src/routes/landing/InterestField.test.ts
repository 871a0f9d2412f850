import { fireEvent, render, screen } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';
import InterestField from './InterestField.svelte';

const field = () => screen.getByLabelText<HTMLInputElement>('What do you like?');
const chips = () => screen.queryAllByRole('listitem').map((item) => item.textContent.trim());

async function type(text: string): Promise<void> {
	await fireEvent.input(field(), { target: { value: text } });
}

describe('InterestField', () => {
	it('makes a chip with Enter, in normal form', async () => {
		render(InterestField, { interests: [] });
		await type('  Medieval   Falconry ');
		await fireEvent.keyDown(field(), { key: 'Enter' });
		expect(chips()).toEqual(['medieval falconry']);
		expect(field().value).toBe('');
	});

	it('makes a chip with a comma, by key or by soft keyboard', async () => {
		render(InterestField, { interests: [] });
		await type('chess');
		await fireEvent.keyDown(field(), { key: ',' });
		await type('jazz,');
		expect(chips()).toEqual(['chess', 'jazz']);
	});

	it('makes chips of a pasted list, once each', async () => {
		render(InterestField, { interests: ['chess'] });
		const clipboardData = { getData: () => 'Chess, jazz\ntea' };
		await fireEvent.paste(field(), { clipboardData });
		expect(chips()).toEqual(['chess', 'jazz', 'tea']);
	});

	it('takes the last chip out with Backspace, in an empty field only', async () => {
		render(InterestField, { interests: ['chess', 'jazz'] });
		await type('t');
		await fireEvent.keyDown(field(), { key: 'Backspace' });
		expect(chips()).toEqual(['chess', 'jazz']);
		await type('');
		await fireEvent.keyDown(field(), { key: 'Backspace' });
		expect(chips()).toEqual(['chess']);
	});

	it('takes a chip out by its button, and keeps the focus', async () => {
		render(InterestField, { interests: ['chess', 'jazz'] });
		await fireEvent.click(screen.getByRole('button', { name: 'Remove chess' }));
		expect(chips()).toEqual(['jazz']);
		expect(document.activeElement).toBe(field());
	});

	it('leaves Enter to the form when empty, and to the input method while composing', async () => {
		render(InterestField, { interests: [] });
		expect(await fireEvent.keyDown(field(), { key: 'Enter' })).toBe(true);
		await type('にほ');
		expect(await fireEvent.keyDown(field(), { key: 'Enter', isComposing: true })).toBe(true);
		expect(chips()).toEqual([]);
	});

	it('keeps what is too long for one, and says so', async () => {
		render(InterestField, { interests: [] });
		await type('x'.repeat(33));
		await fireEvent.keyDown(field(), { key: 'Enter' });
		expect(chips()).toEqual([]);
		expect(field().value).toHaveLength(33);
		expect(screen.getByText(/too long/)).toBeTruthy();
	});

	it('says when it is full', async () => {
		render(InterestField, { interests: Array.from({ length: 10 }, (_, index) => `i${index}`) });
		await type('one more,');
		expect(chips()).toHaveLength(10);
		expect(screen.getByText(/Ten is the most/)).toBeTruthy();
	});
});
