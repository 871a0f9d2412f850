/**
 * What the interface says, in English, in views that are loaded when somebody opens them: calls,
 * reports, help.
 */
import type { ReportReason } from '@whisper/client';
import { phrase, type Phrase } from '#lib/phrase.ts';
import type { Formats } from './formats.ts';

export type LaterWords = ReturnType<typeof english>;

export default function english(say: Formats) {
	return {
		/** What was found wrong, by the code of the rule. */
		rules: {
			minors: 'Sexual content about minors is never tolerated here.',
			threat: 'Threats are not delivered.',
			self_harm:
				'Telling people to harm themselves is not delivered. If you think of harming yourself, talk to somebody you trust.',
			doxing: 'Where people live and who they are is for them to tell.',
			slur: 'Slurs hurt people. Leave them out.',
			sexual: 'Sexual talk is not welcome in this room.',
			harassment: 'Be kind, or move on.',
			profanity: 'Mind your language.',
			spam: 'Advertising is not welcome here.',
			repetition: 'You have said this several times. Say something else.',
			age_lane: 'This room is for another age.',
			personal_information:
				"That looks personal. Keep numbers, addresses and names to yourself: you don't know who reads them.",
			social_link: 'Stay here: accounts elsewhere tell strangers who you are.',
			grooming: 'Nobody here may ask this of anyone. You can leave and report at any time.',
		},
		/** The same as the reason of a ban. */
		reasons: {
			minors: 'sexual content about minors',
			threat: 'threats',
			self_harm: 'telling people to harm themselves',
			doxing: 'giving away who others are',
			slur: 'slurs',
			sexual: 'sexual talk',
			harassment: 'harassment',
			profanity: 'foul language',
			spam: 'advertising',
			repetition: 'saying the same again and again',
			age_lane: 'a room for another age',
			personal_information: 'personal information',
			social_link: 'accounts elsewhere',
			grooming: 'asking for what nobody may',
			reported: 'reports by several people',
		},
		banned: {
			reason: (reason: string): Phrase => phrase`Reason: ${reason}.`,
			appeal: (code: string): Phrase => phrase`If this is a mistake, quote ${code}.`,
		},
		leaving: {
			title: "You're leaving Whisper",
			body: 'A stranger sent this link. The site behind it can learn your internet address, and may not be what it says.',
			open: (host: string): Phrase => phrase`Open ${host}`,
			stay: 'Stay here',
		},
		report: {
			title: 'What did they do?',
			ends: 'Choosing sends the report and ends the chat.',
			sends: 'Choosing sends the report.',
			reasons: {
				harassment: 'Harassed or insulted me',
				explicit: "Sexual things I didn't ask for",
				spam: 'Spam, ads or a bot',
				minor: 'Someone under 18 is at risk',
				threat: "Threatened someone's safety",
				other: 'Something else',
			} satisfies Record<ReportReason, string>,
			evidence: (count: number) =>
				say.count(count, { one: '# message goes along', other: '# messages go along' }),
			evidenceHint: 'Tick what the moderators should see. Nothing else is kept.',
			nothing: 'They wrote nothing. The report goes without messages.',
			comment: 'In your own words, if you like',
			block: 'Never match me with them again',
			cancel: 'Cancel',
		},
		call: {
			title: { voice: 'Check your sound', video: 'Check your picture and sound' },
			ask: 'Your browser will ask you. Nobody sees or hears you before you are matched.',
			allow: {
				voice: 'Turn on my microphone',
				video: 'Turn on my camera and microphone',
			},
			camera: 'Camera',
			microphone: 'Microphone',
			level: 'How loud you are',
			relayed:
				'Calls go through a relay here. The other person never learns your internet address.',
			direct:
				"There is no relay here. In a call the other person's device can learn your internet address, and from it roughly where you are.",
			look: 'Look for someone',
			back: 'Back',
			again: 'Try again',
			asText: 'Use text instead',
			asVoice: 'Use voice instead',
			trouble: {
				denied:
					"Your browser wasn't allowed to. Allow it beside the page's address, then try again.",
				denied_by_system:
					"Your system doesn't let the browser. Allow it in the privacy settings of the system, then try again.",
				not_found: 'None was found. Plug one in and try again.',
				in_use: 'Another program is using it. Close that one, then try again.',
				insecure: 'Browsers allow this on secure pages only. Open this page with https.',
				failed: "It couldn't be started. Try again, or another device.",
			},
			you: 'You',
			them: 'Them',
			accept: 'Show them',
			hidden: 'Blurred and silent until you say so.',
			listen: 'Listen',
			connecting: 'Connecting the call.',
			mending: 'The call broke off. Looking for another way.',
			failed: "The call couldn't be connected. You can still write.",
			talking: 'You can hear each other.',
			micOn: 'Turn microphone on',
			micOff: 'Turn microphone off',
			cameraOn: 'Turn camera on',
			cameraOff: 'Turn camera off',
			theyAreMuted: 'Their microphone is off.',
			theyAreDark: 'Their camera is off.',
			degraded: 'The connection is weak, so your picture rests. They can still hear you.',
			filter: {
				label: 'Blur what looks like nudity',
				hint: "A program on this device looks at the other person's picture about once a second. It can be wrong. No picture leaves your device. About 3 MB are loaded for the first call.",
				careful: "Blur whatever doesn't look ordinary, too",
				suspect: 'This may be nudity.',
				looking: 'Looking at the picture first.',
				show: 'Show it',
				failed: "The filter couldn't be loaded: the picture is shown without it.",
			},
			quality: { good: 'Good connection', fair: 'Fair connection', poor: 'Weak connection' },
			sheet: 'Height of the chat',
		},
		help: {
			title: 'Settings and help',
			close: 'Close',
			language: 'Language',
			sound: 'A sound for new messages',
			relay: 'Hide my internet address in calls',
			relayHint: 'Calls go through a relay. Without it they may be a little quicker.',
			safety: 'Stay safe',
			tips: [
				"Strangers can't see your name, where you are or whom else you talk to. They see what you both like, what you write and, in a call, what you show.",
				'Keep names, numbers, schools and addresses to yourself. Nobody who means well needs them.',
				'What you show or say in a call can be recorded.',
				'Feels wrong? Stop. You owe nobody a reason. Report what breaks the rules.',
				'Is someone in danger? Call your local emergency number.',
			],
			keys: 'Keyboard',
			shortcuts: {
				stop: 'Stop, really, new',
				send: 'Send',
				line: 'New line',
				help: 'This page',
			},
			keyNames: { enter: 'Enter', shift: 'Shift', escape: 'Esc' },
		},
	};
}
