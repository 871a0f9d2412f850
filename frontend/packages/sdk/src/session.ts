/**
 * The session as a pure state machine:
 *
 * ```text
 * connected → idle ⇄ queued → chatting → idle
 * ```
 *
 * On the wire a person is idle, queued or chatting. Two shades of idle are kept apart, because
 * people see something else in them: `over` (a chat ended and can still be read) and `unmatched`
 * (nobody was found). No clock, no socket and no chance in here: {@link step} is told the time,
 * and returns what to send.
 *
 * @module
 */
import * as chats from './chat.ts';
import type { Chat } from './chat.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import type {
	Banned,
	ClientMessage,
	Connected,
	Lane,
	Limits,
	Refusal,
	Searching,
	ServerMessage,
	Stats,
	Wishes,
} from './messages.ts';

/** The state of the connection. */
export type Link =
	| { readonly name: 'connecting' }
	| { readonly name: 'ready' }
	/** Lost; the next attempt is at `retryAt` (Unix ms). */
	| { readonly name: 'lost'; readonly code: number; readonly retryAt: number }
	/** Closed by the engine for good, with a WebSocket close code. */
	| { readonly name: 'closed'; readonly code: number };

/** Why a chat is over. `partner_lost`: their connection broke and they didn't come back. */
export type Ending = 'you_left' | 'partner_left' | 'partner_lost' | 'link_lost';

export interface Idle {
	readonly name: 'idle';
}

export interface Queued {
	readonly name: 'queued';
	readonly wishes: Wishes;
	readonly since: number;
	/** What the engine last said; absent until it has answered. */
	readonly search?: Searching;
	/** Queued by a skip that the engine has not answered: it may have come too late to count. */
	readonly bySkip: boolean;
}

export interface Chatting {
	readonly name: 'chatting';
	readonly wishes: Wishes;
	readonly chat: Chat;
}

export interface Over {
	readonly name: 'over';
	readonly wishes: Wishes;
	readonly chat: Chat;
	readonly ending: Ending;
}

export interface Unmatched {
	readonly name: 'unmatched';
	readonly wishes: Wishes;
	readonly waitedMs: number;
}

export interface Barred {
	readonly name: 'banned';
	readonly ban: Banned;
}

export type Phase = Idle | Queued | Chatting | Over | Unmatched | Barred;

export interface Session {
	readonly link: Link;
	readonly phase: Phase;
	readonly limits: Limits;
	/** The lanes that are open, where the engine says. */
	readonly lanes?: readonly Lane[];
	readonly stats?: Stats;
	/** The last refusal that is about no single message; forgotten at the next join. */
	readonly problem?: Refusal;
}

/** Everything that can happen to a session. */
export type Input =
	| { readonly kind: 'received'; readonly message: ServerMessage }
	| { readonly kind: 'link_lost'; readonly code: number; readonly retryInMs: number }
	| { readonly kind: 'link_closed'; readonly code: number }
	| { readonly kind: 'join'; readonly wishes: Wishes }
	| { readonly kind: 'leave' }
	| { readonly kind: 'skip'; readonly reason?: string }
	| { readonly kind: 'say'; readonly id: string; readonly content: string }
	/** The partner said "typing", and then nothing for too long. */
	| { readonly kind: 'typing_expired' }
	/** Back to idle from a chat that is over or a search that found nobody. */
	| { readonly kind: 'dismiss' };

/** The session after an input, and the messages it causes, in order. */
export interface Step {
	readonly session: Session;
	readonly send: readonly ClientMessage[];
}

export const NEW_SESSION: Session = {
	link: { name: 'connecting' },
	phase: { name: 'idle' },
	limits: DEFAULT_LIMITS,
};

/**
 * What `input`, arriving at `now` (Unix ms), makes of a session. An input that has no meaning in
 * the present state (a late frame, a second click) changes nothing and sends nothing.
 */
export function step(session: Session, input: Input, now: number): Step {
	const { phase } = session;
	switch (input.kind) {
		case 'received':
			return receive(session, input.message, now);
		case 'link_lost':
			return quiet(
				loseLink(session, { name: 'lost', code: input.code, retryAt: now + input.retryInMs }),
			);
		case 'link_closed':
			return quiet(loseLink(session, { name: 'closed', code: input.code }));
		case 'join':
			return join(session, input.wishes, now);
		case 'leave':
			return leave(session);
		case 'skip': {
			if (phase.name !== 'chatting') return quiet(session);
			const { roomId } = phase.chat;
			const data = { roomId, ...(input.reason !== undefined && { reason: input.reason }) };
			return {
				session: enter(session, queue(phase.wishes, now, true)),
				send: [{ type: 'skip', data }],
			};
		}
		case 'say': {
			if (phase.name !== 'chatting') return quiet(session);
			const { id, content } = input;
			const data = { content, id, roomId: phase.chat.roomId };
			return {
				session: enter(session, { ...phase, chat: chats.say(phase.chat, id, content, now) }),
				send: [{ type: 'message', data }],
			};
		}
		case 'typing_expired':
			return quiet(inChat(session, (chat) => chats.setTyping(chat, false)));
		case 'dismiss':
			return quiet(
				phase.name === 'over' || phase.name === 'unmatched'
					? enter(session, { name: 'idle' })
					: session,
			);
	}
}

function join(session: Session, wishes: Wishes, now: number): Step {
	if (session.phase.name === 'chatting' || session.phase.name === 'banned') return quiet(session);
	const { problem: _, ...rest } = session;
	return {
		session: enter(rest, queue(wishes, now, false)),
		// Without a connection the wishes wait for it.
		send: session.link.name === 'ready' ? [{ type: 'join', data: wishes }] : [],
	};
}

function leave(session: Session): Step {
	const { phase } = session;
	const send: ClientMessage[] = session.link.name === 'ready' ? [{ type: 'leave' }] : [];
	if (phase.name === 'queued') return { session: enter(session, { name: 'idle' }), send };
	if (phase.name === 'chatting') return { session: endChat(session, 'you_left'), send };
	return quiet(session);
}

function receive(session: Session, message: ServerMessage, now: number): Step {
	const { phase } = session;
	switch (message.type) {
		case 'connected':
			return welcome(session, message.data);
		case 'stats':
			return quiet({ ...session, stats: message.data });
		case 'searching':
			return quiet(search(session, message.data, now));
		case 'matched':
			// When idle, a `leave` is on its way that ends this room as well.
			if (phase.name !== 'queued') return quiet(session);
			return quiet(
				enter(session, {
					name: 'chatting',
					wishes: phase.wishes,
					chat: chats.openChat(message.data, now),
				}),
			);
		case 'match_timeout':
			if (phase.name !== 'queued') return quiet(session);
			return quiet(
				enter(session, {
					name: 'unmatched',
					wishes: phase.wishes,
					waitedMs: message.data.waitedMs,
				}),
			);
		case 'message':
			return quiet(inChat(session, (chat) => chats.hear(chat, message.data)));
		case 'message_ack':
			return quiet(inChat(session, (chat) => chats.acknowledge(chat, message.data)));
		case 'partner_typing':
			return quiet(inChat(session, (chat) => chats.setTyping(chat, message.data.isTyping)));
		case 'partner_reconnecting':
			return quiet(inChat(session, (chat) => chats.holdSeat(chat, message.data.graceMs, now)));
		case 'partner_resumed':
			return quiet(inChat(session, chats.freeSeat));
		case 'partner_skipped':
			return partnerGone(session, 'partner_left');
		case 'partner_disconnected': {
			const wasHeld = phase.name === 'chatting' && phase.chat.partnerHeldUntil !== undefined;
			return partnerGone(session, wasHeld ? 'partner_lost' : 'partner_left');
		}
		case 'moderation_warning':
			return quiet(inChat(session, (chat) => chats.warn(chat, message.data, now)));
		case 'banned':
			return quiet(enter(session, { name: 'banned', ban: message.data }));
		case 'error':
			return quiet(refused(session, message.data));
		default:
			// Signalling, toggles, reports and the rest are for those who listen to messages.
			return quiet(session);
	}
}

/** A greeting: whoever waits for the connection in the queue joins it now. */
function welcome(session: Session, { limits, lanes }: Connected): Step {
	const { phase } = session;
	const waits = phase.name === 'queued' && phase.search === undefined;
	return {
		session: {
			...session,
			link: { name: 'ready' },
			limits,
			...(lanes && { lanes }),
		},
		send: waits ? [{ type: 'join', data: phase.wishes }] : [],
	};
}

/** The engine knows best who searches: it may have ended a chat that this side thought it had. */
function search(session: Session, search: Searching, now: number): Session {
	const { phase } = session;
	if (phase.name === 'queued') return enter(session, { ...phase, search, bySkip: false });
	if (phase.name === 'chatting')
		return enter(session, { ...queue(phase.wishes, now, false), search });
	return session;
}

function partnerGone(session: Session, ending: Ending): Step {
	const { phase } = session;
	if (phase.name === 'chatting') return quiet(endChat(session, ending));
	// Both left at once, and the partner's word came first: this side's skip found no room.
	if (phase.name === 'queued' && phase.bySkip)
		return {
			session: enter(session, { ...phase, bySkip: false }),
			send: [{ type: 'join', data: phase.wishes }],
		};
	return quiet(session);
}

function refused(session: Session, refusal: Refusal): Session {
	const { phase } = session;
	if (phase.name === 'chatting') {
		// The echo of a race that the other side has settled already.
		if (refusal.code === 'in_chat') return session;
		if (refusal.id === undefined) return { ...session, problem: refusal };
		return inChat(session, (chat) => chats.refuse(chat, refusal));
	}
	const isAnswerToJoin =
		phase.name === 'queued' && phase.search === undefined && !STALE_CODES.has(refusal.code);
	return isAnswerToJoin ? { ...enter(session, { name: 'idle' }), problem: refusal } : session;
}

/** Codes that can only be about a frame of the state before. */
const STALE_CODES: ReadonlySet<string> = new Set(['not_in_chat', 'in_chat', 'not_in_queue']);

function loseLink(session: Session, link: Link): Session {
	const { phase } = session;
	const lost = { ...session, link };
	if (phase.name === 'chatting') return endChat(lost, 'link_lost');
	if (phase.name === 'queued')
		return enter(
			lost,
			link.name === 'lost' ? queue(phase.wishes, phase.since, false) : { name: 'idle' },
		);
	return lost;
}

function endChat(session: Session, ending: Ending): Session {
	const { phase } = session;
	if (phase.name !== 'chatting') return session;
	const { wishes, chat } = phase;
	return enter(session, { name: 'over', wishes, chat: chats.closeChat(chat), ending });
}

function inChat(session: Session, change: (chat: Chat) => Chat): Session {
	const { phase } = session;
	if (phase.name !== 'chatting') return session;
	const chat = change(phase.chat);
	return chat === phase.chat ? session : enter(session, { ...phase, chat });
}

function queue(wishes: Wishes, since: number, bySkip: boolean): Queued {
	return { name: 'queued', wishes, since, bySkip };
}

function enter(session: Session, phase: Phase): Session {
	return { ...session, phase };
}

function quiet(session: Session): Step {
	return { session, send: [] };
}
