/** An ack is due after this many messages … */
export const ACK_MESSAGES_MAX = 16;
/** … or after this long, whichever comes first. */
export const ACK_DELAY_MS = 5000;
/** A person who reads on is told of once in this time. */
export const READ_DELAY_MS = 400;

/**
 * Tells the engine how far something has come, seldom enough: the highest number after so many
 * new ones, or after so long, whichever comes first. A number that is not new counts for nothing.
 */
export class ProgressSender {
	readonly #send: (seq: number) => void;
	readonly #countMax: number;
	readonly #delayMs: number;
	#seqMax = 0;
	#untold = 0;
	#due: ReturnType<typeof setTimeout> | undefined;

	constructor(countMax: number, delayMs: number, send: (seq: number) => void) {
		this.#countMax = countMax;
		this.#delayMs = delayMs;
		this.#send = send;
	}

	/** It has come as far as `seq`. */
	reached(seq: number): void {
		if (seq <= this.#seqMax) return;
		this.#seqMax = seq;
		this.#untold += 1;
		if (this.#untold >= this.#countMax) this.#tell();
		else this.#due ??= setTimeout(() => this.#tell(), this.#delayMs);
	}

	/** The chat is over: what was not told is not told any more. */
	reset(): void {
		this.#settle();
		this.#seqMax = 0;
	}

	#tell(): void {
		this.#settle();
		this.#send(this.#seqMax);
	}

	#settle(): void {
		clearTimeout(this.#due);
		this.#due = undefined;
		this.#untold = 0;
	}
}
