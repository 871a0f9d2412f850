/**
 * A call between the two of a chat, by perfect negotiation (W3C WebRTC, section 10.7): either may
 * renegotiate at any time, and where both do at once the polite one gives way.
 *
 * Everything that touches the peer connection stands in one promise chain, so that no step begins
 * before the one before it is done. What arrives for a call that is closed does nothing.
 *
 * @module
 */
import { Emitter } from '../emitter.ts';
import type { IceServer, Signal } from '../messages.ts';
import { NO_SAMPLE, qualityBetween, sampleOf, type Quality } from './quality.ts';

export interface CallOptions {
	/** Makes the first offer, and insists on its own where both make one. */
	readonly isInitiator: boolean;
	readonly iceServers?: readonly IceServer[];
	/** Only relayed candidates: nobody learns an address. Needs a TURN server. */
	readonly relayOnly?: boolean;
	/** Brings a step to the partner. */
	readonly send: (type: 'offer' | 'answer' | 'ice_candidate', data: Signal) => void;
	/** For places without a global one, and for tests. */
	readonly RTCPeerConnection?: typeof RTCPeerConnection;
}

/**
 * `connecting` until media can flow, `connected`, `mending` while a broken path is replaced, and
 * `failed` when that was tried often enough: {@link Call.restart} begins anew.
 */
export type CallState = 'connecting' | 'connected' | 'mending' | 'failed' | 'closed';

export interface CallEvents {
	state: CallState;
	/** What the partner sends, at the first track and whenever tracks come or go. */
	stream: MediaStream;
	/** About every two seconds while connected. */
	quality: Quality;
}

export interface SignalMessage {
	readonly type: 'offer' | 'answer' | 'ice_candidate';
	readonly data: Signal;
}

/** A path that is gone for this long won't come back by itself. */
const PATIENCE_MS = 4000;
/** A path that is not there after this long needs another try. */
const SETUP_MS = 15_000;
const RESTARTS_MAX = 3;
const SAMPLE_MS = 2000;
/** A voice needs this much, a picture of a face this; more buys little. */
const VIDEO_BITRATE_MAX = 1_200_000;

export class Call extends Emitter<CallEvents> {
	readonly #options: CallOptions;
	readonly #peer: RTCPeerConnection;
	#chain: Promise<void> = Promise.resolve();
	/** Who did not begin may offer once the first offer has come. */
	#mayOffer: boolean;
	#ignoresOffer = false;
	#restarts = 0;
	#state: CallState = 'connecting';
	#patience: ReturnType<typeof setTimeout> | undefined;
	#sampling: ReturnType<typeof setInterval> | undefined;
	#sample = NO_SAMPLE;

	constructor(options: CallOptions) {
		super();
		this.#options = options;
		this.#mayOffer = options.isInitiator;
		const { RTCPeerConnection: Implementation = RTCPeerConnection } = options;
		this.#peer = new Implementation({
			iceServers: [...(options.iceServers ?? [])] as RTCIceServer[],
			iceTransportPolicy: options.relayOnly ? 'relay' : 'all',
			bundlePolicy: 'max-bundle',
		});
		this.#listen();
		this.#waitFor(SETUP_MS);
	}

	get state(): CallState {
		return this.#state;
	}

	/** Sends these tracks from now on, in place of those of the same kind. */
	send(stream: MediaStream): void {
		this.#do(async () => {
			for (const track of stream.getTracks()) {
				const sender = this.#senderOf(track.kind);
				if (sender) await sender.replaceTrack(track);
				else await tame(this.#peer.addTrack(track, stream));
			}
		});
	}

	/** Stops sending the picture, or goes on with it, without a negotiation. */
	sendVideo(active: boolean): void {
		this.#do(async () => {
			const sender = this.#senderOf('video');
			if (sender) await changeEncodings(sender, (encoding) => (encoding.active = active));
		});
	}

	/** Takes a step of the partner's. What makes no sense, or comes too late, is dropped. */
	receive({ type, data }: SignalMessage): void {
		this.#do(() =>
			type === 'ice_candidate' ? this.#candidate(data) : this.#description(type, data),
		);
	}

	/** Looks for another path now: the network changed, or the session came back. */
	restart(): void {
		if (this.#state === 'closed') return;
		this.#restarts = 0;
		this.#mend();
	}

	close(): void {
		clearTimeout(this.#patience);
		clearInterval(this.#sampling);
		this.#peer.close();
		this.#enter('closed');
	}

	#listen(): void {
		const peer = this.#peer;
		const stream = new MediaStream();
		peer.addEventListener('negotiationneeded', () => {
			if (this.#mayOffer) this.#offer();
		});
		peer.addEventListener('icecandidate', ({ candidate }) => {
			if (candidate) this.#options.send('ice_candidate', { candidate: candidate.toJSON() });
		});
		peer.addEventListener('track', ({ track }) => {
			stream.addTrack(track);
			track.addEventListener('ended', () => stream.removeTrack(track));
			this.emit('stream', stream);
		});
		peer.addEventListener('connectionstatechange', () => this.#pathChanged(peer.connectionState));
	}

	#pathChanged(state: RTCPeerConnectionState): void {
		if (this.#state === 'closed') return;
		if (state === 'connected') {
			clearTimeout(this.#patience);
			this.#restarts = 0;
			this.#enter('connected');
			this.#sampling ??= setInterval(() => void this.#measure(), SAMPLE_MS);
		} else if (state === 'failed') {
			this.#mend();
		} else if (state === 'disconnected') {
			this.#enter('mending');
			this.#waitFor(PATIENCE_MS);
		}
	}

	#waitFor(delayMs: number): void {
		clearTimeout(this.#patience);
		this.#patience = setTimeout(() => this.#mend(), delayMs);
	}

	#mend(): void {
		if (this.#restarts >= RESTARTS_MAX) {
			clearTimeout(this.#patience);
			return this.#enter('failed');
		}
		this.#restarts += 1;
		if (this.#state !== 'connecting') this.#enter('mending');
		this.#waitFor(SETUP_MS);
		if (this.#mayOffer) this.#peer.restartIce();
		// An offer without an answer keeps a new one from being made; it may never have arrived.
		if (this.#peer.signalingState === 'have-local-offer') this.#tell('offer');
	}

	#offer(): void {
		this.#do(async () => {
			// Something earlier in the chain may have negotiated it already.
			if (this.#peer.signalingState !== 'stable') return;
			await this.#peer.setLocalDescription();
			this.#tell('offer');
		});
	}

	async #description(type: 'offer' | 'answer', data: Signal): Promise<void> {
		const peer = this.#peer;
		const { sdp } = data;
		if (typeof sdp !== 'string') return;
		const collides = type === 'offer' && peer.signalingState !== 'stable';
		this.#ignoresOffer = collides && this.#options.isInitiator;
		const isUnasked = type === 'answer' && peer.signalingState !== 'have-local-offer';
		if (this.#ignoresOffer || isUnasked) return;
		// An offer that collides takes our own back first.
		await peer.setRemoteDescription({ type, sdp });
		if (type === 'answer') return;
		await peer.setLocalDescription();
		this.#tell('answer');
		this.#mayOffer = true;
	}

	async #candidate({ candidate }: Signal): Promise<void> {
		if (typeof candidate !== 'object' || candidate === null) return;
		try {
			await this.#peer.addIceCandidate(candidate);
		} catch (error) {
			// One of an offer we ignored belongs to nothing.
			if (!this.#ignoresOffer) throw error;
		}
	}

	#tell(type: 'offer' | 'answer'): void {
		const sdp = this.#peer.localDescription?.sdp;
		if (sdp !== undefined) this.#options.send(type, { type, sdp });
	}

	#senderOf(kind: string): RTCRtpSender | undefined {
		return this.#peer.getSenders().find((sender) => sender.track?.kind === kind);
	}

	async #measure(): Promise<void> {
		if (this.#state !== 'connected') return;
		const sample = sampleOf(await this.#peer.getStats());
		const quality = qualityBetween(this.#sample, sample);
		this.#sample = sample;
		if (quality) this.emit('quality', quality);
	}

	#enter(state: CallState): void {
		if (this.#state === state || this.#state === 'closed') return;
		this.#state = state;
		this.emit('state', state);
	}

	/** Does one thing after the other. A step that fails leaves the chain whole. */
	#do(task: () => Promise<void>): void {
		this.#chain = this.#chain.then(async () => {
			if (this.#state === 'closed') return;
			try {
				await task();
			} catch {
				// Nonsense from the partner, or a connection closed in the middle: the path tells.
			}
		});
	}
}

/** Keeps a picture from taking more than its share. */
async function tame(sender: RTCRtpSender): Promise<void> {
	if (sender.track?.kind !== 'video') return;
	await changeEncodings(sender, (encoding) => (encoding.maxBitrate = VIDEO_BITRATE_MAX));
}

async function changeEncodings(
	sender: RTCRtpSender,
	change: (encoding: RTCRtpEncodingParameters) => void,
): Promise<void> {
	const parameters = sender.getParameters();
	// Not every browser has them before the first negotiation.
	if (parameters.encodings.length === 0) return;
	parameters.encodings.forEach(change);
	await sender.setParameters(parameters);
}
