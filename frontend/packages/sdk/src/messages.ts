/**
 * Every message of the wire protocol, version 1.
 *
 * A message is a map `{ type, data }`. Integers are safe integers; times are Unix milliseconds,
 * durations milliseconds, and "chars" are Unicode code points. The types are those of the engine,
 * and values of them are never changed in place.
 *
 * @module
 */
import type * as wire from './generated/wire.ts';

export type {
	AgeCategory,
	ErrorCode,
	LanguageWish,
	Mode,
	QueueType,
	Relax,
	ReportReason,
	Severity,
	Tier,
} from './generated/wire.ts';

/** A message that a client may send. */
export type ClientMessage = Frozen<wire.ClientMessage>;
/** A message that the engine may send. */
export type ServerMessage = WithData<Frozen<wire.ServerMessage>>;

/** The data of each message a client may send, by type. `undefined` where there is none. */
export type ClientMessages = DataByType<ClientMessage>;
/** The data of each message the engine may send, by type. */
export type ServerMessages = DataByType<ServerMessage>;

/** A map that the engine passes to the partner verbatim (WebRTC signalling); at most 16 KiB. */
export type Signal = Frozen<wire.Signal['data']>;

/** What a person wants of the queue. */
export type Wishes = Frozen<wire.Join>;
export type Lane = Frozen<wire.Lane>;
export type Hello = Frozen<wire.Hello>;
export type Say = Frozen<wire.Say>;
export type Report = Frozen<wire.Report>;
export type Evidence = Frozen<wire.Evidence>;

export type Connected = Frozen<wire.Connected>;
export type Limits = Frozen<wire.SessionLimits>;
export type IceServer = Frozen<wire.IceServer>;
export type Searching = Frozen<wire.Searching>;
export type Matched = Frozen<wire.Matched>;
export type PartnerInfo = Frozen<wire.PartnerInfo>;
export type PartnerMessage = Frozen<wire.Said>;
export type ModerationWarning = Frozen<wire.ModerationWarning>;
export type Stats = Frozen<wire.Stats>;
export type Banned = Frozen<wire.Banned>;
export type Refusal = Frozen<wire.ErrorMessage>;

type Frozen<T> = T extends Uint8Array | string
	? T
	: T extends object
		? { readonly [Key in keyof T]: Frozen<T[Key]> }
		: T;

/** The engine sends data with all it says, where there are no fields as well. */
type WithData<Message> = Message extends { readonly data: unknown }
	? Message
	: Message & { readonly data: Readonly<Record<never, never>> };

type DataByType<Message extends { readonly type: string }> = {
	[Each in Message as Each['type']]: Each extends { readonly data: infer Data } ? Data : undefined;
};
