/**
 * What a person chose, remembered on this device: never what they like, for that is told to
 * strangers and belongs to one visit.
 */
import type { AgeCategory, Mode, QueueType, Relax, Wishes } from '@whisper/client';

const KEY = 'whisper.preferences';

/** What is remembered, and how each is read back: whatever is not as it should be is forgotten. */
const REMEMBERED = {
	ageCategory: oneOf('teen', 'adult'),
	queueType: oneOf('moderated', 'unmoderated'),
	mode: oneOf('text', 'voice', 'video'),
	relax: oneOf('strict', 'gradual', 'anyone'),
	tongue: oneOf('any', 'same'),
	accepted: isBoolean,
	language: isText,
	hasSound: isBoolean,
	hidesAddress: isBoolean,
	filtersNudity: isBoolean,
	isCareful: isBoolean,
	microphone: isText,
	camera: isText,
} as const;

export class Preferences {
	ageCategory = $state<AgeCategory>();
	queueType = $state<QueueType>('moderated');
	mode = $state<Mode>('text');
	relax = $state<Relax>('gradual');
	/** Whether the partner has to have the same language. */
	tongue = $state<'any' | 'same'>('any');
	/** Whether age and rules were accepted once. */
	accepted = $state(false);
	/** The language of the interface; the browser's where none was chosen. */
	language = $state<string>();
	/** Whether a message that is not seen can be heard. */
	hasSound = $state(false);
	/** Whether calls go through a relay, where there is one. */
	hidesAddress = $state(true);
	/** Whether pictures in calls are looked at first, by this device. */
	filtersNudity = $state(false);
	/** Whether that blurs all that isn't clearly ordinary. */
	isCareful = $state(false);
	/** Ids of the devices for calls; the system's own choice where none was made. */
	microphone = $state<string>();
	camera = $state<string>();
	/** For this visit alone. */
	interests = $state.raw<readonly string[]>([]);

	readonly #storage: () => Storage;

	constructor(storage: () => Storage) {
		this.#storage = storage;
		const stored = this.#load();
		for (const [name, isGood] of Object.entries(REMEMBERED)) {
			if (isGood(stored[name])) Object.assign(this, { [name]: stored[name] });
		}
		if (this.ageCategory === undefined) this.accepted = false;
	}

	/** Teens meet in the moderated room only. */
	get lane(): Pick<Wishes, 'ageCategory' | 'queueType' | 'mode'> {
		const ageCategory = this.ageCategory ?? 'teen';
		const queueType = ageCategory === 'teen' ? 'moderated' : this.queueType;
		return { ageCategory, queueType, mode: this.mode };
	}

	get wishes(): Wishes {
		const { lane, interests, relax, tongue: language } = this;
		return { ...lane, interests, relax, language };
	}

	save(): void {
		const names = Object.keys(REMEMBERED) as (keyof typeof REMEMBERED)[];
		const values = Object.fromEntries(names.map((name) => [name, this[name]]));
		try {
			this.#storage().setItem(KEY, JSON.stringify(values));
		} catch {
			// Storage may be forbidden or full; then this visit remembers for itself.
		}
	}

	#load(): Record<string, unknown> {
		try {
			const stored: unknown = JSON.parse(this.#storage().getItem(KEY) ?? '{}');
			return typeof stored === 'object' && stored !== null ? { ...stored } : {};
		} catch {
			return {};
		}
	}
}

function oneOf(...names: readonly string[]): (value: unknown) => boolean {
	return (value) => names.some((name) => name === value);
}

function isBoolean(value: unknown): boolean {
	return typeof value === 'boolean';
}

function isText(value: unknown): boolean {
	return typeof value === 'string';
}

export const preferences = new Preferences(() => localStorage);
