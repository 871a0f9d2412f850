/** What the interface says, in French. */
import { phrase } from '#lib/phrase.ts';
import type { Words } from './en.ts';
import type { Formats } from './formats.ts';

export default (say: Formats): Words => ({
	name: 'Whisper',
	landing: {
		title: "Parlez à quelqu'un que vous n'aurez jamais à revoir.",
		promise: "Rien de ce que vous dites n'est gardé.",
		start: 'Commencer',
	},
	interests: {
		label: "Qu'aimez-vous ?",
		placeholder: 'échecs, jazz, fauconnerie médiévale',
		hint: "Jusqu'à dix. Laissez vide pour rencontrer n'importe qui.",
		full: 'Dix au maximum. Retirez-en un pour en ajouter un autre.',
		tooLong: "C'est trop long pour un seul ; 32 caractères au maximum.",
		list: "Vos centres d'intérêt",
		suggestions: 'Idées',
		remove: (interest) => `Retirer ${interest}`,
		ideas: ['musique', 'cinéma', 'jeux', 'cuisine', 'livres', 'voyages', 'football', 'art'],
	},
	mode: {
		label: 'Comment voulez-vous parler ?',
		text: 'Texte',
		voice: 'Voix',
		video: 'Vidéo',
		closed: 'Pas ouvert pour vous en ce moment : choisissez autre chose.',
	},
	relax: {
		label: "Et si personne n'aime la même chose ?",
		strict: "Attendre mes centres d'intérêt",
		gradual: "Puis n'importe qui",
		anyone: "N'importe qui, tout de suite",
		change: 'Changer la recherche',
		told: {
			strict: 'Seulement qui aime la même chose',
			gradual: "D'abord qui aime la même chose, puis n'importe qui",
			anyone: "N'importe qui, tout de suite",
		},
	},
	tongue: {
		label: 'Dans quelle langue ?',
		any: 'Toutes les langues',
		same: (language) => `Seulement ${say.language(language)}`,
	},
	age: {
		label: 'Quel âge avez-vous ?',
		teen: '13 à 17 ans',
		adult: '18 ans ou plus',
		missing: 'Dites votre âge, pour que nous trouvions des gens de votre âge.',
	},
	queue: {
		label: 'Quel salon ?',
		moderated: 'Modéré',
		unmoderated: 'Non modéré',
		hint: "Les gens de l'un ne rencontrent jamais ceux de l'autre. Aucun ne garde ce que vous dites.",
		teenHint: "Avant 18 ans, il n'y a que le salon modéré.",
	},
	rules: {
		title: 'Avant votre première discussion',
		label: 'Trois règles',
		accept: "J'ai 13 ans ou plus et je les respecterai",
		missing: 'Lisez les règles et cochez la case.',
		change: 'Changer',
		changeLabel: 'Changer âge, salon et règles',
		list: [
			'Ni harcèlement, ni menaces, ni spam.',
			'Rien de sexuel qui implique des moins de 18 ans.',
			'Gardez pour vous noms, numéros et adresses.',
		],
	},
	online: (count) => say.count(count, { one: '# personne ici', other: '# personnes ici' }),
	help: { open: 'Réglages et aide' },
	searching: {
		looking: (interests, tier) => {
			if (interests.length === 0 || tier === 'any')
				return ["Nous cherchons n'importe qui de présent."];
			if (tier === 'single' && interests.length > 1)
				return ["Nous cherchons quelqu'un qui aime l'un d'eux."];
			return phrase`Nous cherchons quelqu'un qui aime ${say.anyOf(interests, { one: '# autre', other: '# autres' })}.`;
		},
		usually: (waitMs) => `Prend en général environ ${say.duration(waitMs)}.`,
		connecting: 'Connexion.',
		cancel: 'Annuler',
		elapsed: "Temps d'attente",
		proving:
			"Il y a foule en ce moment. Ton appareil résout d'abord une petite énigme, qui écarte les robots.",
		slow: "C'est un peu long aujourd'hui. Élargir la recherche, ou continuer d'attendre ?",
		goOn: "Continuer d'attendre",
	},
	unmatched: {
		nobody: (interests) =>
			interests.length === 0
				? ["Il n'y a personne en ce moment. Chercher encore ?"]
				: phrase`Personne pour ${say.anyOf(interests, { one: '# autre', other: '# autres' })} en ce moment.`,
		wider: 'Élargir la recherche ?',
		widen: 'Élargir la recherche',
		again: 'Continuer à chercher',
		back: "Changer mes centres d'intérêt",
	},
	chat: {
		shared: (interests) =>
			interests.length === 0
				? ["Vous n'avez encore rien en commun."]
				: phrase`Vous aimez tous les deux ${say.list(interests, 'and')}.`,
		log: 'Discussion',
		hello: 'Dites bonjour.',
		you: 'Vous :',
		they: "L'autre :",
		sending: 'envoi',
		delivered: 'remis',
		seen: 'vu',
		unsent: 'Non envoyé.',
		again: 'Renvoyer',
		typing: 'En train d’écrire',
		interrupted:
			'Votre connexion est coupée. Nous vous ramenons ; ce que vous écrivez partira alors.',
		change: "Changer mes centres d'intérêt",
		more: 'Plus',
		saveText: 'Enregistrer en texte',
		saveData: 'Enregistrer en données',
		newMessages: (count) =>
			say.count(count, { one: 'Nouveau message', other: '# nouveaux messages' }),
		held: (graceMs) =>
			`L'autre a perdu sa connexion. Nous gardons sa place ${say.duration(graceMs)}.`,
		ending: {
			you_left: 'Vous avez quitté la discussion.',
			partner_left: "L'autre a quitté la discussion.",
			partner_lost: "L'autre a perdu sa connexion et n'est pas revenu.",
			link_lost: 'Votre connexion a été coupée, et la discussion avec elle.',
		},
		savedBy: { yours: 'Vous', theirs: "L'autre" },
	},
	composer: {
		label: 'Votre message',
		placeholder: 'Dites quelque chose',
		over: 'Cette discussion est finie.',
		send: 'Envoyer',
		left: (chars) =>
			chars >= 0 ? `${say.number(chars)} restants` : `${say.number(-chars)} de trop`,
	},
	button: {
		stop: 'Arrêter',
		really: 'Vraiment ?',
		new: 'Suivant',
		hint: 'Encore une fois pour quitter cette discussion.',
	},
	report: {
		open: 'Signaler',
		sending: 'Envoi de votre signalement.',
		received: 'Merci. La modération va regarder.',
		blocked: 'Merci. Vous ne serez plus mis en relation.',
		failed: "Votre signalement n'est pas arrivé. Réessayez.",
	},
	connection: {
		offline: 'Vous êtes hors ligne. Nous reprendrons où vous en étiez.',
		lost: 'Pas de connexion à Whisper. Nouvel essai en cours.',
		full: "C'est plein en ce moment. Nous continuons d'essayer.",
		tooMuch: "C'était beaucoup en peu de temps. Nous réessayons dans une minute.",
		idle: 'Cela fait un moment. Commencez quand vous voulez.',
		closed: 'Whisper ne nous a pas laissés entrer. Rechargez la page et réessayez.',
		retry: 'Essayer maintenant',
	},
	refused: {
		rate_limited: (waitMs) => `C'était rapide. Attendez ${say.duration(waitMs)} et réessayez.`,
		put_off: (waitMs) => `C'était rapide. Nous redemandons dans ${say.duration(waitMs)}.`,
		full_for_now: (waitMs) =>
			`C'est plein en ce moment. Nous redemandons dans ${say.duration(waitMs)}.`,
		plain: {
			too_large: "Non envoyé. C'est trop long ; envoyez-le en plusieurs fois.",
			bad_interests:
				"L'un de vos centres d'intérêt n'est pas possible ici. Retirez-le et recommencez.",
			lane_closed:
				"C'est fermé en ce moment. Choisissez une autre façon de parler, ou un autre salon.",
			server_full: "C'est plein en ce moment. Réessayez dans une minute.",
			blocked: "Non envoyé. C'est contraire aux règles de ce salon.",
			not_in_chat: 'Non envoyé. La discussion était finie.',
			no_report_target:
				'Il est trop tard pour signaler : plus personne ne sait qui vous avez rencontré.',
			challenge_required:
				'Nous devons nous assurer que vous êtes une personne. Rechargez la page et réessayez.',
			bad_message: "Quelque chose s'est cassé chez nous. Réessayez dans un instant.",
			internal: "Quelque chose s'est cassé chez nous. Réessayez dans un instant.",
		},
	},
	warning: {
		unsent: (message) => `Non envoyé. ${message}`,
	},
	banned: {
		until: (until, now) =>
			until === undefined
				? ['Vous ne pouvez plus discuter ici.']
				: phrase`Vous ne pouvez pas discuter jusqu'à ${say.moment(until, now)}.`,
	},
	notFound: { title: "Il n'y a rien ici.", home: 'Retour au début' },
});
