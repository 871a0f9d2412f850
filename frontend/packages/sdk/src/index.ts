/**
 * Client for the Whisper stranger-chat protocol.
 *
 * {@link WhisperClient} is all an app needs; the parts it is made of are exported for those who
 * want to build their own.
 *
 * @packageDocumentation
 */
export type {
	Chat,
	Entry,
	Media,
	ReportState,
	TheirEntry,
	WarningEntry,
	YourEntry,
} from './chat.ts';
export { ProtocolError } from './checks.ts';
export {
	WhisperClient,
	type ClientEvents,
	type ClientOptions,
	type Introduction,
	type SignalType,
} from './client.ts';
export { decode, encode, SUBPROTOCOL } from './codec.ts';
export { Emitter } from './emitter.ts';
export { addInterests, isTooLong, normalizeInterest } from './interests.ts';
export {
	COMMENT_CHARS_MAX,
	countChars,
	DEFAULT_LIMITS,
	ENTRIES_MAX,
	EVIDENCE_MAX,
} from './limits.ts';
export type * from './messages.ts';
export { ACK_DELAY_MS, ACK_MESSAGES_MAX, ProgressSender, READ_DELAY_MS } from './progress.ts';
export { rejoinDelayMs, RESUME_ANSWER_MS, RESUME_GRACE_MS, retryDelayMs } from './reconnect.ts';
export { reportMessages, type ReportWish } from './report.ts';
export {
	isForNow,
	NEW_SESSION,
	step,
	type Barred,
	type Chatting,
	type Ending,
	type Idle,
	type Input,
	type Interruption,
	type Link,
	type Over,
	type Phase,
	type Queued,
	type Session,
	type Step,
	type Unmatched,
} from './session.ts';
export { Socket, type SocketEvents, type SocketOptions } from './socket.ts';
export { TYPING_EXPIRY_MS, TYPING_IDLE_MS, TYPING_REPEAT_MS, TypingSender } from './typing.ts';
