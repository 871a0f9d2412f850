/**
 * Proof of work for `hello.proof`, which an engine asks for while far too many people come.
 *
 * @module
 */
import { parametersOf, solve } from './solve.ts';

/**
 * Solves a challenge in a worker; where there are none, right here.
 *
 * @returns undefined where it can't be solved, or was given up
 */
export function prove(
	challenge: Readonly<Record<string, unknown>>,
	signal: AbortSignal,
): Promise<Uint8Array | undefined> {
	const parameters = parametersOf(challenge);
	if (!parameters || signal.aborted) return Promise.resolve(undefined);
	if (typeof Worker === 'undefined') return Promise.resolve(solve(parameters));
	return new Promise((resolve) => {
		const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
		const end = (proof?: Uint8Array) => {
			worker.terminate();
			resolve(proof);
		};
		worker.addEventListener('message', ({ data }: MessageEvent<Uint8Array | undefined>) =>
			end(data),
		);
		worker.addEventListener('error', () => end(solve(parameters)));
		signal.addEventListener('abort', () => end());
		worker.postMessage(parameters);
	});
}
