/** What happens at this moment: figures with their last minutes, and who carries how much of it. */
import { Chart } from './chart.js';
import { element, fill } from './element.js';
import { quantile } from './figures.js';

/** @typedef {import('./figures.js').History} History */
/** @typedef {import('./doors.js').Interests} Interests */

/** Rates are those of the last seconds, lest they flicker. */
const RATE_SECS = 10;

/** What is too rare for that is told by the last minutes. */
const LATELY_SECS = 120;

const numbers = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const whole = (/** @type {number} */ value) => numbers.format(Math.round(value));
const rate = (/** @type {number} */ value) => `${numbers.format(value)}/s`;

/** @type {readonly { title: string, format: (value: number) => string, of: (history: History) => number }[]} */
const FIGURES = [
	{ title: 'People online', format: whole, of: (it) => it.now?.sum('whisper_people_online') ?? 0 },
	{ title: 'In the queue', format: whole, of: (it) => it.now?.sum('whisper_people_queued') ?? 0 },
	{ title: 'Chats', format: whole, of: (it) => it.now?.sum('whisper_chats') ?? 0 },
	{
		title: 'Matches',
		format: rate,
		of: (it) => it.rate('whisper_rooms_opened_total', RATE_SECS),
	},
	{
		title: 'Messages from people',
		format: rate,
		of: (it) => it.rate('whisper_messages_in_total', RATE_SECS),
	},
	{
		title: 'Refused at the door',
		format: rate,
		of: (it) => {
			const rates = it.rates('whisper_refused_total', RATE_SECS, 'reason');
			return REFUSED.reduce((sum, reason) => sum + (rates.get(reason) ?? 0), 0);
		},
	},
];

/** Reasons of `whisper_refused_total` that keep newcomers out. */
const REFUSED = ['addresses', 'handshakes', 'full', 'closed', 'banned'];

const TIERS = ['exact', 'overlap', 'single', 'any'];
const WAITS = 'whisper_match_wait_seconds_bucket';

export class Now {
	#charts = FIGURES.map(({ title, format }) => new Chart(title, format));
	#tiers = element('tbody');
	#verdicts = element('tbody');
	#reactors = element('tbody');
	#interests = element('tbody');

	constructor() {
		this.node = element(
			'div',
			{ class: 'now' },
			element('h2', { class: 'for-readers' }, 'Now'),
			element('div', { class: 'figures' }, ...this.#charts.map(({ node }) => node)),
			element(
				'div',
				{ class: 'tables' },
				table(
					'How long people wait',
					['Sharing', 'Matched', 'Half within', '95 % within'],
					this.#tiers,
				),
				table('What rules found', ['Where', 'How bad', 'Done', 'Lately', 'In all'], this.#verdicts),
				table('What people like', ['Interest', 'People'], this.#interests),
				table(
					'Who carries it',
					['Reactor', 'People', 'Queue', 'Chats', 'Messages/s', 'Sends/s', 'Turns/s', 'Load'],
					this.#reactors,
				),
			),
		);
	}

	/** @param {Interests} liked */
	drawInterests({ least, interests }) {
		const most = interests[0]?.people ?? 1;
		const rows = interests.map(({ name, people }) => row(name, bar(people / most, whole(people))));
		fill(
			this.#interests,
			...(rows.length > 0 ? rows : [nothing(`Nothing that ${least} people share.`, 2)]),
		);
	}

	/** @param {History} history */
	draw(history) {
		FIGURES.forEach(({ title, of }, index) => {
			this.#charts[index]?.draw(history.line(title, of(history)));
		});
		fill(this.#tiers, ...TIERS.map((tier) => tierRow(history, tier)));
		fill(this.#verdicts, ...verdictRows(history));
		fill(this.#reactors, ...reactorRows(history));
	}
}

/**
 * @param {History} history
 * @param {string} tier
 */
function tierRow(history, tier) {
	const counts = history.growth(WAITS, LATELY_SECS, 'tier', 'le');
	const buckets = new Map(
		[...counts]
			.filter(([key]) => key.startsWith(`${tier} `))
			.map(([key, count]) => [key.slice(tier.length + 1), count]),
	);
	return row(
		tier,
		whole(buckets.get('+Inf') ?? 0),
		duration(quantile(buckets, 0.5)),
		duration(quantile(buckets, 0.95)),
	);
}

/** @param {History} history */
function verdictRows(history) {
	const labels = ['offence', 'severity', 'action'];
	const all = history.now?.by('whisper_verdicts_total', ...labels) ?? new Map();
	const lately = history.growth('whisper_verdicts_total', LATELY_SECS, ...labels);
	const rows = [...all].filter(([, count]) => count > 0);
	if (rows.length === 0) return [nothing('Nothing so far.', 5)];
	return rows.map(([key, count]) =>
		row(...key.split(' '), whole(lately.get(key) ?? 0), whole(count)),
	);
}

/** @param {History} history */
function reactorRows(history) {
	const now = history.now;
	if (now === undefined) return [];
	const [people, queue, chats] = ['people_online', 'people_queued', 'chats'].map((name) =>
		now.by(`whisper_${name}`, 'reactor'),
	);
	const [messages, sends, turns] = ['messages_in', 'sends', 'turns'].map((name) =>
		history.rates(`whisper_${name}_total`, RATE_SECS, 'reactor'),
	);
	const busy = history.rates(BUSY, RATE_SECS, 'reactor');
	return [...(people ?? [])].map(([reactor, online]) => {
		const share = busy.get(reactor);
		return row(
			reactor,
			whole(online),
			whole(queue?.get(reactor) ?? 0),
			whole(chats?.get(reactor) ?? 0),
			whole(messages?.get(reactor) ?? 0),
			whole(sends?.get(reactor) ?? 0),
			whole(turns?.get(reactor) ?? 0),
			share === undefined ? '–' : bar(share),
		);
	});
}

/** How long turns took, awake: as a rate, the share of a second that a reactor works. */
const BUSY = 'whisper_turn_seconds_sum';

/**
 * @param {number} share from 0 to 1
 * @param {string} [text] the share, unless something else is to be read
 */
function bar(share, text) {
	const percent = Math.round(Math.min(Math.max(share, 0), 1) * 100);
	const shown = element('span', { class: 'bar' }, text ?? `${percent} %`);
	shown.style.setProperty('--share', `${percent}%`);
	return shown;
}

/** @param {number} seconds */
function duration(seconds) {
	if (Number.isNaN(seconds)) return '–';
	return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${numbers.format(seconds)} s`;
}

/**
 * A table that scrolls by itself where it is too wide, by keys as well.
 *
 * @param {string} title
 * @param {readonly string[]} heads
 * @param {HTMLElement} body
 */
function table(title, heads, body) {
	const head = element('thead', {}, element('tr', {}, ...heads.map(columnHead)));
	return element(
		'section',
		{ class: 'table' },
		element('h3', {}, title),
		element(
			'div',
			{ class: 'scroll', tabindex: 0, role: 'group', 'aria-label': title },
			element('table', {}, head, body),
		),
	);
}

const columnHead = (/** @type {string} */ text) => element('th', { scope: 'col' }, text);

/** @param {(Node | string)[]} cells the first names the row */
function row(...cells) {
	const [name, ...rest] = cells;
	return element(
		'tr',
		{},
		element('th', { scope: 'row' }, name),
		...rest.map((cell) => element('td', {}, cell)),
	);
}

/**
 * @param {string} text
 * @param {number} columns
 */
function nothing(text, columns) {
	return element('tr', {}, element('td', { class: 'soft', colspan: columns }, text));
}
