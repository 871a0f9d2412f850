import { describe, expect, it, test } from 'vitest';
import {
	DEFAULT_LIMITS,
	NEW_SESSION,
	step,
	type ClientMessage,
	type Input,
	type Phase,
	type ServerMessage,
	type Session,
	type Wishes,
} from '../src/index.ts';

const NOW = 1_750_000_000_000;

const wishes: Wishes = {
	ageCategory: 'adult',
	mode: 'text',
	queueType: 'moderated',
	interests: ['chess'],
};

const connected: ServerMessage = {
	type: 'connected',
	data: { userId: 'u', resume: new Uint8Array(1), serverTime: NOW, limits: DEFAULT_LIMITS },
};
const searching: ServerMessage = {
	type: 'searching',
	data: { position: 0, estimatedTime: 400, tier: 'exact' },
};
const gone: ServerMessage = { type: 'partner_skipped', data: {} };
const cut: ServerMessage = { type: 'partner_disconnected', data: {} };
const joins: Input = { kind: 'join', wishes };
const leaves: Input = { kind: 'leave' };
const skips: Input = { kind: 'skip' };
const lost: Input = { kind: 'link_lost', code: 1006, retryInMs: 700 };

const matched = (room: string): ServerMessage => ({
	type: 'matched',
	data: {
		roomId: room,
		partnerId: `partner of ${room}`,
		mode: 'text',
		isInitiator: false,
		partnerInfo: { interests: ['chess', 'tea'], sharedInterests: ['chess'] },
		tier: 'single',
		waitedMs: 12,
	},
});

const heard = (room: string, content: string): ServerMessage => ({
	type: 'message',
	data: {
		id: 'theirs',
		senderId: `partner of ${room}`,
		content,
		timestamp: NOW,
		seq: 1,
		tag: new Uint8Array(16),
	},
});

const refused = (code: string, id?: string): ServerMessage => ({
	type: 'error',
	data: { code, message: code, ...(id !== undefined && { id }) },
});

const warned = (blocked: boolean): ServerMessage => ({
	type: 'moderation_warning',
	data: { message: 'A number', severity: 'low', code: 'phone', warnings: 1, blocked },
});

/** Runs inputs, or messages received, from a new session on. */
function run(...inputs: readonly (Input | ServerMessage)[]): {
	session: Session;
	sent: ClientMessage[];
} {
	let session = NEW_SESSION;
	const sent: ClientMessage[] = [];
	for (const input of inputs) {
		const event: Input = 'kind' in input ? input : { kind: 'received', message: input };
		const next = step(session, event, NOW);
		session = next.session;
		sent.push(...next.send);
	}
	return { session, sent };
}

function chatOf(phase: Phase) {
	if (phase.name !== 'chatting' && phase.name !== 'over') throw new Error(`no chat: ${phase.name}`);
	return phase.chat;
}

const inChat = [connected, joins, searching, matched('A')] as const;
const join: ClientMessage = { type: 'join', data: wishes };
const leave: ClientMessage = { type: 'leave' };
const skip = (roomId: string): ClientMessage => ({ type: 'skip', data: { roomId } });

interface Row {
	readonly name: string;
	readonly inputs: readonly (Input | ServerMessage)[];
	readonly phase: Phase['name'];
	readonly sent: readonly ClientMessage[];
}

const rows: readonly Row[] = [
	{ name: 'connects', inputs: [connected], phase: 'idle', sent: [] },
	{ name: 'joins', inputs: [connected, joins], phase: 'queued', sent: [join] },
	{
		name: 'joins before it is connected',
		inputs: [joins, connected],
		phase: 'queued',
		sent: [join],
	},
	{
		name: 'replaces its wishes',
		inputs: [connected, joins, searching, joins],
		phase: 'queued',
		sent: [join, join],
	},
	{
		name: 'cancels',
		inputs: [connected, joins, searching, leaves],
		phase: 'idle',
		sent: [join, leave],
	},
	{
		name: 'cancels before it is connected',
		inputs: [joins, leaves, connected],
		phase: 'idle',
		sent: [],
	},
	{ name: 'is matched', inputs: inChat, phase: 'chatting', sent: [join] },
	{
		name: 'finds nobody',
		inputs: [connected, joins, searching, { type: 'match_timeout', data: { waitedMs: 30_000 } }],
		phase: 'unmatched',
		sent: [join],
	},
	{ name: 'leaves a chat', inputs: [...inChat, leaves], phase: 'over', sent: [join, leave] },
	{
		name: 'leaves a chat once',
		inputs: [...inChat, leaves, leaves],
		phase: 'over',
		sent: [join, leave],
	},
	{
		name: 'looks for the next after a chat',
		inputs: [...inChat, leaves, joins],
		phase: 'queued',
		sent: [join, leave, join],
	},
	{
		name: 'does not join from a chat',
		inputs: [...inChat, joins],
		phase: 'chatting',
		sent: [join],
	},
	{ name: 'skips', inputs: [...inChat, skips], phase: 'queued', sent: [join, skip('A')] },
	{
		name: 'skips once',
		inputs: [...inChat, skips, skips],
		phase: 'queued',
		sent: [join, skip('A')],
	},
	{ name: 'is left', inputs: [...inChat, gone], phase: 'over', sent: [join] },
	{
		name: 'reads on, then goes back',
		inputs: [...inChat, gone, { kind: 'dismiss' }],
		phase: 'idle',
		sent: [join],
	},
	{
		name: 'skips while the partner skips, whose word comes first',
		inputs: [...inChat, skips, gone],
		phase: 'queued',
		sent: [join, skip('A'), join],
	},
	{
		name: 'skips while the partner skips, and was heard already',
		inputs: [...inChat, skips, searching, gone],
		phase: 'queued',
		sent: [join, skip('A')],
	},
	{
		name: 'is matched anew after both skipped',
		inputs: [...inChat, skips, gone, searching, matched('B'), refused('in_chat')],
		phase: 'chatting',
		sent: [join, skip('A'), join],
	},
	{
		name: 'cancels while a match is on its way',
		inputs: [connected, joins, searching, leaves, matched('A')],
		phase: 'idle',
		sent: [join, leave],
	},
	{
		name: 'is sent back to the queue by the engine',
		inputs: [...inChat, searching],
		phase: 'queued',
		sent: [join],
	},
	{
		name: 'loses the connection while idle',
		inputs: [connected, lost, connected],
		phase: 'idle',
		sent: [],
	},
	{
		name: 'loses the connection in the queue',
		inputs: [connected, joins, searching, lost],
		phase: 'queued',
		sent: [join],
	},
	{
		name: 'joins again after a reconnect',
		inputs: [connected, joins, searching, lost, connected],
		phase: 'queued',
		sent: [join, join],
	},
	{
		name: 'is in the queue no more after a final close',
		inputs: [connected, joins, { kind: 'link_closed', code: 4008 }],
		phase: 'idle',
		sent: [join],
	},
	{
		name: 'loses the connection in a chat',
		inputs: [...inChat, lost, connected],
		phase: 'over',
		sent: [join],
	},
	{
		name: 'is refused by the queue',
		inputs: [connected, joins, refused('lane_closed')],
		phase: 'idle',
		sent: [join],
	},
	{
		name: 'ignores a stale refusal',
		inputs: [connected, joins, refused('not_in_chat')],
		phase: 'queued',
		sent: [join],
	},
	{
		name: 'is banned',
		inputs: [
			...inChat,
			{ type: 'banned', data: { reason: 'spam', code: 'K7Q-2F' } },
			{ kind: 'link_closed', code: 4003 },
			joins,
		],
		phase: 'banned',
		sent: [join],
	},
];

test.each(rows)('$name', ({ inputs, phase, sent }) => {
	const result = run(...inputs);
	expect(result.session.phase.name).toBe(phase);
	expect(result.sent).toEqual(sent);
});

describe('late frames of an old room', () => {
	const inSecond = [...inChat, skips, searching, matched('B')] as const;

	test.each<[string, ServerMessage]>([
		['a message', heard('A', 'late')],
		['an ack', { type: 'message_ack', data: { id: 'old', seq: 9 } }],
		['a refusal', refused('blocked', 'old')],
	])('%s changes nothing', (_, late) => {
		expect(run(...inSecond, late).session).toEqual(run(...inSecond).session);
	});

	test.each<[string, ServerMessage]>([
		['a message', heard('A', 'late')],
		['typing', { type: 'partner_typing', data: { isTyping: true } }],
		['a warning', warned(false)],
		['a farewell', gone],
	])('%s changes nothing in the queue', (_, late) => {
		const queued = [...inChat, skips, searching] as const;
		expect(run(...queued, late)).toEqual(run(...queued));
	});
});

describe('a chat', () => {
	const says: Input = { kind: 'say', id: 'm1', content: 'Hello' };

	it('says the room with every message', () => {
		expect(run(...inChat, says).sent.at(-1)).toEqual({
			type: 'message',
			data: { content: 'Hello', id: 'm1', roomId: 'A' },
		});
	});

	it('marks a message as delivered', () => {
		const { session } = run(...inChat, says, { type: 'message_ack', data: { id: 'm1', seq: 1 } });
		expect(chatOf(session.phase).entries).toMatchObject([{ id: 'm1', state: 'delivered', seq: 1 }]);
	});

	it('shows a refusal where it belongs, with the warning that came before it', () => {
		const { session } = run(...inChat, says, warned(true), refused('blocked', 'm1'));
		expect(chatOf(session.phase).entries).toMatchObject([
			{ id: 'm1', state: 'refused', refusal: { code: 'blocked' }, warning: { code: 'phone' } },
		]);
	});

	it('shows a mere warning in place, and the message as delivered', () => {
		const { session } = run(...inChat, says, warned(false));
		expect(chatOf(session.phase).entries.map(({ kind }) => kind)).toEqual(['yours', 'warning']);
	});

	it('gives every entry a key of its own, whatever ids a stranger sends', () => {
		const { session } = run(...inChat, heard('A', 'one'), heard('A', 'two'));
		const keys = chatOf(session.phase).entries.map(({ key }) => key);
		expect(new Set(keys).size).toBe(2);
	});

	it('takes a message as the end of typing', () => {
		const typing: ServerMessage = { type: 'partner_typing', data: { isTyping: true } };
		expect(chatOf(run(...inChat, typing).session.phase).partnerIsTyping).toBe(true);
		const after = run(...inChat, typing, heard('A', 'there')).session;
		expect(chatOf(after.phase).partnerIsTyping).toBe(false);
		const expired = run(...inChat, typing, { kind: 'typing_expired' }).session;
		expect(chatOf(expired.phase).partnerIsTyping).toBe(false);
	});

	it('leaves unsent what was on its way when it ended', () => {
		const { session } = run(...inChat, says, lost);
		expect(session.phase).toMatchObject({ name: 'over', ending: 'link_lost' });
		expect(chatOf(session.phase).entries).toMatchObject([{ state: 'unsent' }]);
	});

	it('tells one who left from one who was lost', () => {
		const held: ServerMessage = { type: 'partner_reconnecting', data: { graceMs: 20_000 } };
		const back: ServerMessage = { type: 'partner_resumed', data: {} };
		expect(run(...inChat, cut).session.phase).toMatchObject({ ending: 'partner_left' });
		expect(run(...inChat, held, cut).session.phase).toMatchObject({ ending: 'partner_lost' });
		expect(run(...inChat, held, back, cut).session.phase).toMatchObject({ ending: 'partner_left' });
		expect(chatOf(run(...inChat, held).session.phase).partnerHeldUntil).toBe(NOW + 20_000);
	});

	it('forgets its oldest entries past two thousand', () => {
		const flood = Array.from({ length: 2100 }, (_, index) => heard('A', String(index)));
		const { entries } = chatOf(run(...inChat, ...flood).session.phase);
		expect(entries).toHaveLength(2000);
		expect(entries[0]).toMatchObject({ content: '100' });
	});
});

it('keeps the wait of a search over a reconnect', () => {
	let { session } = run(connected, joins, searching);
	session = step(session, lost, NOW + 5000).session;
	expect(session.phase).toMatchObject({ since: NOW });
	expect(session.link).toEqual({ name: 'lost', code: 1006, retryAt: NOW + 5700 });
});

it('forgets a problem at the next join', () => {
	const { session } = run(connected, joins, refused('server_full'));
	expect(session.problem?.code).toBe('server_full');
	expect(step(session, joins, NOW).session.problem).toBeUndefined();
});
