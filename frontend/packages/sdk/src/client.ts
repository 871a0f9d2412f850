/**
 * The whole client: a socket, the session it carries, and the few timers between them.
 *
 * @module
 */
import { AckSender } from './acks.ts';
import type { ProtocolError } from './checks.ts';
import { Emitter } from './emitter.ts';
import { countChars } from './limits.ts';
import type { ClientMessage, Hello, ServerMessage, Wishes } from './messages.ts';
import { NEW_SESSION, step, type Input, type Session } from './session.ts';
import { Socket, type SocketOptions } from './socket.ts';
import { TYPING_EXPIRY_MS, TypingSender } from './typing.ts';

export interface ClientOptions extends SocketOptions {
	/** What to say of oneself on every new connection. Without it the session works all the same. */
	readonly hello?: Omit<Hello, 'resume' | 'lastSeq'>;
}

export interface ClientEvents {
	/** The session after every change. */
	change: Session;
	/** Every message as it came, after the session took it in: signalling, receipts and the rest. */
	message: ServerMessage;
	/** A frame that is not of the protocol; it was dropped. */
	malformed: ProtocolError;
}

export class WhisperClient extends Emitter<ClientEvents> {
	readonly #hello: ClientOptions['hello'];
	readonly #socket: Socket;
	readonly #acks = new AckSender((seq) => this.#send({ type: 'ack', data: { seq } }));
	readonly #typing = new TypingSender((isTyping) => this.#sendTyping(isTyping));
	#typingExpiry: ReturnType<typeof setTimeout> | undefined;
	#session: Session = NEW_SESSION;

	constructor(options: ClientOptions) {
		super();
		this.#hello = options.hello;
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
		this.#socket.close();
		this.#step({ kind: 'link_closed', code: 1000 });
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
	 * Says something to the partner.
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

	/** To be called with the unsent text at every change of it. */
	typing(text: string): void {
		if (this.#session.phase.name === 'chatting') this.#typing.input(text);
	}

	/** From `over` or `unmatched` back to `idle`. */
	dismiss(): void {
		this.#step({ kind: 'dismiss' });
	}

	#receive(message: ServerMessage): void {
		if (message.type === 'reconnect') {
			this.#socket.moveTo(message.data.afterMs, message.data.url);
		}
		if (message.type === 'connected' && this.#hello) {
			this.#send({ type: 'hello', data: this.#hello });
		}
		const before = this.#session;
		this.#step({ kind: 'received', message });
		if (this.#session !== before) this.#startTimers(message);
		this.emit('message', message);
	}

	/** Timers that begin with a message that counted. */
	#startTimers(message: ServerMessage): void {
		if (message.type === 'message' && this.#hello) {
			this.#acks.received(message.data.seq);
		}
		if (message.type === 'partner_typing') {
			clearTimeout(this.#typingExpiry);
			if (!message.data.isTyping) return;
			const expire = (): void => this.#step({ kind: 'typing_expired' });
			this.#typingExpiry = setTimeout(expire, TYPING_EXPIRY_MS);
		}
	}

	#step(input: Input): void {
		const before = this.#session;
		const { session, send } = step(before, input, Date.now());
		this.#session = session;
		if (roomOf(before) !== roomOf(session)) this.#stopTimers();
		for (const message of send) this.#send(message);
		if (session !== before) this.emit('change', session);
	}

	/** Nothing of an old chat may reach into the next. */
	#stopTimers(): void {
		this.#acks.reset();
		this.#typing.reset();
		clearTimeout(this.#typingExpiry);
	}

	#sendTyping(isTyping: boolean): void {
		const roomId = roomOf(this.#session);
		if (roomId !== undefined) this.#send({ type: 'typing', data: { isTyping, roomId } });
	}

	#send(message: ClientMessage): void {
		this.#socket.send(message);
	}
}

function roomOf({ phase }: Session): string | undefined {
	return phase.name === 'chatting' ? phase.chat.roomId : undefined;
}

/** A message id: 128 bits of chance in 32 chars. Needs no secure context. */
function newId(): string {
	const random = crypto.getRandomValues(new Uint8Array(16));
	return Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
