/** From samples to figures: sums, rates, quantiles, and how they went lately. Pure. */

/** @typedef {import('./openmetrics.js').Sample} Sample */

/** What the engine said at a moment. */
export class Snapshot {
	/** @type {Map<string, Sample[]>} */
	#families = new Map();

	/**
	 * @param {number} at Unix ms
	 * @param {readonly Sample[]} samples
	 */
	constructor(at, samples) {
		this.at = at;
		for (const sample of samples) {
			const family = this.#families.get(sample.name);
			if (family) family.push(sample);
			else this.#families.set(sample.name, [sample]);
		}
	}

	/** @param {string} name */
	has(name) {
		return this.#families.has(name);
	}

	/** @param {string} name */
	sum(name) {
		return this.#family(name).reduce((sum, { value }) => sum + value, 0);
	}

	/**
	 * The sums of what has the same values of these labels, by those values.
	 *
	 * @param {string} name
	 * @param {readonly string[]} labels
	 * @returns {Map<string, number>} keys are the values, with spaces between
	 */
	by(name, ...labels) {
		/** @type {Map<string, number>} */
		const sums = new Map();
		for (const sample of this.#family(name)) {
			const key = labels.map((label) => sample.labels[label] ?? '').join(' ');
			sums.set(key, (sums.get(key) ?? 0) + sample.value);
		}
		return sums;
	}

	/** @param {string} name */
	#family(name) {
		return this.#families.get(name) ?? [];
	}
}

/** Snapshots that are kept: two minutes, at one in two seconds. */
const SNAPSHOTS_MAX = 61;

/** Points of a line: ten minutes. */
export const POINTS_MAX = 300;

/** The latest snapshots, and lines of figures over a longer time. */
export class History {
	/** @type {Snapshot[]} */
	#snapshots = [];
	/** @type {Map<string, Point[]>} */
	#lines = new Map();

	/** @param {Snapshot} snapshot */
	add(snapshot) {
		// A counter that went back is of an engine that was started anew.
		const before = this.now;
		if (before && snapshot.sum(UPGRADES) < before.sum(UPGRADES)) this.#snapshots = [];
		this.#snapshots.push(snapshot);
		if (this.#snapshots.length > SNAPSHOTS_MAX) this.#snapshots.shift();
	}

	get now() {
		return this.#snapshots.at(-1);
	}

	/**
	 * Counters' growth in a second, by their labels' values, over the last seconds.
	 *
	 * @param {string} name
	 * @param {number} seconds
	 * @param {string[]} labels
	 * @returns {Map<string, number>}
	 */
	rates(name, seconds, ...labels) {
		const grown = this.growth(name, seconds, ...labels);
		const span = this.#span(seconds);
		return new Map([...grown].map(([key, value]) => [key, span > 0 ? value / span : 0]));
	}

	/**
	 * Counters' growth, by their labels' values, over the last seconds.
	 *
	 * @param {string} name
	 * @param {number} seconds
	 * @param {string[]} labels
	 * @returns {Map<string, number>}
	 */
	growth(name, seconds, ...labels) {
		const before = this.#before(seconds)?.by(name, ...labels);
		const now = this.now?.by(name, ...labels) ?? new Map();
		return new Map([...now].map(([key, value]) => [key, value - (before?.get(key) ?? 0)]));
	}

	/**
	 * A counter's growth in a second, all labels together.
	 *
	 * @param {string} name
	 * @param {number} seconds
	 */
	rate(name, seconds) {
		return this.rates(name, seconds).get('') ?? 0;
	}

	/**
	 * Carries a line on, and answers with it.
	 *
	 * @param {string} name
	 * @param {number} value
	 * @returns {readonly Point[]}
	 */
	line(name, value) {
		const line = this.#lines.get(name) ?? [];
		line.push({ at: this.now?.at ?? 0, value });
		if (line.length > POINTS_MAX) line.shift();
		this.#lines.set(name, line);
		return line;
	}

	/** @param {number} seconds */
	#before(seconds) {
		const now = this.now;
		return now && this.#snapshots.find(({ at }) => at >= now.at - seconds * 1000);
	}

	/** @param {number} seconds */
	#span(seconds) {
		const [before, now] = [this.#before(seconds), this.now];
		return before && now ? (now.at - before.at) / 1000 : 0;
	}
}

const UPGRADES = 'whisper_upgrades_total';

/** @typedef {{ at: number, value: number }} Point */

/**
 * Where a share of what a histogram counted lies, taken as spread evenly within its bucket; NaN
 * where it counted nothing.
 *
 * @param {ReadonlyMap<string, number>} buckets counts up to each bound, by that bound
 * @param {number} share from 0 to 1
 */
export function quantile(buckets, share) {
	const sorted = [...buckets]
		.map(([bound, count]) => ({ bound: bound === '+Inf' ? Infinity : Number(bound), count }))
		.sort((a, b) => a.bound - b.bound);
	const rank = share * (sorted.at(-1)?.count ?? 0);
	if (rank === 0) return NaN;
	let low = { bound: 0, count: 0 };
	for (const high of sorted) {
		if (high.count >= rank) {
			if (high.bound === Infinity) return low.bound;
			const part = (rank - low.count) / (high.count - low.count);
			return low.bound + (high.bound - low.bound) * part;
		}
		low = high;
	}
	return NaN;
}
