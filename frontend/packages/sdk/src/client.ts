/**
 * The whole client: a socket, the session it carries, and the few timers between them.
 *
 * @module
 */
import type { ProtocolError } from './checks.ts';
import { Emitter } from './emitter.ts';
import { countChars } from './limits.ts';
import type {
	ClientMessage,
	ClientMessages,
	Hello,
	ServerMessage,
	Signal,
	Wishes,
} from './messages.ts';
import { ACK_DELAY_MS, ACK_MESSAGES_MAX, ProgressSender, READ_DELAY_MS } from './progress.ts';
import { rejoinDelayMs, RESUME_ANSWER_MS, RESUME_GRACE_MS } from './reconnect.ts';
import type { ReportWish } from './report.ts';
import { isForNow, NEW_SESSION, step, type Input, type Session } from './session.ts';
import { Socket, type SocketOptions } from './socket.ts';
import { TYPING_EXPIRY_MS, TypingSender } from './typing.ts';

/** What may be said of oneself. The rest of a `hello` is the client's own business. */
export type Introduction = Omit<Hello, 'resume' | 'lastSeq'>;

export interface ClientOptions extends SocketOptions {
	/** See {@link WhisperClient.introduce}. */
	readonly hello?: Introduction;
}

/** The steps of a call, as they travel. */
export type SignalType = 'offer' | 'answer' | 'ice_candidate';

export interface ClientEvents {
	/** The session after every change. */
	change: Session;
	/** Every message as it came, after the session took it in: signalling, receipts and the rest. */
	message: ServerMessage;
	/** A frame that is not of the protocol; it was dropped. */
	malformed: ProtocolError;
}

export class WhisperClient extends Emitter<ClientEvents> {
	readonly #socket: Socket;
	readonly #acks = new ProgressSender(ACK_MESSAGES_MAX, ACK_DELAY_MS, (seq) =>
		this.#send({ type: 'ack', data: { seq } }),
	);
	readonly #reads = new ProgressSender(Infinity, READ_DELAY_MS, (seq) =>
		this.#sendInRoom('read', { seq }),
	);
	readonly #typing = new TypingSender((isTyping) => this.#sendInRoom('typing', { isTyping }));
	/** One timer a purpose: starting it again ends the one before. */
	readonly #timers = new Map<TimerName, ReturnType<typeof setTimeout>>();
	#session: Session = NEW_SESSION;
	/** Ends the work on a challenge of an earlier connection. */
	#working = new AbortController();

	constructor(options: ClientOptions) {
		super();
		if (options.hello) this.introduce(options.hello);
		this.#socket = new Socket(options);
		this.#socket.on('message', (message) => this.#receive(message));
		this.#socket.on('malformed', (error) => this.emit('malformed', error));
		this.#socket.on('lost', (lost) => this.#step({ kind: 'link_lost', ...lost }));
		this.#socket.on('closed', (closed) => this.#step({ kind: 'link_closed', ...closed }));
	}

	/** The session as it is now: an immutable value. */
	get session(): Session {
		return this.#session;
	}

	/** Connects, or tries again at once. Does nothing while connected. */
	connect(): void {
		this.#socket.connect();
	}

	/** Ends the connection. The session is lost; {@link connect} begins a new one. */
	close(): void {
		this.#working.abort();
		this.#socket.close();
		this.#step({ kind: 'link_closed', code: 1000 });
	}

	/**
	 * Says something of oneself, from the next join on: the language, so that people of the same one
	 * can be asked for, and what tells this device from others. A chat then also outlives its
	 * connection for a while, where the engine keeps the seat.
	 */
	introduce(hello: Introduction): void {
		this.#step({ kind: 'introduce', hello });
	}

	/** Joins the queue, as soon as there is a connection. While queued it replaces the wishes. */
	join(wishes: Wishes): void {
		this.connect();
		this.#step({ kind: 'join', wishes });
	}

	/** Leaves the queue or the chat. */
	leave(): void {
		this.#step({ kind: 'leave' });
	}

	/** Ends the chat and joins the queue again with the same wishes. */
	skip(reason?: string): void {
		this.#step({ kind: 'skip', ...(reason !== undefined && { reason }) });
	}

	/**
	 * Says something to the partner. While the connection is being mended it waits.
	 *
	 * @returns false where it could not be said: no chat, nothing in it, or too long
	 */
	say(content: string): boolean {
		const { phase, limits } = this.#session;
		const isSayable = content.trim() !== '' && countChars(content) <= limits.contentChars;
		if (phase.name !== 'chatting' || !isSayable) return false;
		this.#typing.reset();
		this.#step({ kind: 'say', id: newId(), content });
		return true;
	}

	/** Says again what was refused: `key` is that of the entry, whose place this takes. */
	sayAgain(key: number): void {
		const { phase } = this.#session;
		if (phase.name !== 'chatting') return;
		const entry = phase.chat.entries.find((entry) => entry.key === key);
		if (entry?.kind !== 'yours' || entry.state !== 'refused') return;
		this.#step({ kind: 'say', id: newId(), content: entry.content, replaces: key });
	}

	/** To be called with the unsent text at every change of it. */
	typing(text: string): void {
		if (this.#session.phase.name === 'chatting') this.#typing.input(text);
	}

	/** The person has seen the partner's messages up to `seq`. */
	read(seq: number): void {
		if (this.#session.phase.name === 'chatting') this.#reads.reached(seq);
	}

	/** Reports the partner of the present chat, or of the one that is over. */
	report(wish: ReportWish): void {
		this.#step({ kind: 'report', id: newId(), wish });
	}

	/** Tells the partner that the microphone or the camera went on or off. */
	toggle(device: 'audio' | 'video', enabled: boolean): void {
		this.#sendInRoom(`${device}_toggle`, { enabled });
	}

	/** Sends one step of setting up a call. */
	signal(type: SignalType, data: Signal): void {
		this.#sendInRoom(type, data);
	}

	/** From `over` or `unmatched` back to `idle`. */
	dismiss(): void {
		this.#step({ kind: 'dismiss' });
	}

	#receive(message: ServerMessage): void {
		if (message.type === 'reconnect') {
			this.#socket.moveTo(message.data.afterMs, message.data.url);
		}
		const before = this.#session;
		this.#step({ kind: 'received', message });
		this.#startTimers(message, before);
		if (message.type === 'connected') void this.#prove(message.data.challenge);
		this.emit('message', message);
	}

	/** Works on what the engine wants solved, if anything. */
	async #prove(challenge?: Session['challenge']): Promise<void> {
		this.#working.abort();
		if (!challenge) return;
		const { signal } = (this.#working = new AbortController());
		// Loaded by those who are asked for it.
		const { prove } = await import('./challenge/index.ts');
		const proof = await prove(challenge, signal);
		if (proof && !signal.aborted) this.#step({ kind: 'proved', proof });
	}

	/** Timers that begin with a message that counted. */
	#startTimers(message: ServerMessage, before: Session): void {
		const { phase, hello } = this.#session;
		if (message.type === 'pong' && isInterrupted(this.#session)) {
			this.#startTimer('resume', { kind: 'resume_failed' }, RESUME_ANSWER_MS);
		}
		if (this.#session === before) return;
		if (message.type === 'message' && hello) this.#acks.reached(message.data.seq);
		if (message.type === 'partner_typing') {
			this.#stopTimer('typing');
			if (!message.data.isTyping) return;
			this.#startTimer('typing', { kind: 'typing_expired' }, TYPING_EXPIRY_MS);
		}
		if (message.type === 'error' && phase.name === 'queued' && isForNow(message.data)) {
			this.#startTimer('rejoin', { kind: 'rejoin' }, rejoinDelayMs(message.data.retryAfterMs));
		}
	}

	#step(input: Input): void {
		const before = this.#session;
		const { session, send } = step(before, input, Date.now());
		this.#session = session;
		if (roomOf(before) !== roomOf(session)) this.#forgetRoom();
		if (isInterrupted(before) !== isInterrupted(session)) this.#interrupted(isInterrupted(session));
		if (session.phase.name !== 'queued') this.#stopTimer('rejoin');
		for (const message of send) this.#send(message);
		if (session !== before) this.emit('change', session);
	}

	#interrupted(isInterrupted: boolean): void {
		this.#typing.reset();
		if (isInterrupted) this.#startTimer('resume', { kind: 'resume_failed' }, RESUME_GRACE_MS);
		else this.#stopTimer('resume');
	}

	/** Nothing of an old chat may reach into the next. */
	#forgetRoom(): void {
		this.#acks.reset();
		this.#reads.reset();
		this.#typing.reset();
		this.#stopTimer('typing');
	}

	#startTimer(name: TimerName, input: Input, delayMs: number): void {
		this.#stopTimer(name);
		this.#timers.set(
			name,
			setTimeout(() => this.#step(input), delayMs),
		);
	}

	#stopTimer(name: TimerName): void {
		clearTimeout(this.#timers.get(name));
	}

	/** Sends what only means something in the present chat, and says which chat that is. */
	#sendInRoom<Type extends InRoomType>(
		type: Type,
		data: Omit<ClientMessages[Type], 'roomId'>,
	): void {
		const roomId = roomOf(this.#session);
		if (roomId === undefined || isInterrupted(this.#session)) return;
		this.#send({ type, data: { ...data, roomId } } as ClientMessage);
	}

	#send(message: ClientMessage): void {
		this.#socket.send(message);
	}
}

type TimerName = 'typing' | 'resume' | 'rejoin';
type InRoomType = 'read' | 'typing' | 'audio_toggle' | 'video_toggle' | SignalType;

function roomOf({ phase }: Session): string | undefined {
	return phase.name === 'chatting' ? phase.chat.roomId : undefined;
}

function isInterrupted({ phase }: Session): boolean {
	return phase.name === 'chatting' && phase.interruption !== undefined;
}

/** A message id: 128 bits of chance in 32 chars. Needs no secure context. */
function newId(): string {
	const random = crypto.getRandomValues(new Uint8Array(16));
	return Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
