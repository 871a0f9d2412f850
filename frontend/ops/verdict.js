/** Asks once more before a decision, for its terms and for why; and says what comes of it. */
import { DoorError } from './doors.js';
import { element, fill } from './element.js';

/** @typedef {'ban' | 'upheld' | 'dismissed' | 'hold' | 'release'} Kind */
/** @typedef {import('./doors.js').Doors} Doors */
/** @typedef {import('./doors.js').Report} Report */

/** Terms of a ban, by their seconds; none is for good. */
const TERMS = /** @type {const} */ ([
	['3600', '1 hour'],
	['86400', '1 day'],
	['604800', '7 days'],
	['2592000', '30 days'],
	['', 'good'],
]);

/** @type {Readonly<Record<Kind, { title: string, effect: string, act: string }>>} */
const WORDS = {
	ban: {
		title: 'Ban this person?',
		effect:
			'Their chat ends at once, and they are kept out by address, device and fingerprint. They are told the reason and a code to appeal with.',
		act: 'Ban',
	},
	upheld: {
		title: 'Uphold this report?',
		effect: 'It is right, and counts towards a ban by itself. The decision is final.',
		act: 'Uphold',
	},
	dismissed: {
		title: 'Dismiss this report?',
		effect: 'There is nothing in it, and it counts against nobody. The decision is final.',
		act: 'Dismiss',
	},
	hold: {
		title: 'Hold this report?',
		effect: 'It is kept, with its messages, until somebody lets it go.',
		act: 'Hold',
	},
	release: {
		title: 'Let this report go?',
		effect: 'It is deleted, with its messages, when its time is over. That may be tonight.',
		act: 'Let go',
	},
};

/**
 * Asks, and carries out what is confirmed.
 *
 * @param {Kind} kind
 * @param {Report} report
 * @param {Doors} doors
 * @returns {Promise<boolean>} whether it was done
 */
export function askVerdict(kind, report, doors) {
	const { title, effect, act } = WORDS[kind];
	const isBan = kind === 'ban';
	const term = element('select', { class: 'field', id: 'term' });
	term.append(...TERMS.map(([value, text]) => element('option', { value }, `For ${text}`)));
	term.value = '86400';
	const told = element('input', { class: 'field', id: 'told', maxlength: 200, required: isBan });
	told.value = TOLD[report.reason] ?? '';
	const why = element('input', { class: 'field', id: 'why', maxlength: 500, autocomplete: 'off' });
	const trouble = element('p', { class: 'trouble', role: 'alert' });
	const confirm = element('button', { class: `button ${isBan ? 'danger' : 'act'}` }, act);
	const name = () => isBan && fill(confirm, `Ban ${term.selectedOptions[0]?.text.toLowerCase()}`);
	term.addEventListener('change', name);
	name();

	const carryOut = () => {
		switch (kind) {
			case 'ban': {
				const seconds = term.value === '' ? undefined : Number(term.value);
				return doors.ban(report.id, { seconds, reason: told.value.trim(), why: why.value.trim() });
			}
			case 'upheld':
			case 'dismissed':
				return doors.resolve(report.id, kind, why.value.trim());
			case 'hold':
			case 'release':
				return doors.hold(report.id, kind === 'hold', why.value.trim());
		}
	};

	return new Promise((resolve) => {
		let isDone = false;
		const form = element(
			'form',
			{
				submit: async (/** @type {SubmitEvent} */ event) => {
					event.preventDefault();
					confirm.disabled = true;
					try {
						await carryOut();
						isDone = true;
						dialog.close();
					} catch (error) {
						if (!(error instanceof DoorError)) throw error;
						fill(trouble, `Not done. ${error.message}`);
						confirm.disabled = false;
					}
				},
			},
			element('h2', { id: 'verdict', tabindex: -1 }, title),
			element('p', {}, effect),
			isBan && labelled('For how long', term),
			isBan && labelled('What they are told', told),
			labelled('Why, for the audit', why),
			trouble,
			element(
				'div',
				{ class: 'actions' },
				element(
					'button',
					{ class: 'button', type: 'button', click: () => dialog.close() },
					'Cancel',
				),
				confirm,
			),
		);
		const dialog = element(
			'dialog',
			{
				'aria-labelledby': 'verdict',
				close: () => {
					dialog.remove();
					resolve(isDone);
				},
			},
			form,
		);
		document.body.append(dialog);
		dialog.showModal();
		// The question is read first, and nothing is done by a hasty key.
		form.querySelector('h2')?.focus();
	});
}

/** What a person is told, unless something else is written. */
/** @type {Readonly<Record<string, string>>} */
const TOLD = {
	minor: 'Sexual content about minors',
	threat: 'Threats',
	harassment: 'Harassment',
	explicit: 'Explicit content',
	spam: 'Spam',
};

/**
 * @param {string} label
 * @param {HTMLElement} field
 */
function labelled(label, field) {
	return element('label', {}, element('span', { class: 'small' }, label), field);
}
