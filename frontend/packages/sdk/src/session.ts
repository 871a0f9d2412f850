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
	Hello,
	IceServer,
	Lane,
	Limits,
	Refusal,
	Searching,
	ServerMessage,
	Stats,
	Wishes,
} from './messages.ts';
import { reportMessages, type ReportWish } from './report.ts';

/** The state of the connection. */
export type Link =
	| { readonly name: 'connecting' }
	/** `introduced`: the engine has been told who we are, where we said anything of ourselves. */
	| { readonly name: 'ready'; readonly introduced: boolean }
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
	/**
	 * The connection is gone, or the new one has not been given the chat yet. What is said until
	 * then waits.
	 */
	readonly interruption?: Interruption;
}

export interface Interruption {
	/** Unix ms. */
	readonly since: number;
	/** Brings the session back. */
	readonly token: Uint8Array;
	/** The session's name, by which its return is known. */
	readonly userId: string | undefined;
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
	/** What is said of oneself; without it no chat survives its connection. */
	readonly hello?: Hello;
	/** The token of the latest greeting. */
	readonly resume?: Uint8Array;
	/** The name in the latest greeting. */
	readonly userId?: string;
	readonly limits: Limits;
	/** The lanes that are open, where the engine says. */
	readonly lanes?: readonly Lane[];
	readonly iceServers?: readonly IceServer[];
	/** Only relayed candidates reach the partner. */
	readonly relayOnly: boolean;
	readonly stats?: Stats;
	/** What the engine wants solved before it lets anybody join. */
	readonly challenge?: Readonly<Record<string, unknown>>;
	/**
	 * The last refusal that is about no single message; forgotten at the next join, and once the
	 * queue has answered.
	 */
	readonly problem?: Refusal;
}

/** Everything that can happen to a session. */
export type Input =
	| { readonly kind: 'received'; readonly message: ServerMessage }
	| { readonly kind: 'link_lost'; readonly code: number; readonly retryInMs: number }
	| { readonly kind: 'link_closed'; readonly code: number }
	/** What is to be said of oneself, on this connection and the following. */
	| { readonly kind: 'introduce'; readonly hello: Hello }
	| { readonly kind: 'join'; readonly wishes: Wishes }
	/** The challenge is solved. */
	| { readonly kind: 'proved'; readonly proof: Uint8Array }
	/** Time to ask the queue again that put us off. */
	| { readonly kind: 'rejoin' }
	| { readonly kind: 'leave' }
	| { readonly kind: 'skip'; readonly reason?: string }
	| {
			readonly kind: 'say';
			readonly id: string;
			readonly content: string;
			/** The key of a refused entry that this stands for. */
			readonly replaces?: number;
	  }
	| { readonly kind: 'report'; readonly id: string; readonly wish: ReportWish }
	/** The partner said "typing", and then nothing for too long. */
	| { readonly kind: 'typing_expired' }
	/** The engine did not give the chat back in time. */
	| { readonly kind: 'resume_failed' }
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
	relayOnly: false,
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
				loseLink(session, { name: 'lost', code: input.code, retryAt: now + input.retryInMs }, now),
			);
		case 'link_closed':
			return quiet(loseLink(session, { name: 'closed', code: input.code }, now));
		case 'introduce':
			return quiet({ ...session, hello: input.hello });
		case 'join':
			return join(session, input.wishes, now);
		case 'proved':
			return proved(session, input.proof);
		case 'rejoin':
			return phase.name === 'queued' && phase.search === undefined
				? ask(session, phase.wishes)
				: quiet(session);
		case 'leave':
			return leave(session);
		case 'skip': {
			if (phase.name !== 'chatting') return quiet(session);
			if (phase.interruption) return join(endChat(session, 'you_left'), phase.wishes, now);
			const { roomId } = phase.chat;
			const data = { roomId, ...(input.reason !== undefined && { reason: input.reason }) };
			return {
				session: enter(session, queue(phase.wishes, now, true)),
				send: [{ type: 'skip', data }],
			};
		}
		case 'say': {
			if (phase.name !== 'chatting') return quiet(session);
			const { id, content, replaces } = input;
			const before = replaces === undefined ? phase.chat : chats.takeBack(phase.chat, replaces);
			const chat = chats.say(before, id, content, now);
			return {
				session: enter(session, { ...phase, chat }),
				// What is said into an interruption goes out when it is over.
				send: phase.interruption ? [] : [message(chat, { id, content })],
			};
		}
		case 'report':
			return report(session, input.id, input.wish);
		case 'typing_expired':
			return quiet(inChat(session, (chat) => chats.setTyping(chat, false)));
		case 'resume_failed':
			return quiet(
				phase.name === 'chatting' && phase.interruption ? endChat(session, 'link_lost') : session,
			);
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
	return ask(enter(withoutProblem(session), queue(wishes, now, false)), wishes);
}

/** Asks for the queue. Without a connection the wishes wait for it. */
function ask(session: Session, wishes: Wishes): Step {
	const { link, hello, challenge } = session;
	if (link.name !== 'ready' || challenge !== undefined) return quiet(session);
	const join: ClientMessage = { type: 'join', data: wishes };
	if (link.introduced || hello === undefined) return { session, send: [join] };
	return {
		session: { ...session, link: { name: 'ready', introduced: true } },
		send: [{ type: 'hello', data: hello }, join],
	};
}

/** Brings the proof, and then asks for what had to wait for it. */
function proved(session: Session, proof: Uint8Array): Step {
	const { challenge, ...proven } = session;
	const { link, phase, hello } = session;
	if (challenge === undefined || link.name !== 'ready') return quiet(session);
	const introduced: Session = { ...proven, link: { name: 'ready', introduced: true } };
	const waits = phase.name === 'queued' && phase.search === undefined;
	const asked = waits ? ask(introduced, phase.wishes) : quiet(introduced);
	const introduction: ClientMessage = { type: 'hello', data: { ...hello, proof } };
	return { session: asked.session, send: [introduction, ...asked.send] };
}

function message(
	chat: Chat,
	{ id, content }: Pick<chats.YourEntry, 'id' | 'content'>,
): ClientMessage {
	return { type: 'message', data: { content, id, roomId: chat.roomId } };
}

function report(session: Session, id: string, wish: ReportWish): Step {
	const { phase, link, limits } = session;
	if (phase.name !== 'chatting' && phase.name !== 'over') return quiet(session);
	const { chat } = phase;
	const isConnected =
		link.name === 'ready' && !(phase.name === 'chatting' && phase.interruption !== undefined);
	const state = isConnected ? 'sending' : 'failed';
	return {
		session: enter(session, {
			...phase,
			chat: { ...chat, report: { id, state, blocks: wish.block ?? false } },
		}),
		send: isConnected ? reportMessages(chat, id, wish, limits) : [],
	};
}

function leave(session: Session): Step {
	const { phase } = session;
	const send: ClientMessage[] = session.link.name === 'ready' ? [{ type: 'leave' }] : [];
	if (phase.name === 'queued') return { session: enter(session, { name: 'idle' }), send };
	if (phase.name === 'chatting')
		return { session: endChat(session, 'you_left'), send: phase.interruption ? [] : send };
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
		case 'partner_read':
			return quiet(inChat(session, (chat) => chats.markRead(chat, message.data.seq)));
		case 'partner_audio_toggle':
			return quiet(
				inChat(session, (chat) => chats.setMedia(chat, { audio: message.data.enabled })),
			);
		case 'partner_video_toggle':
			return quiet(
				inChat(session, (chat) => chats.setMedia(chat, { video: message.data.enabled })),
			);
		case 'report_received':
			return quiet(ofChat(session, (chat) => chats.answerReport(chat, message.data.id)));
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
			// Signalling and the rest are for those who listen to messages.
			return quiet(session);
	}
}

/**
 * A greeting: whoever waits for the connection in the queue joins it now, and a chat that was cut
 * off is asked for. A second greeting on one connection is the answer: the session is back where it
 * has its name, and over where it has another.
 */
function welcome(before: Session, terms: Connected): Step {
	const { phase } = before;
	const isSecond = before.link.name === 'ready';
	const { iceServers: _, challenge: __, ...kept } = before;
	const session: Session = {
		...kept,
		link: isSecond ? before.link : { name: 'ready', introduced: false },
		limits: terms.limits,
		resume: terms.resume,
		userId: terms.userId,
		relayOnly: terms.relayOnly ?? false,
		...(terms.lanes && { lanes: terms.lanes }),
		...(terms.iceServers && { iceServers: terms.iceServers }),
		...(terms.challenge && { challenge: terms.challenge }),
	};
	if (phase.name === 'queued' && phase.search === undefined) return ask(session, phase.wishes);
	if (phase.name !== 'chatting' || phase.interruption === undefined) return quiet(session);
	if (isSecond) {
		if (terms.userId !== phase.interruption.userId) return quiet(endChat(session, 'link_lost'));
		const { interruption: _, ...chatting } = phase;
		const again = chats.unanswered(phase.chat).map((entry) => message(phase.chat, entry));
		return { session: enter(session, chatting), send: again };
	}
	const hello = { resume: phase.interruption.token, lastSeq: phase.chat.heardSeq };
	return {
		session: { ...session, link: { name: 'ready', introduced: true } },
		// The pong tells that the token has been read, whatever came of it.
		send: [{ type: 'hello', data: { ...session.hello, ...hello } }, { type: 'ping' }],
	};
}

/** The engine knows best who searches: it may have ended a chat that this side thought it had. */
function search(session: Session, search: Searching, now: number): Session {
	const { phase } = session;
	if (phase.name === 'queued')
		return enter(withoutProblem(session), { ...phase, search, bySkip: false });
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
	const ofReport = ofChat(session, (chat) => chats.answerReport(chat, refusal.id, refusal));
	if (ofReport !== session) return ofReport;
	if (phase.name === 'chatting') {
		if (refusal.id !== undefined) return inChat(session, (chat) => chats.refuse(chat, refusal));
		return UNREMARKABLE_CODES.has(refusal.code) ? session : { ...session, problem: refusal };
	}
	const isAnswerToJoin =
		phase.name === 'queued' && phase.search === undefined && !STALE_CODES.has(refusal.code);
	if (!isAnswerToJoin) return session;
	const problem = { ...session, problem: refusal };
	return isForNow(refusal) ? problem : enter(problem, { name: 'idle' });
}

/** Codes that can only be about a frame of the state before. */
const STALE_CODES: ReadonlySet<string> = new Set(['not_in_chat', 'in_chat', 'not_in_queue']);

/**
 * Codes that in a chat are about nothing a person did: the echo of a race that the other side has
 * settled already, or a sign of typing too many.
 */
const UNREMARKABLE_CODES: ReadonlySet<string> = new Set([...STALE_CODES, 'rate_limited']);

/** Whether asking again, a little later, is all that it takes. */
export function isForNow({ code }: Refusal): boolean {
	return code === 'server_full' || code === 'rate_limited';
}

function loseLink(session: Session, link: Link, now: number): Session {
	const { phase, hello, resume, userId } = session;
	const lost = { ...session, link };
	const willRetry = link.name === 'lost';
	if (phase.name === 'chatting') {
		if (!willRetry || hello === undefined || resume === undefined)
			return endChat(lost, 'link_lost');
		// A second loss is of the same chat: the first token counts.
		const interruption = phase.interruption ?? { since: now, token: resume, userId };
		return enter(lost, { ...phase, interruption });
	}
	if (phase.name === 'queued')
		return enter(lost, willRetry ? queue(phase.wishes, phase.since, false) : { name: 'idle' });
	if (phase.name === 'over')
		return ofChat(lost, (chat) =>
			chat.report?.state === 'sending'
				? { ...chat, report: { ...chat.report, state: 'failed' } }
				: chat,
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

/** Like {@link inChat}, and after the chat too. */
function ofChat(session: Session, change: (chat: Chat) => Chat): Session {
	const { phase } = session;
	if (phase.name !== 'over') return inChat(session, change);
	const chat = change(phase.chat);
	return chat === phase.chat ? session : enter(session, { ...phase, chat });
}

function withoutProblem({ problem: _, ...session }: Session): Session {
	return session;
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
