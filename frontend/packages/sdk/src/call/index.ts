/**
 * Voice and video between the two of a chat: its own entry, so that a text chat never loads it.
 *
 * @packageDocumentation
 */
export {
	Call,
	type CallEvents,
	type CallOptions,
	type CallState,
	type SignalMessage,
} from './call.ts';
export { Degrader, qualityBetween, sampleOf, type Quality, type Sample } from './quality.ts';
