/** The queue of reports: what somebody did, what proves it, and what is done about it. */
import { element, fill } from './element.js';
import { askVerdict } from './verdict.js';

/** @typedef {import('./doors.js').Doors} Doors */
/** @typedef {import('./doors.js').Report} Report */
/** @typedef {import('./doors.js').WholeReport} WholeReport */

const moment = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
const time = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

/** @type {Readonly<Record<string, string>>} */
const REASONS = {
	minor: 'Someone under 18 at risk',
	threat: 'Threat',
	harassment: 'Harassment',
	explicit: 'Explicit',
	spam: 'Spam',
	other: 'Something else',
};

/** @type {Readonly<Record<string, string>>} */
const STATUSES = { open: 'Open', upheld: 'Upheld', dismissed: 'Dismissed', banned: 'Banned' };

export class Reports {
	#doors;
	#list = element('ul', { class: 'list' });
	#detail = element('article', { class: 'detail', tabindex: -1, 'aria-live': 'polite' });
	#status = select('Status', { '': 'Any', ...STATUSES }, 'open', () => this.load());
	#reason = select('Reason', { '': 'Any', ...REASONS }, '', () => this.load());
	#verified = check('With messages', () => this.load());
	#held = check('Held', () => this.load());
	#only = element('p', { class: 'only' });
	#accused = '';
	#openId = '';
	#trouble;

	/**
	 * @param {Doors} doors
	 * @param {(trouble: unknown) => void} ontrouble
	 */
	constructor(doors, ontrouble) {
		this.#doors = doors;
		this.#trouble = ontrouble;
		this.#choose(undefined);
		this.node = element(
			'div',
			{ class: 'reports' },
			element(
				'section',
				{ class: 'queue' },
				element('h2', {}, 'Reports'),
				element(
					'div',
					{ class: 'filters' },
					this.#status.node,
					this.#reason.node,
					this.#verified.node,
					this.#held.node,
				),
				this.#only,
				this.#list,
			),
			this.#detail,
		);
	}

	/** Asks for the queue anew; what has the focus keeps it. */
	async load() {
		const wanted = {
			status: this.#status.input.value,
			reason: this.#reason.input.value,
			accused: this.#accused,
			verified: this.#verified.input.checked ? 'true' : '',
			held: this.#held.input.checked ? 'true' : '',
		};
		const asked = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== ''));
		try {
			this.#show(await this.#doors.reports(asked));
		} catch (error) {
			this.#trouble(error);
		}
	}

	/** @param {readonly Report[]} reports */
	#show(reports) {
		const focused = document.activeElement?.getAttribute('data-report');
		const items = reports.map((report) => element('li', {}, this.#item(report)));
		const none = element('li', { class: 'soft none' }, 'Nothing here.');
		fill(this.#list, ...(items.length > 0 ? items : [none]));
		fill(
			this.#only,
			this.#accused !== '' && `On one person, ${this.#accused.slice(0, 8)}. `,
			this.#accused !== '' && button('plain', 'Show all again', () => this.#of('')),
		);
		if (focused !== null && focused !== undefined) this.#itemOf(focused)?.focus();
	}

	/** @param {Report} report */
	#item(report) {
		return element(
			'button',
			{
				class: `item${report.urgent ? ' urgent' : ''}`,
				type: 'button',
				'data-report': report.id,
				'aria-current': report.id === this.#openId && 'true',
				click: () => void this.#open(report.id),
			},
			element('span', { class: 'what' }, REASONS[report.reason] ?? report.reason),
			report.urgent && element('span', { class: 'tag bad' }, 'Urgent'),
			report.status !== 'open' &&
				element('span', { class: 'tag' }, STATUSES[report.status] ?? report.status),
			report.held && element('span', { class: 'tag' }, 'Held'),
			element(
				'span',
				{ class: 'small soft when' },
				`${moment.format(report.at_ms)} · ${messages(report.verified)}`,
			),
		);
	}

	/** @param {string} id */
	async #open(id) {
		try {
			this.#choose(await this.#doors.report(id));
			this.#detail.focus();
		} catch (error) {
			this.#trouble(error);
		}
	}

	/** @param {WholeReport | undefined} report */
	#choose(report) {
		this.#openId = report?.id ?? '';
		for (const item of this.#list.querySelectorAll('.item')) {
			const isOpen = item.getAttribute('data-report') === this.#openId;
			if (isOpen) item.setAttribute('aria-current', 'true');
			else item.removeAttribute('aria-current');
		}
		this.#detail.classList.toggle('empty', report === undefined);
		if (report === undefined) {
			fill(this.#detail, element('p', { class: 'soft' }, 'Choose a report to read it.'));
			return;
		}
		fill(
			this.#detail,
			button('plain back', 'Back to the queue', () => this.#back()),
			element('h2', {}, REASONS[report.reason] ?? report.reason),
			element(
				'p',
				{ class: 'small soft' },
				`${moment.format(report.at_ms)} · ${STATUSES[report.status] ?? report.status}`,
				report.held && ' · held past its time',
				report.ban !== '' && ` · appeal id ${report.ban}`,
			),
			report.comment !== '' && element('blockquote', {}, report.comment),
			element('h3', {}, 'What they said'),
			evidence(report),
			element(
				'p',
				{ class: 'small soft' },
				report.accused === '' ? 'Who it was is not known any more. ' : 'On ',
				report.accused !== '' && element('code', {}, report.accused.slice(0, 8)),
				report.accused !== '' &&
					button('plain', 'All reports on them', () => this.#of(report.accused)),
			),
			this.#actions(report),
		);
	}

	/** @param {WholeReport} report */
	#actions(report) {
		const isOpen = report.status === 'open';
		const decide = async (/** @type {import('./verdict.js').Kind} */ kind) => {
			if (await askVerdict(kind, report, this.#doors)) {
				await this.#open(report.id);
				await this.load();
			}
		};
		return element(
			'div',
			{ class: 'actions' },
			isOpen && report.accused !== '' && button('danger', 'Ban…', () => decide('ban')),
			isOpen && button('', 'Uphold…', () => decide('upheld')),
			isOpen && button('', 'Dismiss…', () => decide('dismissed')),
			button('plain', report.held ? 'Let go…' : 'Hold…', () =>
				decide(report.held ? 'release' : 'hold'),
			),
		);
	}

	#back() {
		const id = this.#openId;
		this.#choose(undefined);
		this.#itemOf(id)?.focus();
	}

	/** @param {string} accused */
	#of(accused) {
		this.#accused = accused;
		if (accused !== '') this.#status.input.value = '';
		void this.load();
	}

	/** @param {string} id */
	#itemOf(id) {
		/** @type {HTMLElement | null} */
		const found = this.#list.querySelector(`[data-report="${CSS.escape(id)}"]`);
		return found;
	}
}

/** @param {WholeReport} report */
function evidence(report) {
	if (report.evidence.length === 0)
		return element('p', { class: 'soft' }, 'No message of theirs was sent along.');
	return element(
		'ol',
		{ class: 'said' },
		...report.evidence.map(({ at_ms, content }) =>
			element(
				'li',
				{},
				element('p', { class: 'bubble' }, content),
				element('span', { class: 'small soft' }, time.format(at_ms)),
			),
		),
	);
}

/** @param {number} count */
function messages(count) {
	if (count === 0) return 'no messages';
	return count === 1 ? '1 message' : `${count} messages`;
}

/**
 * @param {string} look
 * @param {string} text
 * @param {() => void} click
 */
function button(look, text, click) {
	return element('button', { class: `button ${look}`, type: 'button', click }, text);
}

/**
 * @param {string} label
 * @param {Readonly<Record<string, string>>} options by value
 * @param {string} value
 * @param {() => void} change
 */
function select(label, options, value, change) {
	const choices = Object.entries(options).map(([value, text]) =>
		element('option', { value }, text),
	);
	const input = element('select', { class: 'field', change }, ...choices);
	input.value = value;
	return { node: element('label', {}, element('span', { class: 'small' }, label), input), input };
}

/**
 * @param {string} label
 * @param {() => void} change
 */
function check(label, change) {
	const input = element('input', { type: 'checkbox', change });
	return { node: element('label', { class: 'check' }, input, label), input };
}
