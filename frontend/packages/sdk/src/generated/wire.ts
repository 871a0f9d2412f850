/**
 * The messages of the wire protocol, made from the Rust types by `cargo xtask types`. Do not edit.
 *
 * @module
 */

export const MESSAGE_BYTES = 16384;
export const CONTENT_CHARS = 2000;
export const COMMENT_CHARS = 500;
export const INTERESTS = 10;
export const INTEREST_CHARS = 32;
export const EVIDENCE = 20;

export const AGE_CATEGORIES = ['teen', 'adult'] as const;
export const MODES = ['text', 'voice', 'video'] as const;
export const QUEUE_TYPES = ['moderated', 'unmoderated'] as const;
export const TIERS = ['exact', 'overlap', 'single', 'any'] as const;
export const SEVERITIES = ['low', 'medium', 'high'] as const;

/** A map that is carried as it came: encoded here, a value in a client. */
export type AnyMap = Record<string, unknown>;

/** The age somebody says they have. The two never meet. */
export type AgeCategory = "teen" | "adult";

/** What a chat consists of. Text is always there. */
export type Mode = "text" | "voice" | "video";

/** Whether what is said is moderated. */
export type QueueType = "moderated" | "unmoderated";

/** How far somebody is willing to go from their interests while they wait. */
export type Relax = "strict" | "gradual" | "anyone";

/** Which languages a partner may have. */
export type LanguageWish = "any" | "same";

/** How much two people share, from most to least. A ticket opens one after the other. */
export type Tier = "exact" | "overlap" | "single" | "any";

/** The step of a WebRTC negotiation; also the `type` of its message. */
export type SignalKind = "offer" | "answer" | "ice_candidate";

/** Why somebody is reported. */
export type ReportReason = "harassment" | "spam" | "explicit" | "minor" | "threat" | "other";

/** How bad moderation found a message. */
export type Severity = "low" | "medium" | "high";

/**
 * Why a message of the client had no effect: the `code` of an `error`. The connection stays
 * open.
 */
export type ErrorCode = "bad_message" | "too_large" | "rate_limited" | "bad_interests" | "lane_closed" | "not_in_chat" | "in_chat" | "not_in_queue" | "blocked" | "no_report_target" | "challenge_required" | "server_full" | "internal";

/** Who may meet whom: two people of different lanes never do. */
export type Lane = { 
/** Wire: `ageCategory`. */
ageCategory: AgeCategory, 
/** Wire: `mode`. */
mode: Mode, 
/** Wire: `queueType`. */
queueType: QueueType, };

/**
 * `offer`, `answer`, `ice_candidate`: a map of one browser for another.
 *
 * Only possible in a voice or video chat. Under `relayOnly`, candidates that aren't relayed are
 * dropped by the engine. Depth and lengths of the map have been checked; its contents, UTF-8
 * among them, have not.
 */
export type Signal = { 
/** Which step; on the wire, the `type` of the message. */
type: SignalKind, 
/** The whole of `data` as it came: one encoded msgpack map. `Signal::new` checks that it is. */
data: AnyMap, };

/**
 * A message from client to engine.
 *
 * Those about a chat carry `roomId` as `room`: where it is there and isn't the current room, the
 * engine drops the message silently, so that a late one never reaches the next partner.
 */
export type ClientMessage = { "type": "hello", "data": Hello } | { "type": "join", "data": Join } | { "type": "leave" } | { "type": "message", "data": Say } | { "type": "skip", "data": Skip } | { "type": "ack", "data": { 
/** The partner's highest message received without a gap. */
seq: number, } } | { "type": "typing", "data": { 
/** Began, or stopped. */
isTyping: boolean, 
/** The chat that is meant. */
roomId?: string, } } | { "type": "video_toggle", "data": { 
/** On, or off. */
enabled: boolean, 
/** The chat that is meant. */
roomId?: string, } } | { "type": "audio_toggle", "data": { 
/** On, or off. */
enabled: boolean, 
/** The chat that is meant. */
roomId?: string, } } | Signal | { "type": "report", "data": Report } | { "type": "read", "data": { 
/** The partner's highest message shown. */
seq: number, 
/** The chat that is meant. */
roomId?: string, } } | { "type": "ping" };

/** `hello`: what the client knows of itself. */
export type Hello = { 
/**
 * What tells this device from others, at most
 * `FINGERPRINT_CHARS` chars. The engine keeps only a keyed
 * hash of it, for bans.
 */
fingerprint?: string, 
/**
 * The person's language, a BCP 47 tag of at most
 * `LANGUAGE_CHARS` chars; needed for `LanguageWish::Same`.
 */
language?: string, 
/** The token of a session to bring back. */
resume?: Uint8Array, 
/** The partner's highest message received in that session. */
lastSeq?: number, 
/** The answer to `connected.challenge`. */
proof?: Uint8Array, };

/** `join`: what kind of chat the person wants. */
export type Join = { 
/** As typed: the engine normalises them, and drops empty and double ones. */
interests: Array<string>, 
/** How far to go from the interests while waiting. */
relax?: Relax, 
/** Which languages the partner may have. */
language?: LanguageWish, 
/** Wire: `ageCategory`. */
ageCategory: AgeCategory, 
/** Wire: `mode`. */
mode: Mode, 
/** Wire: `queueType`. */
queueType: QueueType, };

/** `message`: something said to the partner. */
export type Say = { 
/** What is said: 1 to `CONTENT_CHARS` chars. White space counts as content. */
content: string, 
/**
 * The client's name for it, at most `ID_CHARS` chars. Asks for a `message_ack`, and lets
 * the engine recognise what is sent again after a resume.
 */
id?: string, 
/** The chat that is meant. */
roomId?: string, };

/** `skip`: on to the next. */
export type Skip = { 
/** Why, in at most `REASON_CHARS` chars. The partner doesn't learn it. */
reason?: string, 
/** The chat that is meant. */
roomId?: string, };

/** `report`: what the partner did. */
export type Report = { 
/** What kind of offence. */
reason: ReportReason, 
/** In the person's own words, at most `COMMENT_CHARS` chars. */
comment?: string, 
/**
 * The client's name for the report, at most `ID_CHARS` chars. Further reports of the same
 * id bring further evidence.
 */
id?: string, 
/** What the partner said, at most `EVIDENCE` messages; none where absent. */
evidence?: Array<Evidence>, 
/** Never meet this partner again; false where absent. */
block?: boolean, 
/** The chat that is meant. */
roomId?: string, };

/**
 * One message of the partner's, as it was delivered: the engine computes the tag again, and
 * believes what proves true.
 */
export type Evidence = { 
/** Its number. */
seq: number, 
/** What was said, at most `CONTENT_CHARS` chars. */
content: string, 
/** When, in Unix milliseconds. */
timestamp: number, 
/** The tag it came with. */
tag: Uint8Array, };

/**
 * A message from engine to client.
 *
 * A client ignores keys and types it doesn't know; this decoder skips the former and names the
 * latter (`DecodeError::UnknownType`).
 */
export type ServerMessage = { "type": "connected", "data": Connected } | { "type": "searching", "data": Searching } | { "type": "matched", "data": Matched } | { "type": "message", "data": Said } | { "type": "message_ack", "data": { 
/** The client's name for the message. */
id: string, 
/** The number it got. */
seq: number, } } | { "type": "partner_typing", "data": { 
/** Began, or stopped. */
isTyping: boolean, } } | { "type": "partner_video_toggle", "data": { 
/** On, or off. */
enabled: boolean, } } | { "type": "partner_audio_toggle", "data": { 
/** On, or off. */
enabled: boolean, } } | Signal | { "type": "partner_skipped" } | { "type": "partner_disconnected" } | { "type": "partner_reconnecting", "data": { 
/** How long it is kept. */
graceMs: number, } } | { "type": "partner_resumed" } | { "type": "partner_read", "data": { 
/** The receiver's highest message shown to the partner. */
seq: number, } } | { "type": "match_timeout", "data": { 
/** How long the ticket waited. */
waitedMs: number, } } | { "type": "moderation_warning", "data": ModerationWarning } | { "type": "stats", "data": Stats } | { "type": "report_received", "data": { 
/** The client's name for it, or one made by the engine. */
id: string, } } | { "type": "banned", "data": Banned } | { "type": "reconnect", "data": Reconnect } | { "type": "error", "data": ErrorMessage } | { "type": "pong", "data": { 
/** The engine's time, in Unix milliseconds. */
timestamp: number, } };

/** `connected`: the terms of the session. */
export type Connected = { 
/** Random, and of this session only. */
userId: string, 
/** The token that brings the session back after a lost connection. */
resume: Uint8Array, 
/** The engine's time, in Unix milliseconds. */
serverTime: number, 
/** What the engine takes. */
limits: SessionLimits, 
/** STUN and TURN servers: one encoded msgpack array of `RTCIceServer` maps. */
iceServers?: Array<IceServer>, 
/** Only relayed candidates are passed on; false where absent. */
relayOnly?: boolean, 
/** The lanes that are open; absent where empty. */
lanes?: Array<Lane>, 
/** Work to be proven in `hello` before joining: one encoded msgpack map. */
challenge?: AnyMap, };

/** What the engine takes, as told in `connected`. */
export type SessionLimits = { 
/** The longest message, in bytes. */
messageBytes: number, 
/** The longest content, in chars. */
contentChars: number, 
/** The most interests. */
interests: number, 
/** The longest interest, in chars. */
interestChars: number, };

/** A STUN or TURN server, as `RTCPeerConnection` takes it (W3C WebRTC, section 4.2.4). */
export type IceServer = { 
/** Where it is, as `turn:host:port?transport=udp` (RFC 7064, RFC 7065): several ways to the same. */
urls: string | ReadonlyArray<string>, 
/** TURN: whom it lets in. */
username?: string, 
/** TURN: what proves it. */
credential?: string, };

/** `searching`: how the search stands. */
export type Searching = { 
/** People ahead in the lane, estimated. */
position: number, 
/** The median wait of the lane's last matches. Wire: `estimatedTime`. */
estimatedTime: number, 
/** The widest tier open. */
tier: Tier, };

/** `matched`: a chat begins. */
export type Matched = { 
/** Random, and of this chat only. */
roomId: string, 
/** Random, and of this chat only. */
partnerId: string, 
/** What the chat consists of. */
mode: Mode, 
/** Whether the receiver makes the first `offer`: true for one of the two. */
isInitiator: boolean, 
/** The partner's interests, normalised. Wire: `partnerInfo.interests`. */
partnerInfo: PartnerInfo, 
/** The tier they met in. */
tier: Tier, 
/** How long the receiver's ticket waited. */
waitedMs: number, };

/**
 * Of `matched`: what is known of the partner. In Rust the lists stand in
 * `Matched` itself.
 */
export type PartnerInfo = { 
/** The partner's interests, normalised. */
interests: ReadonlyArray<string>, 
/** Those the two share. */
sharedInterests: ReadonlyArray<string>, };

/** `message`: something the partner said. */
export type Said = { 
/** The sender's name for it, or one made by the engine. */
id: string, 
/** The receiver's `partnerId`. */
senderId: string, 
/** What was said. */
content: string, 
/** When, in Unix milliseconds. */
timestamp: number, 
/** Its number in this room, by this sender. */
seq: number, 
/** Lets a report prove what was said. */
tag: Uint8Array, };

/** `moderation_warning`: something said was found wrong. */
export type ModerationWarning = { 
/** For the person. */
message: string, 
/** How bad it is. */
severity: Severity, 
/** The rule, for the client's own words. */
code: string, 
/** How many warnings there are by now. */
warnings: number, 
/** Whether the message was held back. */
blocked: boolean, };

/** `stats`: how busy it is. */
export type Stats = { 
/** People connected. */
totalOnline: number, 
/** People waiting. */
inQueue: number, 
/** Chats going on. */
activeChats: number, 
/** The average wait for a match. Wire: `avgMatchTime`. */
avgMatchTime: number, 
/** Other nodes can't be heard at present, and these are this node's numbers; false where absent. */
stale?: boolean, };

/** `banned`: the person may not come back for a while. */
export type Banned = { 
/** For the person. */
reason: string, 
/** The kind of ban and, after a dash, what the person can quote in an appeal. */
code: string, 
/** Until when, in Unix milliseconds; for good where absent. */
until?: number, };

/** `reconnect`: come back, later or elsewhere. */
export type Reconnect = { 
/** How long to wait first. */
afterMs: number, 
/** Where; the same place where absent. */
url?: string, };

/** `error`: a message of the client had no effect. The connection stays open. */
export type ErrorMessage = { 
/** Why. A client may meet one that is newer than itself. */
code: ErrorCode | (string & {}), 
/** For the developer. */
message: string, 
/** The client's name for the message it is about. */
id?: string, 
/** When to try again. */
retryAfterMs?: number, };
