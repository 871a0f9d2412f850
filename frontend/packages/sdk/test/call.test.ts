/** Negotiation over peer connections that only keep the rules of signalling. */
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest';
import {
	Call,
	Degrader,
	qualityBetween,
	sampleOf,
	type CallOptions,
	type Quality,
	type SignalMessage,
} from '../src/call/index.ts';

class FakePeer extends EventTarget {
	signalingState = 'stable';
	connectionState = 'new';
	localDescription: { type: string; sdp: string } | null = null;
	readonly done: string[] = [];
	readonly senders: { track: { kind: string }; replaced: number; active: boolean }[] = [];
	isClosed = false;

	async setLocalDescription(): Promise<void> {
		await this.#work('local');
		const isOffer = this.signalingState === 'stable';
		this.signalingState = isOffer ? 'have-local-offer' : 'stable';
		const type = isOffer ? 'offer' : 'answer';
		this.localDescription = { type, sdp: `${type} ${this.done.length}` };
	}

	async setRemoteDescription({ type }: { type: string }): Promise<void> {
		await this.#work(`remote ${type}`);
		this.signalingState = type === 'offer' ? 'have-remote-offer' : 'stable';
	}

	async addIceCandidate(candidate: { candidate: string }): Promise<void> {
		await this.#work(candidate.candidate);
		if (candidate.candidate === 'bad') throw new Error('no such description');
	}

	addTrack(track: { kind: string }): unknown {
		const sender = {
			track,
			replaced: 0,
			active: true,
			replaceTrack: async () => void (sender.replaced += 1),
			getParameters: () => ({ encodings: [{ active: sender.active }] }),
			setParameters: async ({ encodings }: { encodings: { active: boolean }[] }) =>
				void (sender.active = encodings[0]?.active ?? true),
		};
		this.senders.push(sender);
		return sender;
	}

	getSenders(): unknown[] {
		return this.senders;
	}

	restartIce(): void {
		this.done.push('restart');
		this.needsNegotiation();
	}

	needsNegotiation(): void {
		if (this.signalingState === 'stable') this.dispatchEvent(new Event('negotiationneeded'));
	}

	becomes(state: string): void {
		this.connectionState = state;
		this.dispatchEvent(new Event('connectionstatechange'));
	}

	close(): void {
		this.isClosed = true;
	}

	/** Two steps at once would be seen here. */
	#busy = false;
	async #work(name: string): Promise<void> {
		if (this.#busy) throw new Error(`${name} begins before the step before it is done`);
		this.#busy = true;
		await Promise.resolve();
		this.#busy = false;
		this.done.push(name);
	}
}

let peer: FakePeer;
const send = vi.fn<CallOptions['send']>();
const sentTypes = () => send.mock.calls.map(([type]) => type);
const settled = () => vi.advanceTimersByTimeAsync(0);
const offer: SignalMessage = { type: 'offer', data: { sdp: 'theirs' } };
const answer: SignalMessage = { type: 'answer', data: { sdp: 'theirs' } };
const candidate = (name: string): SignalMessage => ({
	type: 'ice_candidate',
	data: { candidate: { candidate: name } },
});
const streamOf = (...kinds: string[]) =>
	({ getTracks: () => kinds.map((kind) => ({ kind })) }) as unknown as MediaStream;

function call(isInitiator: boolean): Call {
	const Peer = function () {
		peer = new FakePeer();
		return peer;
	};
	return new Call({
		isInitiator,
		send,
		RTCPeerConnection: Peer as unknown as typeof RTCPeerConnection,
	});
}

beforeEach(() => {
	vi.useFakeTimers();
	vi.stubGlobal('MediaStream', EventTarget);
	send.mockClear();
});
afterEach(() => {
	vi.unstubAllGlobals();
	vi.useRealTimers();
});

describe('Call', () => {
	it('is offered by the initiator, and only answered by the other', async () => {
		call(true);
		peer.needsNegotiation();
		await settled();
		expect(sentTypes()).toEqual(['offer']);

		send.mockClear();
		const other = call(false);
		peer.needsNegotiation();
		await settled();
		expect(send).not.toHaveBeenCalled();
		other.receive(offer);
		await settled();
		expect(sentTypes()).toEqual(['answer']);
		peer.needsNegotiation();
		await settled();
		expect(sentTypes()).toEqual(['answer', 'offer']);
	});

	it('takes one step after the other, however fast they come', async () => {
		const polite = call(false);
		polite.receive(offer);
		polite.receive(candidate('a'));
		polite.receive(candidate('b'));
		await settled();
		expect(peer.done).toEqual(['remote offer', 'local', 'a', 'b']);
	});

	it('insists on its own offer as the initiator, and ignores what belongs to the other', async () => {
		const insists = call(true);
		peer.needsNegotiation();
		await settled();
		insists.receive(offer);
		insists.receive(candidate('bad'));
		insists.receive(answer);
		await settled();
		expect(peer.done).toEqual(['local', 'bad', 'remote answer']);
		expect(peer.signalingState).toBe('stable');
	});

	it('gives way as the other', async () => {
		const polite = call(false);
		polite.receive(offer);
		await settled();
		peer.needsNegotiation();
		await settled();
		expect(peer.signalingState).toBe('have-local-offer');
		polite.receive(offer);
		await settled();
		expect(peer.done.slice(-2)).toEqual(['remote offer', 'local']);
		expect(sentTypes()).toEqual(['answer', 'offer', 'answer']);
	});

	it('survives nonsense', async () => {
		const polite = call(false);
		polite.receive({ type: 'offer', data: { sdp: 7 } });
		polite.receive({ type: 'ice_candidate', data: { candidate: 'x' } });
		polite.receive(candidate('bad'));
		polite.receive(answer);
		polite.receive(offer);
		await settled();
		expect(sentTypes()).toEqual(['answer']);
	});

	it('mends a broken path three times, and then says that it failed', async () => {
		const initiator = call(true);
		peer.needsNegotiation();
		await settled();
		initiator.receive(answer);
		await settled();
		peer.becomes('connected');
		expect(initiator.state).toBe('connected');
		peer.becomes('disconnected');
		expect(initiator.state).toBe('mending');
		await vi.advanceTimersByTimeAsync(4000);
		expect(peer.done.filter((step) => step === 'restart')).toHaveLength(1);
		await vi.advanceTimersByTimeAsync(15_000);
		expect(initiator.state).toBe('mending');
		await vi.advanceTimersByTimeAsync(60_000);
		expect(peer.done.filter((step) => step === 'restart')).toHaveLength(3);
		expect(initiator.state).toBe('failed');
		initiator.restart();
		expect(initiator.state).toBe('mending');
	});

	it('offers again what was never answered', async () => {
		call(true);
		peer.needsNegotiation();
		await vi.advanceTimersByTimeAsync(15_000);
		expect(sentTypes()).toEqual(['offer', 'offer']);
	});

	it('replaces a track of the same kind instead of adding another', async () => {
		const initiator = call(true);
		initiator.send(streamOf('audio', 'video'));
		initiator.send(streamOf('video'));
		initiator.sendVideo(false);
		await settled();
		expect(peer.senders).toMatchObject([
			{ track: { kind: 'audio' }, replaced: 0, active: true },
			{ track: { kind: 'video' }, replaced: 1, active: false },
		]);
	});

	it('does nothing any more once it is closed', async () => {
		const over = call(false);
		over.close();
		over.receive(offer);
		over.restart();
		await vi.runAllTimersAsync();
		expect(peer.isClosed).toBe(true);
		expect(send).not.toHaveBeenCalled();
		expect(over.state).toBe('closed');
	});
});

describe('quality', () => {
	const before = { received: 100, lost: 10 };

	test.each<[string, number, number, number | undefined, Quality | undefined]>([
		['nothing came', 0, 0, 40, undefined],
		['all came', 100, 0, 40, 'good'],
		['nobody knows the way', 100, 0, undefined, 'good'],
		['one in thirty was lost', 97, 3, 40, 'fair'],
		['one in ten was lost', 90, 10, 40, 'poor'],
		['losses were made up for', 100, -5, 40, 'good'],
		['the way is long', 100, 0, 400, 'fair'],
		['the way is very long', 100, 0, 900, 'poor'],
	])('%s', (_, received, lost, roundTripMs, quality) => {
		const after = {
			received: before.received + received,
			lost: before.lost + lost,
			...(roundTripMs !== undefined && { roundTripMs }),
		};
		expect(qualityBetween(before, after)).toBe(quality);
	});

	it('is read from what a browser counts', () => {
		const report = new Map<string, object>([
			['a', { type: 'inbound-rtp', packetsReceived: 3, packetsLost: 1 }],
			['v', { type: 'inbound-rtp', packetsReceived: 5 }],
			['p', { type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.05 }],
			['q', { type: 'candidate-pair', nominated: false, currentRoundTripTime: 9 }],
		]);
		expect(sampleOf(report)).toEqual({ received: 8, lost: 1, roundTripMs: 50 });
	});

	it('rests the picture after a poor while, and brings it back after a longer good one', () => {
		const degrader = new Degrader();
		const verdicts = (quality: Quality, count: number) =>
			Array.from({ length: count }, () => degrader.next(quality));
		expect(verdicts('poor', 3)).not.toContain(true);
		expect(verdicts('fair', 1)).toEqual([false]);
		expect(verdicts('poor', 4).at(-1)).toBe(true);
		expect(verdicts('good', 7)).not.toContain(false);
		expect(verdicts('good', 1)).toEqual([false]);
	});
});
