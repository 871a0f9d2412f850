/**
 * The app's only door to the server: one socket per tab, its session as reactive state, and the
 * few things a person can do.
 */
import {
	WhisperClient,
	type Introduction,
	type ReportWish,
	type ServerMessage,
	type Session,
	type Signal,
	type SignalType,
	type Wishes,
} from '@whisper/client';

export interface SignalMessage {
	readonly type: SignalType;
	readonly data: Signal;
}

/** More than any call needs before its view is there. */
const SIGNALS_MAX = 200;

class Server {
	readonly #client = new WhisperClient({ url: socketUrl(location) });
	/** Immutable values, replaced as a whole: nothing deeper has to be watched. */
	#session = $state.raw<Session>(this.#client.session);
	/** Steps of a call that nobody listens to yet. */
	#signals: SignalMessage[] = [];
	#onsignal: ((signal: SignalMessage) => void) | undefined;

	constructor() {
		this.#client.on('change', (session) => {
			this.#session = session;
		});
		this.#client.on('message', (message) => this.#keep(message));
	}

	get session(): Session {
		return this.#session;
	}

	/** Connects, or tries again at once. */
	connect = (): void => this.#client.connect();

	introduce = (hello: Introduction): void => this.#client.introduce(hello);
	join = (wishes: Wishes): void => this.#client.join(wishes);
	leave = (): void => this.#client.leave();
	say = (content: string): boolean => this.#client.say(content);
	sayAgain = (key: number): void => this.#client.sayAgain(key);
	typing = (text: string): void => this.#client.typing(text);
	read = (seq: number): void => this.#client.read(seq);
	report = (wish: ReportWish): void => this.#client.report(wish);
	dismiss = (): void => this.#client.dismiss();
	signal = (type: SignalType, data: Signal): void => this.#client.signal(type, data);
	toggle = (device: 'audio' | 'video', enabled: boolean): void =>
		this.#client.toggle(device, enabled);

	/** Hears the steps of the present call, from its first on. The returned function ends that. */
	hearSignals(listener: (signal: SignalMessage) => void): () => void {
		this.#onsignal = listener;
		for (const signal of this.#signals.splice(0)) listener(signal);
		return () => {
			if (this.#onsignal === listener) this.#onsignal = undefined;
		};
	}

	#keep(message: ServerMessage): void {
		switch (message.type) {
			case 'matched':
				this.#signals = [];
				break;
			case 'offer':
			case 'answer':
			case 'ice_candidate':
				if (this.#onsignal) this.#onsignal(message);
				else if (this.#signals.length < SIGNALS_MAX) this.#signals.push(message);
		}
	}
}

function socketUrl({ protocol, host }: Location): string {
	return `${protocol === 'https:' ? 'wss' : 'ws'}://${host}/ws`;
}

export const server = new Server();
