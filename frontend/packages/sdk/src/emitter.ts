/** Listeners by event name; the type argument maps each name to what its listeners get. */
export class Emitter<Events> {
	readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>();

	/** Calls `listener` at every `name` from now on. The returned function ends that. */
	on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
		const listeners = this.#listeners.get(name) ?? new Set();
		this.#listeners.set(name, listeners.add(listener));
		return () => void listeners.delete(listener);
	}

	protected emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
		for (const listener of [...(this.#listeners.get(name) ?? [])]) {
			(listener as (event: Events[Name]) => void)(event);
		}
	}
}
