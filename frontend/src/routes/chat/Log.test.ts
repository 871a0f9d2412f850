import { render, screen, within } from '@testing-library/svelte';
import type { Chat, Entry } from '@whisper/client';
import { expect, describe, it, vi } from 'vitest';
import Log from './Log.svelte';

const yours = {
	kind: 'yours',
	key: 1,
	id: 'a',
	content: 'Hello',
	at: 1,
	state: 'sending',
} as const;
const theirs = {
	kind: 'theirs',
	key: 2,
	content: '<b>bold</b> & more',
	at: 2,
	seq: 1,
	tag: new Uint8Array(16),
} as const;
const warning = { message: 'No numbers.', severity: 'medium', warnings: 1 } as const;

function chatOf(...entries: Entry[]): Chat {
	return {
		roomId: 'A',
		partnerId: 'p',
		mode: 'text',
		isInitiator: false,
		partnerInterests: [],
		sharedInterests: ['chess', 'tea'],
		tier: 'overlap',
		startedAt: 0,
		entries,
		partnerIsTyping: false,
		heardSeq: 0,
		partnerReadSeq: 0,
		partnerMedia: { audio: false, video: false },
		nextKey: 9,
	};
}

const does = {
	onread: vi.fn(),
	onagain: vi.fn(),
	onlink: vi.fn(),
	onreport: vi.fn(),
	onchange: vi.fn(),
};
const show = (chat: Chat, ending?: 'partner_left') => render(Log, { ...does, chat, ending });
const log = () => within(screen.getByRole('log'));

describe('Log', () => {
	it('tells additions only', () => {
		show(chatOf());
		expect(screen.getByRole('log').getAttribute('aria-relevant')).toBe('additions');
	});

	it('says what the two share', () => {
		show(chatOf());
		expect(screen.getByRole('heading').textContent).toBe('You both like chess and tea.');
	});

	it('shows text as text, and says who speaks', () => {
		show(chatOf(yours, theirs));
		expect(log().getByText('<b>bold</b> & more')).toBeTruthy();
		expect(screen.getByRole('log').querySelector('b')).toBeNull();
		expect(log().getByText('You:')).toBeTruthy();
		expect(log().getByText('They:')).toBeTruthy();
	});

	it('keeps the nodes of what was said when more is said or delivered', async () => {
		const { rerender } = show(chatOf(yours));
		const node = log().getByText('Hello');
		expect(log().getByRole('img', { name: 'sending' })).toBeTruthy();
		await rerender({ chat: chatOf({ ...yours, state: 'delivered', seq: 1 }, theirs) });
		expect(log().getByText('Hello')).toBe(node);
		expect(log().getByRole('img', { name: 'delivered' })).toBeTruthy();
	});

	it('shows in place what was blocked, and what was only warned about', async () => {
		const blocked = {
			...yours,
			state: 'refused',
			refusal: { code: 'blocked', message: '' },
			warning: { ...warning, code: 'profanity', blocked: true },
		} as const;
		const mild = { ...warning, code: 'newer', blocked: false };
		show(chatOf(blocked, { kind: 'warning', key: 3, at: 3, warning: mild }));
		expect(await log().findByText('Not sent. Mind your language.')).toBeTruthy();
		expect(await log().findByText('No numbers.')).toBeTruthy();
	});

	it('takes any key a stranger could send twice', () => {
		show(chatOf(theirs, { ...theirs, key: 3 }));
		expect(log().getAllByText('They:')).toHaveLength(2);
	});

	it('shows the last five hundred', () => {
		show(chatOf(...Array.from({ length: 600 }, (_, key) => ({ ...theirs, key }))));
		expect(log().getAllByText('They:')).toHaveLength(500);
	});

	it('says how it ended', () => {
		show(chatOf(theirs), 'partner_left');
		expect(screen.getByText('They left.')).toBeTruthy();
	});
});
