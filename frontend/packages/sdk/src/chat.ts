/**
 * One chat as its person sees it. Pure values and functions; {@link Session} decides which of
 * them apply.
 *
 * @module
 */
import { ENTRIES_MAX } from './limits.ts';
import type {
	Matched,
	Mode,
	ModerationWarning,
	PartnerMessage,
	Refusal,
	ServerMessages,
	Tier,
} from './messages.ts';

/** Something you said. */
export interface YourEntry {
	readonly kind: 'yours';
	/** Unique in its chat, ascending. */
	readonly key: number;
	readonly id: string;
	readonly content: string;
	readonly at: number;
	/** `refused` by the engine, `unsent` because chat or connection ended first. */
	readonly state: 'sending' | 'delivered' | 'refused' | 'unsent';
	readonly seq?: number;
	/** Why it was refused. */
	readonly refusal?: Refusal;
	/** What moderation said about it. */
	readonly warning?: ModerationWarning;
}

/** Something the partner said. */
export interface TheirEntry {
	readonly kind: 'theirs';
	readonly key: number;
	readonly content: string;
	readonly at: number;
	readonly seq: number;
	/** Proves in a report that this was said. */
	readonly tag: Uint8Array;
}

/** A word of moderation about something that was delivered all the same. */
export interface WarningEntry {
	readonly kind: 'warning';
	readonly key: number;
	readonly at: number;
	readonly warning: ModerationWarning;
}

export type Entry = YourEntry | TheirEntry | WarningEntry;

/** Microphone and camera, each on or off. */
export interface Media {
	readonly audio: boolean;
	readonly video: boolean;
}

export interface ReportState {
	readonly id: string;
	/** `failed` where the engine refused it, or there was no connection to send it by. */
	readonly state: 'sending' | 'received' | 'failed';
	/** Whether it asked never to be matched with them again. */
	readonly blocks: boolean;
	readonly refusal?: Refusal;
}

export interface Chat {
	readonly roomId: string;
	readonly partnerId: string;
	readonly mode: Mode;
	readonly isInitiator: boolean;
	readonly partnerInterests: readonly string[];
	readonly sharedInterests: readonly string[];
	readonly tier: Tier;
	readonly startedAt: number;
	/** Oldest first; at most {@link ENTRIES_MAX}. */
	readonly entries: readonly Entry[];
	readonly partnerIsTyping: boolean;
	/** The partner's highest `seq` that arrived. */
	readonly heardSeq: number;
	/** Your highest `seq` that the partner has seen. */
	readonly partnerReadSeq: number;
	/** What the partner sends in a call, as far as they say. */
	readonly partnerMedia: Media;
	/** Your report about this partner, once you made one. */
	readonly report?: ReportState;
	/** The partner's connection is gone, and their seat held until then (Unix ms). */
	readonly partnerHeldUntil?: number;
	/** A warning about a message whose refusal has not arrived yet. */
	readonly pendingWarning?: ModerationWarning;
	readonly nextKey: number;
}

export function openChat(matched: Matched, now: number): Chat {
	return {
		roomId: matched.roomId,
		partnerId: matched.partnerId,
		mode: matched.mode,
		isInitiator: matched.isInitiator,
		partnerInterests: matched.partnerInfo.interests,
		sharedInterests: matched.partnerInfo.sharedInterests,
		tier: matched.tier,
		startedAt: now,
		entries: [],
		partnerIsTyping: false,
		heardSeq: 0,
		partnerReadSeq: 0,
		partnerMedia: { audio: matched.mode !== 'text', video: matched.mode === 'video' },
		nextKey: 1,
	};
}

export function say(chat: Chat, id: string, content: string, now: number): Chat {
	return append(chat, { kind: 'yours', key: chat.nextKey, id, content, at: now, state: 'sending' });
}

/** Takes a message of yours out, to be said again. */
export function takeBack(chat: Chat, key: number): Chat {
	return { ...chat, entries: chat.entries.filter((entry) => entry.key !== key) };
}

/** What you said and the engine has not answered, oldest first. */
export function unanswered(chat: Chat): readonly YourEntry[] {
	return chat.entries.filter(
		(entry): entry is YourEntry => entry.kind === 'yours' && entry.state === 'sending',
	);
}

/**
 * A message of another sender is a late frame of an older chat, and one that was heard comes twice
 * after a resume: neither changes anything.
 */
export function hear(chat: Chat, message: PartnerMessage): Chat {
	if (message.senderId !== chat.partnerId || message.seq <= chat.heardSeq) return chat;
	const heard = append(chat, {
		kind: 'theirs',
		key: chat.nextKey,
		content: message.content,
		at: message.timestamp,
		seq: message.seq,
		tag: message.tag,
	});
	return { ...heard, partnerIsTyping: false, heardSeq: message.seq };
}

export function acknowledge(chat: Chat, { id, seq }: ServerMessages['message_ack']): Chat {
	return changeYours(chat, id, (entry) => ({ ...entry, state: 'delivered', seq }));
}

/** The engine refused the message that `refusal.id` names. */
export function refuse(chat: Chat, refusal: Refusal): Chat {
	const { pendingWarning, ...rest } = chat;
	const warning = refusal.code === 'blocked' ? pendingWarning : undefined;
	return changeYours(warning ? rest : chat, refusal.id, (entry) => ({
		...entry,
		state: 'refused',
		refusal,
		...(warning && { warning }),
	}));
}

/** A warning stands by itself, unless it tells why the next refusal comes. */
export function warn(chat: Chat, warning: ModerationWarning, now: number): Chat {
	if (warning.blocked) return { ...chat, pendingWarning: warning };
	return append(chat, { kind: 'warning', key: chat.nextKey, at: now, warning });
}

export function setTyping(chat: Chat, partnerIsTyping: boolean): Chat {
	return chat.partnerIsTyping === partnerIsTyping ? chat : { ...chat, partnerIsTyping };
}

/** The partner has seen what you said, up to `seq`. */
export function markRead(chat: Chat, seq: number): Chat {
	return seq <= chat.partnerReadSeq ? chat : { ...chat, partnerReadSeq: seq };
}

/** The partner switched microphone or camera. */
export function setMedia(chat: Chat, change: Partial<Media>): Chat {
	return { ...chat, partnerMedia: { ...chat.partnerMedia, ...change } };
}

/** The engine has answered the report that `id` names: taken, or refused. */
export function answerReport(chat: Chat, id: string | undefined, refusal?: Refusal): Chat {
	if (chat.report === undefined || chat.report.id !== id) return chat;
	const state = refusal ? 'failed' : 'received';
	return { ...chat, report: { ...chat.report, state, ...(refusal && { refusal }) } };
}

/** The partner's connection is gone; they may be back within `graceMs`. */
export function holdSeat(chat: Chat, graceMs: number, now: number): Chat {
	return { ...chat, partnerIsTyping: false, partnerHeldUntil: now + graceMs };
}

export function freeSeat({ partnerHeldUntil: _, ...chat }: Chat): Chat {
	return chat;
}

/** Nothing more will come: what was on its way stays unsent. */
export function closeChat(chat: Chat): Chat {
	return {
		...freeSeat(chat),
		partnerIsTyping: false,
		entries: chat.entries.map((entry) =>
			entry.kind === 'yours' && entry.state === 'sending' ? { ...entry, state: 'unsent' } : entry,
		),
	};
}

function append(chat: Chat, entry: Entry): Chat {
	const kept = chat.entries.slice(Math.max(0, chat.entries.length + 1 - ENTRIES_MAX));
	return { ...chat, entries: [...kept, entry], nextKey: chat.nextKey + 1 };
}

function changeYours(
	chat: Chat,
	id: string | undefined,
	change: (entry: YourEntry) => YourEntry,
): Chat {
	const index = chat.entries.findLastIndex((entry) => entry.kind === 'yours' && entry.id === id);
	const entry = chat.entries[index];
	if (entry?.kind !== 'yours') return chat;
	return { ...chat, entries: chat.entries.with(index, change(entry)) };
}
