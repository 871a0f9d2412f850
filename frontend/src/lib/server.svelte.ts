/**
 * The app's only door to the server: one socket per tab, its session as reactive state, and the
 * few things a person can do.
 */
import { WhisperClient, type Session, type Wishes } from '@whisper/client';

class Server {
	readonly #client = new WhisperClient({ url: socketUrl(location) });
	/** Immutable values, replaced as a whole: nothing deeper has to be watched. */
	#session = $state.raw<Session>(this.#client.session);

	constructor() {
		this.#client.on('change', (session) => {
			this.#session = session;
		});
	}

	get session(): Session {
		return this.#session;
	}

	/** Connects, or tries again at once. */
	connect = (): void => this.#client.connect();

	join = (wishes: Wishes): void => this.#client.join(wishes);
	leave = (): void => this.#client.leave();
	say = (content: string): boolean => this.#client.say(content);
	typing = (text: string): void => this.#client.typing(text);
	dismiss = (): void => this.#client.dismiss();
}

function socketUrl({ protocol, host }: Location): string {
	return `${protocol === 'https:' ? 'wss' : 'ws'}://${host}/ws`;
}

export const server = new Server();
