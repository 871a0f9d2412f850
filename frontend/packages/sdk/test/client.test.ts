/** The client over a socket that the test holds in its hand. */
import { Decoder, encode } from '@msgpack/msgpack';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
	ACK_DELAY_MS,
	DEFAULT_LIMITS,
	READ_DELAY_MS,
	RESUME_ANSWER_MS,
	RESUME_GRACE_MS,
	SUBPROTOCOL,
	TYPING_EXPIRY_MS,
	WhisperClient,
	type ServerMessage,
	type Wishes,
} from '../src/index.ts';

class FakeSocket extends EventTarget {
	static readonly all: FakeSocket[] = [];
	readonly sent: unknown[] = [];
	binaryType = '';
	readyState = 0;

	constructor(
		readonly url: string,
		readonly protocols: string[],
	) {
		super();
		FakeSocket.all.push(this);
	}

	static get last(): FakeSocket {
		return FakeSocket.all.at(-1) ?? expect.unreachable('no socket yet');
	}

	send(frame: Uint8Array): void {
		this.sent.push(new Decoder().decode(frame));
	}

	close(): void {
		this.readyState = 3;
	}

	/** The engine greets. */
	greet(more: object = {}): void {
		this.readyState = 1;
		const limits = DEFAULT_LIMITS;
		const data = { userId: 'u', resume: new Uint8Array(1), serverTime: 1, limits, ...more };
		this.say({ type: 'connected', data });
	}

	say(message: ServerMessage): void {
		this.frame(encode(message).slice().buffer);
	}

	frame(data: unknown): void {
		this.dispatchEvent(new MessageEvent('message', { data }));
	}

	end(code: number): void {
		this.readyState = 3;
		this.dispatchEvent(Object.assign(new Event('close'), { code }));
	}
}

const wishes: Wishes = {
	ageCategory: 'adult',
	mode: 'text',
	queueType: 'moderated',
	interests: [],
};
const matched: ServerMessage = {
	type: 'matched',
	data: {
		roomId: 'A',
		partnerId: 'p',
		mode: 'text',
		isInitiator: true,
		partnerInfo: { interests: [], sharedInterests: [] },
		tier: 'any',
		waitedMs: 1,
	},
};
const heard = (seq: number): ServerMessage => ({
	type: 'message',
	data: { id: 'x', senderId: 'p', content: 'Hi', timestamp: 1, seq, tag: new Uint8Array(16) },
});

function makeClient(hello?: { language: string }): WhisperClient {
	return new WhisperClient({
		url: 'ws://engine.example/ws',
		WebSocket: FakeSocket as unknown as typeof WebSocket,
		random: () => 0,
		...(hello && { hello }),
	});
}

function chatting(client = makeClient()): WhisperClient {
	client.join(wishes);
	FakeSocket.last.greet();
	FakeSocket.last.say(matched);
	FakeSocket.last.sent.length = 0;
	return client;
}

beforeEach(() => {
	vi.useFakeTimers();
	FakeSocket.all.length = 0;
});
afterEach(() => void vi.useRealTimers());

describe('WhisperClient', () => {
	it('connects with the sub-protocol, and joins when greeted', () => {
		const client = makeClient();
		client.join(wishes);
		expect(FakeSocket.last.protocols).toEqual([SUBPROTOCOL]);
		expect(FakeSocket.last.sent).toEqual([]);
		FakeSocket.last.greet();
		expect(FakeSocket.last.sent).toEqual([{ type: 'join', data: wishes }]);
	});

	it('says hello first, where it has something to say', () => {
		const client = makeClient({ language: 'fr' });
		client.join(wishes);
		FakeSocket.last.greet();
		expect(FakeSocket.last.sent).toMatchObject([{ type: 'hello' }, { type: 'join' }]);
	});

	it('comes back after a lost connection, and joins again', () => {
		const client = makeClient();
		client.join(wishes);
		FakeSocket.last.greet();
		FakeSocket.last.end(1006);
		expect(client.session.link.name).toBe('lost');
		vi.advanceTimersByTime(250);
		expect(FakeSocket.all).toHaveLength(2);
		FakeSocket.last.end(1006);
		vi.advanceTimersByTime(499);
		expect(FakeSocket.all).toHaveLength(2);
		vi.advanceTimersByTime(1);
		FakeSocket.last.greet();
		expect(FakeSocket.last.sent).toEqual([{ type: 'join', data: wishes }]);
	});

	it('stays away after a ban', () => {
		const client = makeClient();
		client.connect();
		FakeSocket.last.greet();
		FakeSocket.last.end(4003);
		vi.runAllTimers();
		expect(FakeSocket.all).toHaveLength(1);
		expect(client.session.link).toEqual({ name: 'closed', code: 4003 });
	});

	it('goes where and when the engine sends it', () => {
		makeClient().connect();
		const first = FakeSocket.last;
		first.greet();
		first.say({ type: 'reconnect', data: { afterMs: 900, url: 'wss://other.example/ws' } });
		vi.advanceTimersByTime(899);
		expect(FakeSocket.all).toHaveLength(1);
		vi.advanceTimersByTime(1);
		expect(FakeSocket.last.url).toBe('wss://other.example/ws');
		// Closing is the engine's: a close of ours would end the chat. It has until we are elsewhere.
		expect(first.readyState).toBe(1);
		FakeSocket.last.greet();
		expect(first.readyState).toBe(3);
	});

	it('hears nothing more of the connection that it was sent on from', () => {
		const client = chatting();
		const first = FakeSocket.last;
		client.introduce({ language: 'en' });
		first.say({ type: 'reconnect', data: { afterMs: 900 } });
		first.say({ type: 'partner_disconnected', data: {} });
		first.end(1012);
		expect(client.session.link).toMatchObject({ name: 'lost', code: 1012 });
		expect(client.session.phase).toMatchObject({ name: 'chatting', interruption: {} });
		vi.advanceTimersByTime(900);
		expect(FakeSocket.all).toHaveLength(2);
		FakeSocket.last.greet();
		expect(FakeSocket.last.sent).toMatchObject([
			{ type: 'hello', data: { resume: new Uint8Array(1), lastSeq: 0 } },
			{ type: 'ping' },
		]);
	});

	it('goes nowhere that is no WebSocket', () => {
		makeClient().connect();
		FakeSocket.last.greet();
		FakeSocket.last.say({ type: 'reconnect', data: { afterMs: 0, url: 'javascript:alert(1)' } });
		vi.advanceTimersByTime(0);
		expect(FakeSocket.last.url).toBe('ws://engine.example/ws');
	});

	it('drops what is not of the protocol, and goes on', () => {
		const client = makeClient();
		const complaints: string[] = [];
		client.on('malformed', (error) => complaints.push(error.message));
		client.connect();
		FakeSocket.last.frame('text');
		FakeSocket.last.frame(new Uint8Array([0xc1]).buffer);
		FakeSocket.last.greet();
		expect(complaints).toHaveLength(2);
		expect(client.session.link.name).toBe('ready');
	});

	it('says only what can be said', () => {
		const client = makeClient();
		expect(client.say('Hello')).toBe(false);
		chatting(client);
		expect(client.say(' \n ')).toBe(false);
		expect(client.say('x'.repeat(2001))).toBe(false);
		expect(client.say('𠮷'.repeat(2000))).toBe(true);
		expect(FakeSocket.last.sent).toMatchObject([{ data: { roomId: 'A' } }]);
	});

	it('names each message anew, within the limit', () => {
		const client = chatting();
		client.say('one');
		client.say('two');
		const ids = FakeSocket.last.sent.map(
			(message) => (message as { data: { id: string } }).data.id,
		);
		expect(new Set(ids).size).toBe(2);
		expect(ids[0]).toMatch(/^.{1,36}$/);
	});

	it('tells the room of the typing, and nothing after the chat', () => {
		const client = chatting();
		client.typing('H');
		client.leave();
		client.typing('He');
		vi.runOnlyPendingTimers();
		expect(FakeSocket.last.sent).toEqual([
			{ type: 'typing', data: { isTyping: true, roomId: 'A' } },
			{ type: 'leave' },
		]);
	});

	it('believes a partner who types for a while', () => {
		const client = chatting();
		FakeSocket.last.say({ type: 'partner_typing', data: { isTyping: true } });
		expect(client.session.phase).toMatchObject({ chat: { partnerIsTyping: true } });
		vi.advanceTimersByTime(TYPING_EXPIRY_MS);
		expect(client.session.phase).toMatchObject({ chat: { partnerIsTyping: false } });
	});

	it('acks after a hello, and not without', () => {
		chatting();
		FakeSocket.last.say(heard(1));
		vi.advanceTimersByTime(ACK_DELAY_MS);
		expect(FakeSocket.last.sent).toEqual([]);

		chatting(makeClient({ language: 'fr' }));
		FakeSocket.last.say(heard(1));
		FakeSocket.last.say(heard(2));
		vi.advanceTimersByTime(ACK_DELAY_MS);
		expect(FakeSocket.last.sent).toEqual([{ type: 'ack', data: { seq: 2 } }]);
	});

	describe('cut off in a chat', () => {
		function cutOff(): WhisperClient {
			const client = chatting(makeClient({ language: 'fr' }));
			client.say('Still there?');
			FakeSocket.last.end(1006);
			vi.advanceTimersByTime(250);
			FakeSocket.last.greet();
			return client;
		}

		it('asks for the session, and goes on where it was given back', () => {
			const client = cutOff();
			expect(FakeSocket.last.sent).toMatchObject([
				{ type: 'hello', data: { language: 'fr', resume: new Uint8Array(1), lastSeq: 0 } },
				{ type: 'ping' },
			]);
			FakeSocket.last.greet();
			FakeSocket.last.say({ type: 'pong', data: { timestamp: 1 } });
			vi.advanceTimersByTime(RESUME_GRACE_MS);
			expect(client.session.phase.name).toBe('chatting');
			expect(FakeSocket.last.sent).toMatchObject([{}, {}, { data: { content: 'Still there?' } }]);
		});

		it('gives up soon after an engine has answered, and has not given it back', () => {
			const client = cutOff();
			FakeSocket.last.say({ type: 'pong', data: { timestamp: 1 } });
			vi.advanceTimersByTime(RESUME_ANSWER_MS - 1);
			expect(client.session.phase.name).toBe('chatting');
			vi.advanceTimersByTime(1);
			expect(client.session.phase).toMatchObject({ name: 'over', ending: 'link_lost' });
		});

		it('gives up when the seat is no longer held', () => {
			const client = chatting(makeClient({ language: 'fr' }));
			FakeSocket.last.end(1006);
			vi.advanceTimersByTime(RESUME_GRACE_MS - 1);
			expect(client.session.phase.name).toBe('chatting');
			vi.advanceTimersByTime(1);
			expect(client.session.phase.name).toBe('over');
		});

		it('says nothing to a room that it is not in', () => {
			const client = cutOff();
			client.typing('H');
			client.read(3);
			client.toggle('audio', false);
			client.signal('offer', { sdp: '' });
			vi.advanceTimersByTime(READ_DELAY_MS);
			expect(FakeSocket.last.sent).toHaveLength(2);
		});
	});

	it('asks a full queue again when told to', () => {
		const client = makeClient();
		client.join(wishes);
		FakeSocket.last.greet();
		const data = { code: 'server_full', message: '', retryAfterMs: 3000 };
		FakeSocket.last.say({ type: 'error', data });
		vi.advanceTimersByTime(2999);
		expect(FakeSocket.last.sent).toHaveLength(1);
		vi.advanceTimersByTime(1);
		expect(FakeSocket.last.sent).toHaveLength(2);
		client.leave();
		expect(client.session.phase.name).toBe('idle');
	});

	it('tells seldom how far was read, and of the room', () => {
		const client = chatting();
		for (const seq of [1, 2, 2]) client.read(seq);
		vi.advanceTimersByTime(READ_DELAY_MS);
		client.read(2);
		vi.advanceTimersByTime(READ_DELAY_MS);
		expect(FakeSocket.last.sent).toEqual([{ type: 'read', data: { seq: 2, roomId: 'A' } }]);
	});

	it('passes signals and switches on, with the room', () => {
		const client = chatting();
		client.signal('answer', { sdp: 'v=0', type: 'answer' });
		client.toggle('video', false);
		expect(FakeSocket.last.sent).toEqual([
			{ type: 'answer', data: { sdp: 'v=0', type: 'answer', roomId: 'A' } },
			{ type: 'video_toggle', data: { enabled: false, roomId: 'A' } },
		]);
	});

	it('tells of every change, and of none where nothing changed', () => {
		const client = makeClient();
		const names: string[] = [];
		client.on('change', ({ phase }) => names.push(phase.name));
		chatting(client);
		client.leave();
		client.leave();
		client.dismiss();
		expect(names).toEqual(['queued', 'queued', 'chatting', 'over', 'idle']);
	});
});
