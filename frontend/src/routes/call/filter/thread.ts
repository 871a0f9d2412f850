/** The filter's worker, loaded by whoever wants the filter. */
export function startWorker(): Worker {
	return new Worker(new URL('./nudity.ts', import.meta.url), { type: 'module' });
}
