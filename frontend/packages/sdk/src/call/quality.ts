/**
 * How good a call is, from what the browser counts: packets lost on the way here, and the time to
 * the partner and back. Pure: two samples in, a verdict out.
 *
 * @module
 */

export type Quality = 'good' | 'fair' | 'poor';

/** Counters at one moment; they only grow. */
export interface Sample {
	readonly received: number;
	readonly lost: number;
	/** Milliseconds; absent until measured. */
	readonly roundTripMs?: number;
}

export const NO_SAMPLE: Sample = { received: 0, lost: 0 };

/** Shares of packets lost, and round trips, from which on people notice, and from which on they suffer. */
const LOST_FAIR = 0.02;
const LOST_POOR = 0.08;
const ROUND_TRIP_MS_FAIR = 300;
const ROUND_TRIP_MS_POOR = 700;

/** Sums up what `RTCPeerConnection.getStats` knows of the incoming media and their path. */
export function sampleOf(report: Pick<RTCStatsReport, 'forEach'>): Sample {
	let received = 0;
	let lost = 0;
	let roundTripMs: number | undefined;
	report.forEach((entry: Readonly<Record<string, unknown>>) => {
		if (entry['type'] === 'inbound-rtp') {
			received += numberOf(entry['packetsReceived']);
			lost += numberOf(entry['packetsLost']);
		}
		if (entry['type'] === 'candidate-pair' && entry['nominated'] === true) {
			const seconds = entry['currentRoundTripTime'];
			if (typeof seconds === 'number') roundTripMs = seconds * 1000;
		}
	});
	return { received, lost, ...(roundTripMs !== undefined && { roundTripMs }) };
}

/** The quality between two samples; `undefined` where nothing came that could be judged. */
export function qualityBetween(before: Sample, after: Sample): Quality | undefined {
	const received = after.received - before.received;
	// Late packets can make up for losses that were counted before.
	const lost = Math.max(0, after.lost - before.lost);
	if (received + lost <= 0) return undefined;
	const lostShare = lost / (received + lost);
	const roundTripMs = after.roundTripMs ?? 0;
	if (lostShare >= LOST_POOR || roundTripMs >= ROUND_TRIP_MS_POOR) return 'poor';
	if (lostShare >= LOST_FAIR || roundTripMs >= ROUND_TRIP_MS_FAIR) return 'fair';
	return 'good';
}

/** Poor for this many samples on end, a picture is given up for the voice … */
const POOR_SAMPLES = 4;
/** … and after this many good ones it may come back. */
const GOOD_SAMPLES = 8;

/**
 * Decides when a weak connection is left to the voice alone. It waits long before it gives the
 * picture back, so that nothing flaps.
 */
export class Degrader {
	#isAudioOnly = false;
	#streak = 0;

	/** Whether the picture should rest, after one more verdict. */
	next(quality: Quality): boolean {
		const isAgainst = this.#isAudioOnly ? quality === 'good' : quality === 'poor';
		this.#streak = isAgainst ? this.#streak + 1 : 0;
		if (this.#streak >= (this.#isAudioOnly ? GOOD_SAMPLES : POOR_SAMPLES)) {
			this.#isAudioOnly = !this.#isAudioOnly;
			this.#streak = 0;
		}
		return this.#isAudioOnly;
	}
}

function numberOf(value: unknown): number {
	return typeof value === 'number' ? value : 0;
}
