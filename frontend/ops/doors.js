/** The one way to the engine. The token lives here, in memory, and goes with each request. */
import { parse } from './openmetrics.js';

/**
 * @typedef {object} Report
 * @property {string} id
 * @property {number} at_ms
 * @property {string} reason
 * @property {boolean} urgent
 * @property {'open' | 'upheld' | 'dismissed' | 'banned'} status
 * @property {boolean} held
 * @property {string} ban what the banned person may quote
 * @property {string} accused
 * @property {number} verified how many messages go along, each of them proved
 * @property {string} comment
 */

/** @typedef {Report & { evidence: { seq: number, at_ms: number, content: string }[] }} WholeReport */
/** @typedef {{ least: number, interests: { name: string, people: number }[] }} Interests */
/** @typedef {{ at_ms: number, who: string, what: string, subject: string, why: string }} Deed */

/** The engine has refused, or was not reached. */
export class DoorError extends Error {
	/**
	 * @param {number} status that of HTTP; 0 where nothing answered
	 * @param {string} message
	 */
	constructor(status, message) {
		super(message);
		this.status = status;
	}
}

/** An engine that is silent for longer has not answered. */
const ANSWER_MS_MAX = 10_000;

export class Doors {
	#token;

	/** @param {string} token */
	constructor(token) {
		this.#token = token;
	}

	/** The numbers in sum, and whether all is well. */
	async stats() {
		return /** @type {Record<string, unknown>} */ (await this.#json('/admin/stats'));
	}

	async metrics() {
		return parse(await (await this.#ask('/metrics')).text());
	}

	/** @param {Record<string, string>} wanted */
	async reports(wanted) {
		const { reports } = await this.#json(`/admin/reports?${new URLSearchParams(wanted)}`);
		return /** @type {Report[]} */ (reports);
	}

	/** @param {string} id */
	async report(id) {
		return /** @type {WholeReport} */ (await this.#json(pathOf(id)));
	}

	/**
	 * @param {string} id
	 * @param {'upheld' | 'dismissed'} decision
	 * @param {string} why
	 */
	async resolve(id, decision, why) {
		await this.#order(`${pathOf(id)}/resolve`, { decision, why });
	}

	/**
	 * @param {string} id
	 * @param {{ seconds: number | undefined, reason: string, why: string }} terms
	 */
	async ban(id, terms) {
		await this.#order(`${pathOf(id)}/ban`, terms);
	}

	/**
	 * @param {string} id
	 * @param {boolean} held
	 * @param {string} why
	 */
	async hold(id, held, why) {
		await this.#order(`${pathOf(id)}/hold`, { held, why });
	}

	/** What many like, and how many people make many. */
	async interests() {
		return /** @type {Interests} */ (await this.#json('/admin/interests'));
	}

	async audit() {
		return /** @type {Deed[]} */ ((await this.#json('/admin/audit')).audit);
	}

	/** @param {string} path */
	async #json(path) {
		return (await this.#ask(path)).json();
	}

	/**
	 * @param {string} path
	 * @param {object} wish
	 */
	async #order(path, wish) {
		const headers = { 'content-type': 'application/json' };
		await this.#ask(path, { method: 'POST', body: JSON.stringify(wish), headers });
	}

	/**
	 * @param {string} path
	 * @param {RequestInit} [request]
	 */
	async #ask(path, request = {}) {
		const answer = await fetch(path, {
			...request,
			headers: { ...request.headers, authorization: `Bearer ${this.#token}` },
			// Nothing of a browser's own: who asks is said by the token alone.
			credentials: 'omit',
			signal: AbortSignal.timeout(ANSWER_MS_MAX),
		}).catch(() => {
			// What browsers say of it is «Failed to fetch».
			throw new DoorError(0, "The engine doesn't answer.");
		});
		if (answer.ok) return answer;
		const said = await answer.json().catch(() => ({}));
		throw new DoorError(answer.status, String(said.error ?? answer.statusText));
	}
}

/** @param {string} id */
function pathOf(id) {
	return `/admin/reports/${encodeURIComponent(id)}`;
}
