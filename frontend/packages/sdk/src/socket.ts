/**
 * A WebSocket that speaks messages and keeps itself connected. It knows nothing of chats.
 *
 * @module
 */
import { ProtocolError } from './checks.ts';
import { decode, encode, SUBPROTOCOL } from './codec.ts';
import { Emitter } from './emitter.ts';
import type { ClientMessage, ServerMessage } from './messages.ts';
import { retryDelayMs } from './reconnect.ts';

export interface SocketEvents {
	message: ServerMessage;
	/** A frame that is not of the protocol; it was dropped. */
	malformed: ProtocolError;
	/** The connection is gone, or never came. The next attempt follows after `retryInMs`. */
	lost: { readonly code: number; readonly retryInMs: number };
	/** The connection is gone and no attempt follows until {@link Socket.connect} is called. */
	closed: { readonly code: number };
}

export interface SocketOptions {
	/** `ws:` or `wss:`. */
	readonly url: string;
	/** For places without a global WebSocket, and for tests. */
	readonly WebSocket?: typeof WebSocket;
	/** From 0 to 1; spreads the reconnects of many clients. */
	readonly random?: () => number;
}

export class Socket extends Emitter<SocketEvents> {
	readonly #options: SocketOptions;
	#url: string;
	#socket: WebSocket | undefined;
	/** One that the engine has sent us away from, and is to close. */
	#left: WebSocket | undefined;
	#retry: ReturnType<typeof setTimeout> | undefined;
	#failures = 0;

	constructor(options: SocketOptions) {
		super();
		this.#options = options;
		this.#url = options.url;
	}

	/** Connects now: at first, after a close, or instead of waiting for the next attempt. */
	connect(): void {
		if (this.#socket) return;
		clearTimeout(this.#retry);
		const { WebSocket: Implementation = WebSocket } = this.#options;
		const socket = new Implementation(this.#url, [SUBPROTOCOL]);
		socket.binaryType = 'arraybuffer';
		this.#socket = socket;
		// A socket that was dropped may still speak; only the present one is listened to.
		socket.addEventListener('message', (event) => {
			if (this.#socket === socket) this.#handleFrame(event.data);
		});
		socket.addEventListener('close', (event) => {
			if (this.#socket === socket) this.#handleClose(event.code);
		});
	}

	/**
	 * Connects anew after a delay, elsewhere where a URL is given. The engine closes the connection
	 * that it sent this on: closing it from here would say that the person left.
	 */
	moveTo(afterMs: number, url: string = this.#url): void {
		if (isWebSocketUrl(url)) this.#url = url;
		this.#leave();
		this.#left = this.#socket;
		this.#socket = undefined;
		this.#retryIn(1012, afterMs);
	}

	/** Closes for good, until {@link connect}. Emits nothing. */
	close(): void {
		clearTimeout(this.#retry);
		this.#leave();
		this.#socket?.close(1000);
		this.#socket = undefined;
	}

	/** Sends now. Returns false where there is no open connection: nothing is kept for later. */
	send(message: ClientMessage): boolean {
		if (this.#socket?.readyState !== OPEN) return false;
		this.#socket.send(encode(message));
		return true;
	}

	#handleFrame(data: unknown): void {
		try {
			if (!(data instanceof ArrayBuffer)) throw new ProtocolError('the frame is not binary');
			const message = decode(new Uint8Array(data));
			// An accepted upgrade may still be refused (full, banned): only a greeting is success.
			if (message?.type === 'connected') {
				this.#failures = 0;
				this.#leave();
			}
			if (message) this.emit('message', message);
		} catch (error) {
			if (!(error instanceof ProtocolError)) throw error;
			this.emit('malformed', error);
		}
	}

	#handleClose(code: number): void {
		this.#socket = undefined;
		const random = this.#options.random ?? Math.random;
		const delayMs = retryDelayMs(this.#failures, code, random());
		if (delayMs === undefined) {
			this.emit('closed', { code });
		} else {
			this.#failures += 1;
			this.#retryIn(code, delayMs);
		}
	}

	#retryIn(code: number, delayMs: number): void {
		clearTimeout(this.#retry);
		this.#retry = setTimeout(() => this.connect(), delayMs);
		this.emit('lost', { code, retryInMs: delayMs });
	}

	#leave(): void {
		this.#left?.close(1000);
		this.#left = undefined;
	}
}

const OPEN = 1;

function isWebSocketUrl(url: string): boolean {
	return URL.canParse(url) && /^wss?:$/.test(new URL(url).protocol);
}
