/** Solves one challenge on a thread of its own. */
import { solve, type ChallengeParameters } from './solve.ts';

addEventListener('message', ({ data }: MessageEvent<ChallengeParameters>) => {
	postMessage(solve(data));
});
