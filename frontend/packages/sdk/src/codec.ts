/**
 * Messages to and from msgpack bytes. Nothing that the engine sends is trusted to have the right
 * shape: a message is parsed here once, and typed from then on.
 *
 * @module
 */
import {
	anyMap,
	bytes,
	count,
	either,
	flag,
	listOf,
	oneOf,
	optional,
	record,
	text,
	type Check,
} from './checks.ts';
import type {
	ClientMessage,
	Connected,
	IceServer,
	Lane,
	Limits,
	PartnerInfo,
	ServerMessage,
	ServerMessages,
} from './messages.ts';
import { AGE_CATEGORIES, MODES, QUEUE_TYPES, SEVERITIES, TIERS } from './generated/wire.ts';
import { pack, unpack } from './msgpack.ts';

/** The WebSocket sub-protocol that these bytes belong to. */
export const SUBPROTOCOL = 'whisper.v1.msgpack';

/** Encodes a message for one binary frame. Fields that are `undefined` are left out. */
export function encode(message: ClientMessage): Uint8Array<ArrayBuffer> {
	return pack(message);
}

/**
 * Decodes one binary frame.
 *
 * @returns the message, or `undefined` where its type is newer than this client
 * @throws ProtocolError where the bytes are no message of the protocol
 */
export function decode(frame: Uint8Array): ServerMessage | undefined {
	const { type, data } = anyMap(unpack(frame), 'message');
	const name = text(type, 'type');
	if (!Object.hasOwn(checks, name)) return undefined;
	const check: Check<unknown> = checks[name as keyof ServerMessages];
	return { type: name, data: check(data, name) } as ServerMessage;
}

const mode = oneOf(...MODES);
const tier = oneOf(...TIERS);
const enabled = record<{ enabled: boolean }>({ enabled: flag });
const empty = record<Readonly<Record<never, never>>>({});

const limits = record<Limits>({
	messageBytes: count,
	contentChars: count,
	interests: count,
	interestChars: count,
});

const lane = record<Lane>({
	ageCategory: oneOf(...AGE_CATEGORIES),
	mode,
	queueType: oneOf(...QUEUE_TYPES),
});

const iceServer = record<IceServer>({
	urls: either(text, listOf(text)),
	username: optional(text),
	credential: optional(text),
});

const connected = record<Connected>({
	userId: text,
	resume: bytes,
	serverTime: count,
	limits,
	iceServers: optional(listOf(iceServer)),
	relayOnly: optional(flag),
	lanes: optional(listOf(lane)),
	challenge: optional(anyMap),
});

const checks: { readonly [Type in keyof ServerMessages]: Check<ServerMessages[Type]> } = {
	connected,
	searching: record<ServerMessages['searching']>({
		position: count,
		estimatedTime: count,
		tier,
	}),
	matched: record<ServerMessages['matched']>({
		roomId: text,
		partnerId: text,
		mode,
		isInitiator: flag,
		partnerInfo: record<PartnerInfo>({ interests: listOf(text), sharedInterests: listOf(text) }),
		tier,
		waitedMs: count,
	}),
	message: record<ServerMessages['message']>({
		id: text,
		senderId: text,
		content: text,
		timestamp: count,
		seq: count,
		tag: bytes,
	}),
	message_ack: record<ServerMessages['message_ack']>({ id: text, seq: count }),
	partner_typing: record<ServerMessages['partner_typing']>({ isTyping: flag }),
	partner_video_toggle: enabled,
	partner_audio_toggle: enabled,
	offer: anyMap,
	answer: anyMap,
	ice_candidate: anyMap,
	partner_skipped: empty,
	partner_disconnected: empty,
	partner_reconnecting: record<ServerMessages['partner_reconnecting']>({ graceMs: count }),
	partner_resumed: empty,
	partner_read: record<ServerMessages['partner_read']>({ seq: count }),
	match_timeout: record<ServerMessages['match_timeout']>({ waitedMs: count }),
	moderation_warning: record<ServerMessages['moderation_warning']>({
		message: text,
		severity: oneOf(...SEVERITIES),
		code: text,
		warnings: count,
		blocked: flag,
	}),
	stats: record<ServerMessages['stats']>({
		totalOnline: count,
		inQueue: count,
		activeChats: count,
		avgMatchTime: count,
		stale: optional(flag),
	}),
	report_received: record<ServerMessages['report_received']>({ id: text }),
	banned: record<ServerMessages['banned']>({ reason: text, code: text, until: optional(count) }),
	reconnect: record<ServerMessages['reconnect']>({ afterMs: count, url: optional(text) }),
	error: record<ServerMessages['error']>({
		code: text,
		message: text,
		id: optional(text),
		retryAfterMs: optional(count),
	}),
	pong: record<ServerMessages['pong']>({ timestamp: count }),
};
