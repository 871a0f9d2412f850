/** An ack is due after this many messages … */
export const ACK_MESSAGES_MAX = 16;
/** … or after this long, whichever comes first. */
export const ACK_DELAY_MS = 5000;

/**
 * Tells the engine how far the partner's messages have arrived, so that it can forget what it
 * keeps for a resume. Asked only of clients that said `hello`.
 */
export class AckSender {
	readonly #send: (seq: number) => void;
	#seqMax = 0;
	#unacked = 0;
	#due: ReturnType<typeof setTimeout> | undefined;

	constructor(send: (seq: number) => void) {
		this.#send = send;
	}

	/** The partner's message number `seq` arrived. */
	received(seq: number): void {
		this.#seqMax = Math.max(this.#seqMax, seq);
		this.#unacked += 1;
		if (this.#unacked >= ACK_MESSAGES_MAX) this.#flush();
		else this.#due ??= setTimeout(() => this.#flush(), ACK_DELAY_MS);
	}

	/** The chat or the connection is over: what was owed is owed no more. */
	reset(): void {
		clearTimeout(this.#due);
		this.#due = undefined;
		this.#seqMax = 0;
		this.#unacked = 0;
	}

	#flush(): void {
		const seq = this.#seqMax;
		this.reset();
		this.#seqMax = seq;
		this.#send(seq);
	}
}
