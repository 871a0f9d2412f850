/** The call of one chat, as reactive state: what the view shows of it. */
import type { Chat, IceServer, Session } from '@whisper/client';
import { Call, Degrader, type CallState, type Quality } from '@whisper/client/call';
import { server } from '#lib/server.svelte.ts';

/** How media find their way. */
export interface Path {
	readonly iceServers: readonly IceServer[];
	/** A TURN server is there, so that no address has to be told. */
	readonly hasRelay: boolean;
	readonly relayOnly: boolean;
}

/** The way for media in this session. Where there is a relay it is taken, unless one objects. */
export function pathOf(
	{ iceServers = [], relayOnly }: Pick<Session, 'iceServers' | 'relayOnly'>,
	hidesAddress: boolean,
): Path {
	const urls = iceServers.flatMap(({ urls }) => urls);
	const hasRelay = urls.some((url) => /^turns?:/i.test(url));
	return { iceServers, hasRelay, relayOnly: relayOnly || (hasRelay && hidesAddress) };
}

export class ActiveCall {
	state = $state<CallState>('connecting');
	quality = $state<Quality>();
	/** What the partner sends. */
	remote = $state.raw<MediaStream>();
	/** The connection is too weak for one's own picture; the voice goes on. */
	isResting = $state(false);

	readonly #call: Call;
	readonly #stopHearing: () => void;
	readonly #degrader = new Degrader();

	constructor({ isInitiator }: Chat, { iceServers, relayOnly }: Path) {
		const call = new Call({ isInitiator, iceServers, relayOnly, send: server.signal });
		this.#call = call;
		call.on('state', (state) => (this.state = state));
		// The same stream with other tracks has to be seen as another.
		call.on('stream', (stream) => (this.remote = new MediaStream(stream.getTracks())));
		call.on('quality', (quality) => this.#judge(quality));
		this.#stopHearing = server.hearSignals((signal) => call.receive(signal));
	}

	send(stream: MediaStream): void {
		this.#call.send(stream);
	}

	restart(): void {
		this.#call.restart();
	}

	close(): void {
		this.#stopHearing();
		this.#call.close();
	}

	#judge(quality: Quality): void {
		this.quality = quality;
		const isResting = this.#degrader.next(quality);
		if (isResting === this.isResting) return;
		this.isResting = isResting;
		this.#call.sendVideo(!isResting);
	}
}
