/**
 * "Is typing", in both directions: said seldom, believed not for long.
 *
 * @module
 */

/** While a person types, the engine is told again after this. */
export const TYPING_REPEAT_MS = 3000;
/** Without a key for this long, a person is no longer typing. */
export const TYPING_IDLE_MS = 4000;
/** A partner who said "typing" and then nothing is believed this long. */
export const TYPING_EXPIRY_MS = 2 * TYPING_REPEAT_MS;

/** Turns key strokes into few `typing` messages. */
export class TypingSender {
	readonly #send: (isTyping: boolean) => void;
	#saidAt: number | undefined;
	#idle: ReturnType<typeof setTimeout> | undefined;

	constructor(send: (isTyping: boolean) => void) {
		this.#send = send;
	}

	/** To be called at every change of the text. An empty text is no typing. */
	input(text: string, now: number = Date.now()): void {
		clearTimeout(this.#idle);
		if (text === '') return this.stop();
		this.#idle = setTimeout(() => this.stop(), TYPING_IDLE_MS);
		if (this.#saidAt !== undefined && now - this.#saidAt < TYPING_REPEAT_MS) return;
		this.#saidAt = now;
		this.#send(true);
	}

	/** Says that the typing is over, where it was said to have begun. */
	stop(): void {
		const wasTyping = this.#saidAt !== undefined;
		this.reset();
		if (wasTyping) this.#send(false);
	}

	/** Forgets everything without a word: the message or the chat itself says enough. */
	reset(): void {
		clearTimeout(this.#idle);
		this.#saidAt = undefined;
	}
}
