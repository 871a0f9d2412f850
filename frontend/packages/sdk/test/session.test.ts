import { describe, expect, it, test } from 'vitest';
import {
	DEFAULT_LIMITS,
	encode,
	NEW_SESSION,
	reportMessages,
	step,
	type ClientMessage,
	type Input,
	type Phase,
	type Report,
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

const connected = {
	type: 'connected',
	data: { userId: 'u', resume: new Uint8Array(1), serverTime: NOW, limits: DEFAULT_LIMITS },
} as const satisfies ServerMessage;
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

const heard = (room: string, content: string, seq = 1) =>
	({
		type: 'message',
		data: {
			id: 'theirs',
			senderId: `partner of ${room}`,
			content,
			timestamp: NOW,
			seq,
			tag: new Uint8Array(16),
		},
	}) satisfies ServerMessage;

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
		name: 'asks a full queue again, for it is full only for now',
		inputs: [connected, joins, refused('server_full'), { kind: 'rejoin' }],
		phase: 'queued',
		sent: [join, join],
	},
	{
		name: 'asks again only where it was put off',
		inputs: [connected, joins, searching, { kind: 'rejoin' }],
		phase: 'queued',
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
		const { session } = run(...inChat, heard('A', 'one'), heard('A', 'two', 2));
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
		const flood = Array.from({ length: 2100 }, (_, index) => heard('A', String(index), index + 1));
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

describe('who says hello', () => {
	const introduces: Input = { kind: 'introduce', hello: { language: 'fr' } };
	const hello: ClientMessage = { type: 'hello', data: { language: 'fr' } };
	const known = [introduces, connected, joins, searching, matched('A')] as const;
	const says = (id: string): Input => ({ kind: 'say', id, content: id });
	const asksBack: ClientMessage[] = [
		{ type: 'hello', data: { language: 'fr', resume: connected.data.resume, lastSeq: 1 } },
		{ type: 'ping' },
	];
	const stranger = { ...connected, data: { ...connected.data, userId: 'v' } };
	const cutOff = [...known, heard('A', 'one'), says('m1'), lost] as const;

	it('does so once on each connection, before the first join', () => {
		expect(run(introduces, connected).sent).toEqual([]);
		const { sent } = run(introduces, connected, joins, searching, lost, connected, joins);
		expect(sent).toEqual([hello, join, hello, join, join]);
	});

	it('keeps the chat when the connection is lost, and asks for it', () => {
		const { session, sent } = run(...cutOff, connected);
		expect(session.phase).toMatchObject({ name: 'chatting', interruption: { since: NOW } });
		expect(sent.slice(3)).toEqual(asksBack);
	});

	it('is back with the second greeting, and says again what was not answered', () => {
		const ack: ServerMessage = { type: 'message_ack', data: { id: 'm0', seq: 1 } };
		const inputs = [...known, says('m0'), ack, says('m1'), lost, says('m2')] as const;
		const { session, sent } = run(...inputs, connected, connected);
		expect(session.phase).not.toHaveProperty('interruption');
		expect(sent.slice(-2)).toEqual([
			{ type: 'message', data: { id: 'm1', content: 'm1', roomId: 'A' } },
			{ type: 'message', data: { id: 'm2', content: 'm2', roomId: 'A' } },
		]);
		// Into an interruption nothing is said.
		expect(sent.filter(({ type }) => type === 'message')).toHaveLength(4);
	});

	it('hears what was missed, and nothing twice', () => {
		const { session } = run(
			...cutOff,
			connected,
			connected,
			heard('A', 'one'),
			heard('A', 'two', 2),
		);
		const theirs = chatOf(session.phase).entries.filter(({ kind }) => kind === 'theirs');
		expect(theirs.map((entry) => 'content' in entry && entry.content)).toEqual(['one', 'two']);
	});

	it('asks with the first token, however often the connection breaks', () => {
		const other = { ...connected, data: { ...connected.data, resume: new Uint8Array([7]) } };
		const { sent } = run(...cutOff, other, lost, other);
		expect(sent.slice(3)).toEqual([...asksBack, ...asksBack]);
	});

	it.each<[string, readonly (Input | ServerMessage)[], string]>([
		['the engine does not give it back', [connected, { kind: 'resume_failed' }], 'link_lost'],
		['the engine takes us for somebody new', [stranger, stranger], 'link_lost'],
		['the engine closes for good', [{ kind: 'link_closed', code: 4003 }], 'link_lost'],
		['the person leaves meanwhile', [leaves], 'you_left'],
		['the partner left meanwhile', [connected, connected, gone], 'partner_left'],
	])('has no chat left where %s', (_, inputs, ending) => {
		const { session, sent } = run(...cutOff, ...inputs);
		expect(session.phase).toMatchObject({ name: 'over', ending });
		expect(sent).not.toContainEqual(leave);
	});

	it('does not give up a chat that is back', () => {
		const { session } = run(...cutOff, connected, connected, { kind: 'resume_failed' });
		expect(session.phase.name).toBe('chatting');
	});

	it('looks for the next instead of waiting for the chat', () => {
		const { session, sent } = run(...cutOff, skips, connected);
		expect(session.phase.name).toBe('queued');
		expect(sent.slice(3)).toEqual([hello, join]);
	});
});

describe('a report', () => {
	const reports: Input = { kind: 'report', id: 'r1', wish: { reason: 'spam', block: true } };
	const received: ServerMessage = { type: 'report_received', data: { id: 'r1' } };
	const state = (...inputs: readonly (Input | ServerMessage)[]) =>
		chatOf(run(...inputs).session.phase).report?.state;

	it('names the chat, in it and after it', () => {
		const expected = {
			type: 'report',
			data: { reason: 'spam', id: 'r1', roomId: 'A', block: true },
		};
		expect(run(...inChat, reports).sent.at(-1)).toEqual(expected);
		expect(run(...inChat, gone, reports).sent.at(-1)).toEqual(expected);
	});

	it('is confirmed, refused, or lost with the connection', () => {
		expect(state(...inChat, reports)).toBe('sending');
		expect(state(...inChat, reports, leaves, received)).toBe('received');
		expect(state(...inChat, reports, leaves, refused('no_report_target', 'r1'))).toBe('failed');
		expect(state(...inChat, reports, leaves, lost)).toBe('failed');
		expect(state(...inChat, gone, lost, reports)).toBe('failed');
	});

	it('brings the chosen messages, with what proves them', () => {
		const wish = { reason: 'spam', evidence: [1, 99] } as const;
		const { sent } = run(...inChat, heard('A', 'Buy'), { kind: 'report', id: 'r1', wish });
		expect(sent.at(-1)).toMatchObject({
			data: { evidence: [{ seq: 1, content: 'Buy', timestamp: NOW, tag: new Uint8Array(16) }] },
		});
	});

	it('parts long evidence into frames the engine takes, and sends the comment once', () => {
		const long = (seq: number) => heard('A', '𠮷'.repeat(2000), seq);
		const all = Array.from({ length: 24 }, (_, index) => index + 1);
		const { session } = run(...inChat, ...all.map(long));
		const wish = { reason: 'other', comment: 'All day', evidence: all } as const;
		const sent = reportMessages(chatOf(session.phase), 'r1', wish, DEFAULT_LIMITS);
		const data = sent.map((message) => (message as { data: Report }).data);
		expect(data.flatMap(({ evidence }) => evidence).map((piece) => piece?.seq)).toEqual(
			all.slice(4),
		);
		expect(data.filter(({ comment }) => comment !== undefined)).toHaveLength(1);
		expect(new Set(data.map(({ id }) => id))).toEqual(new Set(['r1']));
		for (const message of sent) expect(encode(message).length).toBeLessThanOrEqual(16 * 1024);
	});
});

describe('what the partner does', () => {
	it('is seen: reading, and switching devices', () => {
		const read = (seq: number): ServerMessage => ({ type: 'partner_read', data: { seq } });
		const { session } = run(...inChat, read(4), read(2), {
			type: 'partner_video_toggle',
			data: { enabled: true },
		});
		expect(chatOf(session.phase)).toMatchObject({
			partnerReadSeq: 4,
			partnerMedia: { audio: false, video: true },
		});
	});
});

describe('a message that was refused', () => {
	it('is said again in place of the refused one', () => {
		const says: Input = { kind: 'say', id: 'm1', content: 'Hi' };
		const again: Input = { kind: 'say', id: 'm2', content: 'Hi', replaces: 1 };
		const { session } = run(...inChat, says, refused('rate_limited', 'm1'), again);
		expect(chatOf(session.phase).entries).toMatchObject([{ id: 'm2', state: 'sending' }]);
	});

	it('is no trouble of the chat, nor is a sign of typing too many', () => {
		const { session } = run(...inChat, refused('rate_limited'), refused('in_chat'));
		expect(session).not.toHaveProperty('problem');
	});
});
