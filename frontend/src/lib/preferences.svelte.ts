/**
 * What a person chose, remembered on this device: never what they like, for that is told to
 * strangers and belongs to one visit.
 */
import type { AgeCategory, QueueType, Relax, Wishes } from '@whisper/client';

const KEY = 'whisper.preferences';

export class Preferences {
	ageCategory = $state<AgeCategory>();
	queueType = $state<QueueType>('moderated');
	relax = $state<Relax>('gradual');
	/** Whether age and rules were accepted once. */
	accepted = $state(false);
	/** For this visit alone. */
	interests = $state.raw<readonly string[]>([]);

	constructor(storage: () => Storage) {
		this.#storage = storage;
		const stored = this.#load();
		this.ageCategory = oneOf(stored['ageCategory'], ['teen', 'adult']);
		this.queueType = oneOf(stored['queueType'], ['moderated', 'unmoderated']) ?? 'moderated';
		this.relax = oneOf(stored['relax'], ['strict', 'gradual', 'anyone']) ?? 'gradual';
		this.accepted = stored['accepted'] === true && this.ageCategory !== undefined;
	}

	readonly #storage: () => Storage;

	/** Teens meet in the moderated room only. */
	get lane(): Pick<Wishes, 'ageCategory' | 'queueType' | 'mode'> {
		const ageCategory = this.ageCategory ?? 'teen';
		const queueType = ageCategory === 'teen' ? 'moderated' : this.queueType;
		return { ageCategory, queueType, mode: 'text' };
	}

	get wishes(): Wishes {
		return { ...this.lane, interests: this.interests, relax: this.relax };
	}

	save(): void {
		const { ageCategory, queueType, relax, accepted } = this;
		try {
			this.#storage().setItem(KEY, JSON.stringify({ ageCategory, queueType, relax, accepted }));
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

function oneOf<const T extends string>(value: unknown, names: readonly T[]): T | undefined {
	return names.find((name) => name === value);
}

export const preferences = new Preferences(() => localStorage);
