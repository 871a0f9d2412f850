/**
 * Every message of the wire protocol, version 1.
 *
 * A message is a map `{ type, data }`. Integers are safe integers; times are Unix milliseconds,
 * durations milliseconds, and "chars" are Unicode code points.
 *
 * @module
 */

export type AgeCategory = 'teen' | 'adult';
export type Mode = 'text' | 'voice' | 'video';
export type QueueType = 'moderated' | 'unmoderated';

/**
 * What to do while nobody shares an interest: `strict` waits for the interests alone, `gradual`
 * opens up to anyone after some seconds, `anyone` takes whoever is there.
 */
export type Relax = 'strict' | 'gradual' | 'anyone';

/** How good a match is, best first: the same set, two or more shared, one shared, anyone. */
export type Tier = 'exact' | 'overlap' | 'single' | 'any';

/** People of different lanes never meet. */
export interface Lane {
	readonly ageCategory: AgeCategory;
	readonly mode: Mode;
	readonly queueType: QueueType;
}

/** A map that the engine passes to the partner verbatim (WebRTC signalling); at most 16 KiB. */
export type Signal = Readonly<Record<string, unknown>>;

/**
 * The chat a message belongs to. The engine drops a message whose room is no longer the current
 * one, so that a late frame never reaches the next stranger.
 */
export interface InRoom {
	readonly roomId?: string;
}

export interface Hello {
	/** At most 128 chars. */
	readonly fingerprint?: string;
	/** A BCP 47 tag. */
	readonly language?: string;
	/** The token of the last `connected`, to get that session back. */
	readonly resume?: Uint8Array;
	/** The partner's highest `seq` received. */
	readonly lastSeq?: number;
	readonly proof?: Uint8Array;
}

/** What a person wants of the queue. */
export interface Wishes extends Lane {
	/** At most 10, each at most 32 chars after normalising. */
	readonly interests: readonly string[];
	readonly relax?: Relax;
	/** `same` needs a language in `hello`. */
	readonly language?: 'any' | 'same';
}

export interface Say extends InRoom {
	/** 1 to 2,000 chars. */
	readonly content: string;
	/** At most 36 chars; comes back in the `message_ack`. */
	readonly id?: string;
}

export interface Evidence {
	readonly seq: number;
	readonly content: string;
	readonly timestamp: number;
	readonly tag: Uint8Array;
}

export type ReportReason = 'harassment' | 'spam' | 'explicit' | 'minor' | 'threat' | 'other';

export interface Report extends InRoom {
	readonly reason: ReportReason;
	/** At most 500 chars. */
	readonly comment?: string;
	/** At most 36 chars; further evidence goes into further reports with the same id. */
	readonly id?: string;
	/** At most 20 in all. */
	readonly evidence?: readonly Evidence[];
	readonly block?: boolean;
}

/** The data of each message a client may send, by type. `undefined` where there is none. */
export interface ClientMessages {
	hello: Hello;
	join: Wishes;
	leave: undefined;
	message: Say;
	skip: InRoom & { readonly reason?: string };
	ack: { readonly seq: number };
	typing: InRoom & { readonly isTyping: boolean };
	video_toggle: InRoom & { readonly enabled: boolean };
	audio_toggle: InRoom & { readonly enabled: boolean };
	offer: Signal;
	answer: Signal;
	ice_candidate: Signal;
	report: Report;
	read: InRoom & { readonly seq: number };
	ping: undefined;
}

export interface Limits {
	readonly messageBytes: number;
	readonly contentChars: number;
	readonly interests: number;
	readonly interestChars: number;
}

export interface IceServer {
	readonly urls: string | readonly string[];
	readonly username?: string;
	readonly credential?: string;
}

export interface Connected {
	/** Random, made for this session alone. */
	readonly userId: string;
	/** Brings the session back after a lost connection. */
	readonly resume: Uint8Array;
	readonly serverTime: number;
	readonly limits: Limits;
	readonly iceServers?: readonly IceServer[];
	readonly relayOnly?: boolean;
	/** The lanes that are open; absent where the engine doesn't say. */
	readonly lanes?: readonly Lane[];
	readonly challenge?: Readonly<Record<string, unknown>>;
}

export interface Searching {
	/** People ahead in the lane, estimated. */
	readonly position: number;
	/** The lane's median wait, in milliseconds. */
	readonly estimatedTime: number;
	/** The widest tier that is open. */
	readonly tier: Tier;
}

export interface PartnerInfo {
	readonly interests: readonly string[];
	readonly sharedInterests: readonly string[];
}

export interface Matched {
	readonly roomId: string;
	/** Random, made for this chat alone. */
	readonly partnerId: string;
	readonly mode: Mode;
	/** True for one of the two: the one that makes the WebRTC offer. */
	readonly isInitiator: boolean;
	readonly partnerInfo: PartnerInfo;
	readonly tier: Tier;
	readonly waitedMs: number;
}

export interface PartnerMessage {
	/** Chosen by the sender, so never unique by itself. */
	readonly id: string;
	readonly senderId: string;
	readonly content: string;
	readonly timestamp: number;
	/** Per room and sender, from 1. */
	readonly seq: number;
	/** 16 bytes that let a report prove what was said. */
	readonly tag: Uint8Array;
}

export interface ModerationWarning {
	readonly message: string;
	readonly severity: 'low' | 'medium' | 'high';
	/** The rule, for the client's own words. */
	readonly code: string;
	/** How many there are by now. */
	readonly warnings: number;
	/** Whether the message was held back. */
	readonly blocked: boolean;
}

export interface Stats {
	readonly totalOnline: number;
	readonly inQueue: number;
	readonly activeChats: number;
	readonly avgMatchTime: number;
}

export interface Banned {
	readonly reason: string;
	/** To be quoted in an appeal. */
	readonly code: string;
	readonly until?: number;
}

export type ErrorCode =
	| 'bad_message'
	| 'too_large'
	| 'rate_limited'
	| 'bad_interests'
	| 'lane_closed'
	| 'not_in_chat'
	| 'in_chat'
	| 'not_in_queue'
	| 'blocked'
	| 'no_report_target'
	| 'challenge_required'
	| 'server_full'
	| 'internal';

export interface Refusal {
	/** One of {@link ErrorCode}, or a code newer than this client. */
	readonly code: ErrorCode | (string & {});
	readonly message: string;
	/** The id of the refused message or report. */
	readonly id?: string;
	readonly retryAfterMs?: number;
}

/** The data of each message the engine may send, by type. */
export interface ServerMessages {
	connected: Connected;
	searching: Searching;
	matched: Matched;
	message: PartnerMessage;
	message_ack: { readonly id: string; readonly seq: number };
	partner_typing: { readonly isTyping: boolean };
	partner_video_toggle: { readonly enabled: boolean };
	partner_audio_toggle: { readonly enabled: boolean };
	offer: Signal;
	answer: Signal;
	ice_candidate: Signal;
	partner_skipped: Readonly<Record<never, never>>;
	partner_disconnected: Readonly<Record<never, never>>;
	partner_reconnecting: { readonly graceMs: number };
	partner_resumed: Readonly<Record<never, never>>;
	partner_read: { readonly seq: number };
	match_timeout: { readonly waitedMs: number };
	moderation_warning: ModerationWarning;
	stats: Stats;
	report_received: { readonly id: string };
	banned: Banned;
	reconnect: { readonly afterMs: number; readonly url?: string };
	error: Refusal;
	pong: { readonly timestamp: number };
}

type Tagged<Messages> = {
	[Type in keyof Messages]: undefined extends Messages[Type]
		? { readonly type: Type }
		: { readonly type: Type; readonly data: Messages[Type] };
}[keyof Messages];

export type ClientMessage = Tagged<ClientMessages>;
export type ServerMessage = Tagged<ServerMessages>;
