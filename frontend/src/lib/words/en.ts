/**
 * What the interface says, in English: all that a text chat needs. Plain, short and kind; what
 * happened, then what to do next. The other languages say the same: their type is this one's.
 */
import type { Ending, Tier } from '@whisper/client';
import { phrase, type Phrase } from '#lib/phrase.ts';
import type { Formats } from './formats.ts';

export type Words = ReturnType<typeof english>;

export default function english(say: Formats) {
	const anyOf = (interests: readonly string[]): Phrase => say.anyOf(interests, { other: '# more' });

	return {
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
			suggestions: 'Ideas',
			/** Tried as they stand; each is one interest. */
			ideas: ['music', 'films', 'games', 'cooking', 'books', 'travel', 'football', 'art'],
		},
		mode: {
			label: 'How do you want to talk?',
			text: 'Text',
			voice: 'Voice',
			video: 'Video',
			closed: 'Not open for you right now: choose another.',
		},
		relax: {
			label: 'And if nobody likes the same?',
			strict: 'Wait for my interests',
			gradual: 'Then anyone',
			anyone: 'Anyone, right away',
			/** Told in one line, where nothing is to be chosen. */
			told: {
				strict: 'Only people who like the same',
				gradual: 'First who likes the same, then anyone',
				anyone: 'Anyone, right away',
			},
			change: 'Change how we search',
		},
		tongue: {
			label: 'In which language?',
			any: 'Any language',
			same: (language: string) => `Only ${say.language(language)}`,
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
			changeLabel: 'Change age, room and rules',
		},
		online: (count: number) => say.count(count, { one: '# person here', other: '# people here' }),
		searching: {
			looking: (interests: readonly string[], tier: Tier | undefined): Phrase => {
				if (interests.length === 0 || tier === 'any') return ["Looking for anyone who's around."];
				if (tier === 'single' && interests.length > 1)
					return ['Looking for someone who likes one of these.'];
				return phrase`Looking for someone who likes ${anyOf(interests)}.`;
			},
			usually: (waitMs: number) => `Usually takes about ${say.duration(waitMs)}.`,
			connecting: 'Connecting.',
			cancel: 'Cancel',
			elapsed: 'Time waited',
			proving: "It's busy. Your device solves a small puzzle first, which keeps bots out.",
			slow: 'It takes a while today. Search wider, or go on waiting?',
			goOn: 'Go on waiting',
		},
		unmatched: {
			nobody: (interests: readonly string[]): Phrase =>
				interests.length === 0
					? ["Nobody's around right now. Look again?"]
					: phrase`Nobody for ${anyOf(interests)} right now.`,
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
					: phrase`You both like ${say.list(interests, 'and')}.`,
			hello: 'Say hello.',
			you: 'You:',
			they: 'They:',
			sending: 'sending',
			delivered: 'delivered',
			seen: 'seen',
			unsent: 'Not sent.',
			again: 'Send again',
			typing: "They're typing",
			newMessages: (count: number) =>
				say.count(count, { one: 'New message', other: '# new messages' }),
			held: (graceMs: number) =>
				`They lost connection. Holding their seat for ${say.duration(graceMs)}.`,
			interrupted: 'You lost connection. Getting you back in; what you write is sent then.',
			ending: {
				you_left: 'You left.',
				partner_left: 'They left.',
				partner_lost: "They lost connection and didn't come back.",
				link_lost: 'Your connection broke, and the chat with it.',
			} satisfies Record<Ending, string>,
			change: 'Change interests',
			more: 'More',
			saveText: 'Save as text',
			saveData: 'Save as data',
			savedBy: { yours: 'You', theirs: 'They' },
		},
		composer: {
			label: 'Your message',
			placeholder: 'Say something',
			over: 'This chat is over.',
			send: 'Send',
			left: (chars: number) =>
				chars >= 0 ? `${say.number(chars)} left` : `${say.number(-chars)} too many`,
		},
		button: {
			stop: 'Stop',
			really: 'Really?',
			new: 'New',
			hint: 'Once more to leave this chat.',
		},
		help: { open: 'Settings and help' },
		report: {
			open: 'Report',
			sending: 'Sending your report.',
			received: 'Thank you. Moderators will look at it.',
			blocked: "Thank you. They won't be matched with you again.",
			failed: "Your report didn't arrive. Try again.",
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
		refused: {
			rate_limited: (waitMs: number) =>
				`That was quick. Wait ${say.duration(waitMs)} and try again.`,
			put_off: (waitMs: number) => `That was quick. We ask again in ${say.duration(waitMs)}.`,
			full_for_now: (waitMs: number) =>
				`It's full right now. We ask again in ${say.duration(waitMs)}.`,
			plain: {
				too_large: "Not sent. It's too long; send it in parts.",
				bad_interests: "One of your interests can't be used here. Take it out and start again.",
				lane_closed: 'That is closed right now. Choose another way to talk, or another room.',
				server_full: "It's full right now. Try again in a minute.",
				blocked: 'Not sent. It goes against the rules of this room.',
				not_in_chat: 'Not sent. The chat was over.',
				no_report_target: 'It is too late to report them: nobody can tell any more whom you met.',
				challenge_required:
					'We have to make sure that you are a person. Reload the page and try again.',
				bad_message: 'Something broke on our side. Try again in a moment.',
				internal: 'Something broke on our side. Try again in a moment.',
			},
		},
		warning: {
			unsent: (message: string) => `Not sent. ${message}`,
		},
		banned: {
			until: (until: number | undefined, now: number): Phrase =>
				until === undefined
					? ["You can't chat here anymore."]
					: phrase`You can't chat until ${say.moment(until, now)}.`,
		},
		notFound: {
			title: "There's nothing here.",
			home: 'Back to the start',
		},
	};
}
