/** The operators' page: signs in, asks every two seconds, and shows one of its views. */
import { DoorError, Doors } from './doors.js';
import { byId, element, fill } from './element.js';
import { History, Snapshot } from './figures.js';
import { Now } from './now.js';
import { Reports } from './reports.js';

const INTERVAL_MS = 2000;

/** What people like is counted anew so seldom; see the engine. */
const INTERESTS_MS = 10_000;

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const moment = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

const view = byId('view');
const form = /** @type {HTMLFormElement} */ (byId('sign-in'));
const token = /** @type {HTMLInputElement} */ (byId('token'));
const leave = byId('leave');
const nav = /** @type {HTMLElement} */ (document.querySelector('nav'));

form.addEventListener('submit', async (event) => {
	event.preventDefault();
	const doors = new Doors(token.value.trim());
	try {
		await doors.stats();
		token.value = '';
		new Operations(doors).begin();
	} catch (error) {
		fill(byId('refused'), refusal(error));
		token.focus();
	}
});
leave.addEventListener('click', () => location.reload());
token.focus();

/** @param {unknown} error */
function refusal(error) {
	if (!(error instanceof DoorError)) throw error;
	if (error.status === 401) return "That isn't the token.";
	if (error.status === 403) return 'This engine has no token: set admin_token, and start it again.';
	return error.message;
}

class Operations {
	#doors;
	#history = new History();
	#now = new Now();
	#reports;
	#audit = element('ul', { class: 'audit' });
	#counted = -Infinity;
	/** When the engine answered last. */
	#answered = Date.now();

	/** @param {Doors} doors */
	constructor(doors) {
		this.#doors = doors;
		this.#reports = new Reports(doors, (error) => this.#complain(error));
	}

	begin() {
		nav.hidden = leave.hidden = false;
		addEventListener('hashchange', () => {
			this.#turn();
			view.focus();
		});
		this.#turn();
		view.focus();
		void this.#run();
	}

	/** Turns to the view that the address names. */
	#turn() {
		const name = ['#reports', '#audit'].includes(location.hash) ? location.hash : '#now';
		for (const link of nav.querySelectorAll('a')) {
			if (link.hash === name) link.setAttribute('aria-current', 'page');
			else link.removeAttribute('aria-current');
		}
		if (name === '#reports') {
			fill(view, this.#reports.node);
			void this.#reports.load();
		} else if (name === '#audit') {
			const title = element('h2', {}, 'Who decided what');
			fill(view, element('section', {}, title, this.#audit));
			void this.#loadAudit();
		} else fill(view, this.#now.node);
	}

	async #run() {
		for (;;) {
			// Whom nobody looks at asks nothing.
			if (document.visibilityState === 'visible') await this.#look();
			await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
		}
	}

	async #look() {
		try {
			const [stats, samples, open] = await Promise.all([
				this.#doors.stats(),
				this.#doors.metrics(),
				this.#doors.reports({ status: 'open' }),
			]);
			this.#answered = Date.now();
			this.#history.add(new Snapshot(this.#answered, samples));
			this.#now.draw(this.#history);
			if (this.#answered - this.#counted >= INTERESTS_MS) {
				this.#counted = this.#answered;
				this.#now.drawInterests(await this.#doors.interests());
			}
			fill(byId('open-reports'), open.length > 0 && `(${open.length})`);
			fill(byId('state'), stats.ready ? 'Taking people in' : 'Not taking people in');
			byId('state').classList.toggle('trouble', !stats.ready || !stats.healthy);
			fill(byId('trouble'), !stats.healthy && 'A reactor is stuck: see the log.');
		} catch (error) {
			this.#complain(error);
		}
	}

	async #loadAudit() {
		try {
			const deeds = await this.#doors.audit();
			const rows = deeds.map(({ at_ms, who, what, subject, why }) =>
				element(
					'li',
					{},
					element('span', { class: 'small soft' }, `${moment.format(at_ms)} · ${who}`),
					element('strong', {}, what, ' ', element('code', {}, subject)),
					why !== '' && element('span', {}, why),
				),
			);
			fill(this.#audit, ...(rows.length > 0 ? rows : [element('li', {}, 'Nothing yet.')]));
		} catch (error) {
			this.#complain(error);
		}
	}

	/** @param {unknown} error */
	#complain(error) {
		if (!(error instanceof DoorError)) throw error;
		const since = error.status === 0 ? ` The figures are of ${clock.format(this.#answered)}.` : '';
		fill(byId('trouble'), `${error.message}${since}`);
	}
}
