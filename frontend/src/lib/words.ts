/**
 * Everything the interface says, in English. Plain, short and kind; what happened, then what to
 * do next.
 */
import type { Banned, Ending, Link, ModerationWarning, Refusal, Tier } from '@whisper/client';
import { list, phrase, type Phrase } from './phrase.ts';

const LANGUAGE = 'en';
const numbers = new Intl.NumberFormat(LANGUAGE);
const oneOrMany = new Intl.PluralRules(LANGUAGE);
const day = new Intl.DateTimeFormat(LANGUAGE, {
	weekday: 'long',
	hour: '2-digit',
	minute: '2-digit',
	hourCycle: 'h23',
});
const date = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: 'long', timeStyle: 'short' });

/** Interests named one by one before the rest is only counted. */
const NAMED_MAX = 4;
const WEEK_MS = 7 * 24 * 3600 * 1000;

export const words = {
	name: 'Whisper',
	landing: {
		title: "Talk to someone you'll never have to see again.",
		promise: 'Nothing you say is kept.',
		start: 'Start',
	},
	interests: {
		label: 'What do you like?',
		placeholder: 'chess, jazz, medieval falconry',
		hint: 'Up to ten. Leave it empty to meet anyone.',
		full: 'Ten is the most. Take one out to add another.',
		tooLong: 'That is too long for one; 32 characters is the most.',
		list: 'Your interests',
		remove: (interest: string) => `Remove ${interest}`,
	},
	relax: {
		label: 'And if nobody likes the same?',
		strict: 'Wait for my interests',
		gradual: 'Then anyone',
		anyone: 'Anyone, right away',
	},
	age: {
		label: 'How old are you?',
		teen: '13 to 17',
		adult: '18 or over',
		missing: 'Say how old you are, so that we find you people of your age.',
	},
	queue: {
		label: 'Which room?',
		moderated: 'Moderated',
		unmoderated: 'Unmoderated',
		hint: 'People of one never meet people of the other. Neither keeps what you say.',
		teenHint: 'Under 18 there is only the moderated room.',
	},
	rules: {
		title: 'Before your first chat',
		label: 'Three rules',
		list: [
			'No harassment, no threats, no spam.',
			'Nothing sexual that involves anyone under 18.',
			'Keep names, numbers and addresses to yourself.',
		],
		accept: "I'm 13 or over and I'll keep to them",
		missing: 'Please read the rules and tick the box.',
		change: 'Change',
	},
	online: (count: number) =>
		`${numbers.format(count)} ${oneOrMany.select(count) === 'one' ? 'person' : 'people'} here`,
	searching: {
		looking: (interests: readonly string[], tier: Tier | undefined): Phrase => {
			if (interests.length === 0 || tier === 'any') return ["Looking for anyone who's around."];
			if (tier === 'single' && interests.length > 1)
				return ['Looking for someone who likes one of these.'];
			return phrase`Looking for someone who likes ${someOf(interests)}.`;
		},
		connecting: 'Connecting.',
		cancel: 'Cancel',
		elapsed: 'Time waited',
	},
	unmatched: {
		nobody: (interests: readonly string[]): Phrase =>
			interests.length === 0
				? ["Nobody's around right now. Look again?"]
				: phrase`Nobody for ${someOf(interests)} right now.`,
		wider: 'Search wider?',
		widen: 'Search wider',
		again: 'Keep looking',
		back: 'Change interests',
	},
	chat: {
		log: 'Chat',
		shared: (interests: readonly string[]): Phrase =>
			interests.length === 0
				? ['You have nothing in common yet.']
				: phrase`You both like ${list(interests, 'and', LANGUAGE)}.`,
		hello: 'Say hello.',
		you: 'You:',
		they: 'They:',
		sending: 'sending',
		delivered: 'delivered',
		unsent: 'Not sent.',
		typing: "They're typing",
		newMessages: (count: number) => (count === 1 ? 'New message' : `${count} new messages`),
		held: 'They lost connection. Holding their seat for 20 s.',
		ending: {
			you_left: 'You left.',
			partner_left: 'They left.',
			partner_lost: "They lost connection and didn't come back.",
			link_lost: 'Your connection broke, and the chat with it.',
		} satisfies Record<Ending, string>,
		change: 'Change interests',
	},
	composer: {
		label: 'Your message',
		placeholder: 'Say something',
		over: 'This chat is over.',
		send: 'Send',
		left: (chars: number) =>
			chars >= 0 ? `${numbers.format(chars)} left` : `${numbers.format(-chars)} too many`,
	},
	button: {
		stop: 'Stop',
		really: 'Really?',
		new: 'New',
		hint: 'Once more to leave this chat.',
	},
	connection: {
		offline: "You're offline. We'll pick up where you left off.",
		lost: 'No connection to Whisper. Trying again.',
		full: "It's full right now. We'll keep trying.",
		tooMuch: 'That was a lot in a short time. We try again in a minute.',
		idle: 'You were away for a while. Start when you like.',
		closed: "Whisper didn't let us in. Reload the page to try again.",
		retry: 'Try now',
	},
	banned: {
		until: (until: number | undefined, now: number): Phrase =>
			until === undefined
				? ["You can't chat here anymore."]
				: phrase`You can't chat until ${(until - now < WEEK_MS ? day : date).format(until)}.`,
		reason: (ban: Banned): Phrase => phrase`Reason: ${ban.reason}.`,
		appeal: (ban: Banned): Phrase => phrase`If this is a mistake, quote ${ban.code}.`,
	},
	notFound: {
		title: "There's nothing here.",
		home: 'Back to the start',
	},
} as const;

/** What the banner says of the connection, or nothing where all is well. */
export function connectionTrouble(link: Link, isOnline: boolean): string | undefined {
	const say = words.connection;
	if (!isOnline) return say.offline;
	if (link.name === 'lost')
		return link.code === 1013 ? say.full : link.code === 4029 ? say.tooMuch : say.lost;
	// A ban has a page of its own.
	if (link.name === 'closed' && link.code !== 1000 && link.code !== 4003)
		return link.code === 4008 ? say.idle : say.closed;
	return undefined;
}

/** Why something was refused, and what to do next. */
export function refusal({ code, message, retryAfterMs }: Refusal): string {
	switch (code) {
		case 'rate_limited':
			return `That was quick. Wait ${seconds(retryAfterMs)} and try again.`;
		case 'too_large':
			return "Not sent. It's too long; send it in parts.";
		case 'bad_interests':
			return "One of your interests can't be used here. Take it out and start again.";
		case 'lane_closed':
			return 'This room is closed right now. Choose another and start again.';
		case 'server_full':
			return "It's full right now. Try again in a minute.";
		case 'blocked':
			return 'Not sent. It goes against the rules of this room.';
		case 'not_in_chat':
			return 'Not sent. The chat was over.';
		case 'challenge_required':
			return 'We have to make sure that you are a person. Reload the page and try again.';
		case 'internal':
		case 'bad_message':
			return 'Something broke on our side. Try again in a moment.';
		default:
			return message;
	}
}

/** What moderation noticed. Codes newer than this page speak for themselves. */
export function warning({ code, message, blocked }: ModerationWarning): string {
	const looks = LOOKS_LIKE.get(code);
	if (looks === undefined) return blocked ? `Not sent. ${message}` : message;
	return `${blocked ? 'Not sent. It' : 'This'} looks like ${looks}; keep yourself safe.`;
}

const LOOKS_LIKE: ReadonlyMap<string, string> = new Map([
	['phone', 'a phone number'],
	['email', 'an e-mail address'],
	['url', 'a link'],
	['handle', 'a name on another site'],
	['address', 'an address'],
]);

function someOf(interests: readonly string[]): Phrase {
	if (interests.length <= NAMED_MAX) return list(interests, 'or', LANGUAGE);
	const named = interests.slice(0, NAMED_MAX - 1);
	return list([...named, `${interests.length - named.length} more`], 'or', LANGUAGE);
}

function seconds(durationMs = 1000): string {
	const count = Math.max(1, Math.ceil(durationMs / 1000));
	return count === 1 ? 'a second' : `${numbers.format(count)} seconds`;
}
