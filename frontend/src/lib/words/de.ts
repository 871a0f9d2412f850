/** What the interface says, in German. */
import { phrase } from '#lib/phrase.ts';
import type { Words } from './en.ts';
import type { Formats } from './formats.ts';

export default (say: Formats): Words => ({
	name: 'Whisper',
	landing: {
		title: 'Sprich mit jemandem, den du nie wiedersehen musst.',
		promise: 'Nichts, was du sagst, wird aufbewahrt.',
		start: 'Los',
	},
	interests: {
		label: 'Was magst du?',
		placeholder: 'Schach, Jazz, mittelalterliche Falknerei',
		hint: 'Bis zu zehn. Lass es leer, um irgendwen zu treffen.',
		full: 'Zehn sind das Höchste. Nimm eines heraus, um ein anderes zu nennen.',
		tooLong: 'Das ist zu lang für eines; 32 Zeichen sind das Höchste.',
		list: 'Deine Interessen',
		suggestions: 'Ideen',
		remove: (interest) => `${interest} herausnehmen`,
		ideas: ['musik', 'filme', 'spiele', 'kochen', 'bücher', 'reisen', 'fußball', 'kunst'],
	},
	mode: {
		label: 'Wie möchtest du reden?',
		text: 'Text',
		voice: 'Stimme',
		video: 'Video',
		closed: 'Gerade nicht offen für dich: wähle etwas anderes.',
	},
	relax: {
		label: 'Und wenn niemand dasselbe mag?',
		strict: 'Auf meine Interessen warten',
		gradual: 'Dann irgendwer',
		anyone: 'Irgendwer, sofort',
		change: 'Suche ändern',
		told: {
			strict: 'Nur wer dasselbe mag',
			gradual: 'Erst wer dasselbe mag, dann irgendwer',
			anyone: 'Irgendwer, sofort',
		},
	},
	tongue: {
		label: 'In welcher Sprache?',
		any: 'Jede Sprache',
		same: (language) => `Nur ${say.language(language)}`,
	},
	age: {
		label: 'Wie alt bist du?',
		teen: '13 bis 17',
		adult: '18 oder älter',
		missing: 'Sag, wie alt du bist, damit wir Leute deines Alters finden.',
	},
	queue: {
		label: 'Welcher Raum?',
		moderated: 'Moderiert',
		unmoderated: 'Unmoderiert',
		hint: 'Wer in einem ist, trifft niemanden aus dem anderen. Keiner bewahrt auf, was du sagst.',
		teenHint: 'Unter 18 gibt es nur den moderierten Raum.',
	},
	rules: {
		title: 'Vor deinem ersten Gespräch',
		label: 'Drei Regeln',
		accept: 'Ich bin mindestens 13 und halte mich daran',
		missing: 'Bitte lies die Regeln und setze das Häkchen.',
		change: 'Ändern',
		changeLabel: 'Alter, Raum und Regeln ändern',
		list: [
			'Keine Belästigung, keine Drohungen, kein Spam.',
			'Nichts Sexuelles mit Menschen unter 18.',
			'Behalte Namen, Nummern und Adressen für dich.',
		],
	},
	online: (count) => say.count(count, { one: '# Person hier', other: '# Menschen hier' }),
	help: { open: 'Einstellungen und Hilfe' },
	searching: {
		looking: (interests, tier) => {
			if (interests.length === 0 || tier === 'any') return ['Wir suchen irgendwen, der da ist.'];
			if (tier === 'single' && interests.length > 1)
				return ['Wir suchen jemanden, der eines davon mag.'];
			return phrase`Wir suchen jemanden, der ${say.anyOf(interests, { other: '# weitere' })} mag.`;
		},
		usually: (waitMs) => `Dauert meist etwa ${say.duration(waitMs)}.`,
		connecting: 'Wir verbinden.',
		cancel: 'Abbrechen',
		elapsed: 'Wartezeit',
		proving:
			'Hier ist gerade viel los. Dein Gerät löst erst ein kleines Rätsel, das Bots fernhält.',
		slow: 'Heute dauert es. Weiter suchen oder noch warten?',
		goOn: 'Noch warten',
	},
	unmatched: {
		nobody: (interests) =>
			interests.length === 0
				? ['Gerade ist niemand da. Noch einmal suchen?']
				: phrase`Gerade niemand für ${say.anyOf(interests, { other: '# weitere' })}.`,
		wider: 'Weiter suchen?',
		widen: 'Weiter suchen',
		again: 'Noch einmal',
		back: 'Interessen ändern',
	},
	chat: {
		shared: (interests) =>
			interests.length === 0
				? ['Ihr habt noch nichts gemeinsam.']
				: phrase`Ihr mögt beide ${say.list(interests, 'and')}.`,
		log: 'Gespräch',
		hello: 'Sag Hallo.',
		you: 'Du:',
		they: 'Gegenüber:',
		sending: 'wird gesendet',
		delivered: 'zugestellt',
		seen: 'gesehen',
		unsent: 'Nicht gesendet.',
		again: 'Noch einmal senden',
		typing: 'Schreibt gerade',
		interrupted:
			'Deine Verbindung ist weg. Wir holen dich zurück; was du schreibst, wird dann gesendet.',
		change: 'Interessen ändern',
		more: 'Mehr',
		saveText: 'Als Text sichern',
		saveData: 'Als Daten sichern',
		newMessages: (count) =>
			say.count(count, { one: 'Neue Nachricht', other: '# neue Nachrichten' }),
		held: (graceMs) =>
			`Die Verbindung drüben ist weg. Wir halten den Platz ${say.duration(graceMs)} frei.`,
		ending: {
			you_left: 'Du bist gegangen.',
			partner_left: 'Dein Gegenüber ist gegangen.',
			partner_lost: 'Die Verbindung drüben brach ab und kam nicht wieder.',
			link_lost: 'Deine Verbindung brach ab, und das Gespräch mit ihr.',
		},
		savedBy: { yours: 'Du', theirs: 'Gegenüber' },
	},
	composer: {
		label: 'Deine Nachricht',
		placeholder: 'Sag etwas',
		over: 'Dieses Gespräch ist vorbei.',
		send: 'Senden',
		left: (chars) => (chars >= 0 ? `noch ${say.number(chars)}` : `${say.number(-chars)} zu viel`),
	},
	button: {
		stop: 'Stopp',
		really: 'Wirklich?',
		new: 'Neu',
		hint: 'Noch einmal, um dieses Gespräch zu verlassen.',
	},
	report: {
		open: 'Melden',
		sending: 'Deine Meldung wird gesendet.',
		received: 'Danke. Die Moderation sieht es sich an.',
		blocked: 'Danke. Ihr werdet nicht mehr zusammengebracht.',
		failed: 'Deine Meldung kam nicht an. Versuch es noch einmal.',
	},
	connection: {
		offline: 'Du bist offline. Wir machen weiter, wo du aufgehört hast.',
		lost: 'Keine Verbindung zu Whisper. Wir versuchen es weiter.',
		full: 'Gerade ist alles voll. Wir versuchen es weiter.',
		tooMuch: 'Das war viel in kurzer Zeit. In einer Minute versuchen wir es wieder.',
		idle: 'Du warst eine Weile weg. Fang an, wann du magst.',
		closed: 'Whisper hat uns nicht hereingelassen. Lade die Seite neu und versuch es noch einmal.',
		retry: 'Jetzt versuchen',
	},
	refused: {
		rate_limited: (waitMs) =>
			`Das war schnell. Warte ${say.duration(waitMs)} und versuch es noch einmal.`,
		put_off: (waitMs) => `Das war schnell. Wir fragen in ${say.duration(waitMs)} noch einmal.`,
		full_for_now: (waitMs) =>
			`Gerade ist alles voll. Wir fragen in ${say.duration(waitMs)} noch einmal.`,
		plain: {
			too_large: 'Nicht gesendet. Es ist zu lang; sende es in Teilen.',
			bad_interests:
				'Eines deiner Interessen geht hier nicht. Nimm es heraus und fang noch einmal an.',
			lane_closed:
				'Das ist gerade geschlossen. Wähle eine andere Art zu reden oder einen anderen Raum.',
			server_full: 'Gerade ist alles voll. Versuch es in einer Minute noch einmal.',
			blocked: 'Nicht gesendet. Es verstößt gegen die Regeln dieses Raums.',
			not_in_chat: 'Nicht gesendet. Das Gespräch war vorbei.',
			no_report_target: 'Zum Melden ist es zu spät: niemand weiß mehr, wen du getroffen hast.',
			challenge_required:
				'Wir müssen sicher sein, dass du ein Mensch bist. Lade die Seite neu und versuch es noch einmal.',
			bad_message: 'Bei uns ist etwas kaputtgegangen. Versuch es gleich noch einmal.',
			internal: 'Bei uns ist etwas kaputtgegangen. Versuch es gleich noch einmal.',
		},
	},
	warning: {
		unsent: (message) => `Nicht gesendet. ${message}`,
	},
	banned: {
		until: (until, now) =>
			until === undefined
				? ['Du kannst hier nicht mehr reden.']
				: phrase`Du kannst bis ${say.moment(until, now)} nicht reden.`,
	},
	notFound: { title: 'Hier ist nichts.', home: 'Zurück zum Anfang' },
});
