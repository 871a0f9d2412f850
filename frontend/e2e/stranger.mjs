/** Somebody without a browser: the SDK alone, against the same engine. */
import { WhisperClient } from '@whisper/client';

export class Stranger {
	#client;

	/** @param {string} url */
	constructor(url) {
		this.#client = new WhisperClient({ url: `${url.replace('http', 'ws')}/ws` });
	}

	/**
	 * @param {string} url
	 * @param {string} interest
	 */
	static async meets(url, interest) {
		const stranger = new Stranger(url);
		stranger.#client.join({
			ageCategory: 'adult',
			mode: 'text',
			queueType: 'moderated',
			interests: [interest],
		});
		await stranger.#until(({ phase }) => phase.name === 'chatting');
		return stranger;
	}

	/** @param {string} text */
	says(text) {
		this.#client.say(text);
	}

	/** @param {string} text */
	async hears(text) {
		await this.#until(
			({ phase }) =>
				phase.name === 'chatting' &&
				phase.chat.entries.some((entry) => entry.kind === 'theirs' && entry.content === text),
		);
	}

	leaves() {
		this.#client.leave();
		this.#client.close();
	}

	/** @param {(session: import('@whisper/client').Session) => boolean} isSo */
	async #until(isSo) {
		if (isSo(this.#client.session)) return;
		await new Promise((resolve) => {
			const stop = this.#client.on('change', (session) => {
				if (!isSo(session)) return;
				stop();
				resolve(undefined);
			});
		});
	}
}
