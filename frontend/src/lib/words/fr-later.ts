/** What later views say, in French. */
import { phrase } from '#lib/phrase.ts';
import type { LaterWords } from './en-later.ts';
import type { Formats } from './formats.ts';

export default (say: Formats): LaterWords => ({
	rules: {
		minors: "Le contenu sexuel sur des mineurs n'est jamais toléré ici.",
		threat: 'Les menaces ne sont pas transmises.',
		self_harm:
			"Inciter quelqu'un à se faire du mal n'est pas transmis. Si vous pensez à vous faire du mal, parlez à quelqu'un de confiance.",
		doxing: "Où habitent les gens et qui ils sont, c'est à eux de le dire.",
		slur: 'Les insultes envers des groupes blessent. Laissez-les de côté.',
		sexual: "Les propos sexuels n'ont pas leur place dans ce salon.",
		harassment: 'Restez aimable, ou passez votre chemin.',
		profanity: 'Surveillez votre langage.',
		spam: "La publicité n'a pas sa place ici.",
		age_lane: 'Ce salon est pour un autre âge.',
		personal_information:
			'Cela semble personnel. Gardez numéros, adresses et noms pour vous : vous ne savez pas qui les lit.',
		social_link: 'Restez ici : des comptes ailleurs disent à des inconnus qui vous êtes.',
		grooming:
			"Personne n'a le droit de demander cela ici. Vous pouvez partir et signaler à tout moment.",
	},
	reasons: {
		minors: 'contenu sexuel sur des mineurs',
		threat: 'menaces',
		self_harm: 'inciter à se faire du mal',
		doxing: 'révéler qui sont les autres',
		slur: 'insultes envers des groupes',
		sexual: 'propos sexuels',
		harassment: 'harcèlement',
		profanity: 'langage grossier',
		spam: 'publicité',
		age_lane: 'un salon pour un autre âge',
		personal_information: 'données personnelles',
		social_link: 'comptes ailleurs',
		grooming: "demander ce que personne n'a le droit de demander",
	},
	leaving: {
		title: 'Vous quittez Whisper',
		body: "Un inconnu a envoyé ce lien. Le site derrière peut apprendre votre adresse internet, et n'être pas ce qu'il prétend.",
		stay: 'Rester ici',
		open: (host) => phrase`Ouvrir ${host}`,
	},
	report: {
		title: "Que s'est-il passé ?",
		ends: 'Choisir envoie le signalement et met fin à la discussion.',
		sends: 'Choisir envoie le signalement.',
		evidenceHint: 'Cochez ce que la modération doit voir. Rien d’autre n’est gardé.',
		nothing: "L'autre n'a rien écrit. Le signalement part sans messages.",
		comment: 'Avec vos mots, si vous voulez',
		block: 'Ne plus jamais nous mettre en relation',
		cancel: 'Annuler',
		reasons: {
			harassment: "M'a harcelé ou insulté",
			explicit: "Du sexuel que je n'ai pas demandé",
			spam: 'Spam, publicité ou robot',
			minor: 'Un moins de 18 ans est en danger',
			threat: "A menacé la sécurité de quelqu'un",
			other: 'Autre chose',
		},
		evidence: (count) =>
			say.count(count, { one: '# message est joint', other: '# messages sont joints' }),
	},
	call: {
		title: { voice: 'Vérifiez votre son', video: 'Vérifiez votre image et votre son' },
		allow: { voice: 'Activer mon micro', video: 'Activer ma caméra et mon micro' },
		ask: "Votre navigateur vous demandera. Personne ne vous voit ni ne vous entend avant qu'on ait trouvé quelqu'un.",
		camera: 'Caméra',
		microphone: 'Micro',
		level: 'Votre volume',
		relayed:
			"Les appels passent ici par un relais. L'autre n'apprend jamais votre adresse internet.",
		direct:
			"Il n'y a pas de relais ici. Pendant un appel, l'appareil de l'autre peut apprendre votre adresse internet, et par elle à peu près où vous êtes.",
		look: "Chercher quelqu'un",
		back: 'Retour',
		again: 'Réessayer',
		asText: 'Plutôt du texte',
		asVoice: 'Plutôt la voix',
		you: 'Vous',
		them: "L'autre",
		accept: 'Montrer',
		hidden: 'Flou et muet tant que vous ne voulez pas.',
		listen: 'Écouter',
		connecting: "Connexion de l'appel.",
		mending: "L'appel s'est coupé. Nous cherchons un autre chemin.",
		failed: "L'appel n'a pas pu être établi. Vous pouvez encore écrire.",
		talking: 'Vous pouvez vous entendre.',
		micOn: 'Activer le micro',
		micOff: 'Couper le micro',
		cameraOn: 'Activer la caméra',
		cameraOff: 'Couper la caméra',
		theyAreMuted: 'Son micro est coupé.',
		theyAreDark: 'Sa caméra est coupée.',
		degraded: 'La connexion est faible, votre image se repose. On vous entend encore.',
		sheet: 'Hauteur de la discussion',
		trouble: {
			denied:
				"Votre navigateur n'avait pas le droit. Autorisez-le près de l'adresse de la page, puis réessayez.",
			denied_by_system:
				'Votre système ne laisse pas le navigateur. Autorisez-le dans ses réglages de confidentialité, puis réessayez.',
			not_found: "Aucun n'a été trouvé. Branchez-en un et réessayez.",
			in_use: "Un autre programme l'utilise. Fermez-le, puis réessayez.",
			insecure:
				'Les navigateurs ne le permettent que sur des pages sûres. Ouvrez cette page avec https.',
			failed: 'Le démarrage a échoué. Réessayez, ou prenez un autre appareil.',
		},
		quality: { good: 'Bonne connexion', fair: 'Connexion moyenne', poor: 'Connexion faible' },
	},
	help: {
		title: 'Réglages et aide',
		close: 'Fermer',
		language: 'Langue',
		sound: 'Un son pour les nouveaux messages',
		relay: 'Cacher mon adresse internet pendant les appels',
		relayHint:
			'Les appels passent par un relais. Sans lui, ils sont peut-être un peu plus rapides.',
		safety: 'Restez en sécurité',
		keys: 'Clavier',
		tips: [
			"Les inconnus ne voient ni votre nom, ni où vous êtes, ni à qui d'autre vous parlez. Ils voient ce que vous aimez tous les deux, ce que vous écrivez et, dans un appel, ce que vous montrez.",
			'Gardez pour vous noms, numéros, écoles et adresses. Qui vous veut du bien n’en a pas besoin.',
			'Ce que vous montrez ou dites dans un appel peut être enregistré.',
			'Un malaise ? Arrêtez. Vous ne devez d’explication à personne. Signalez ce qui enfreint les règles.',
			"Quelqu'un est en danger ? Appelez le numéro d'urgence local.",
		],
		shortcuts: {
			stop: 'Arrêter, vraiment, suivant',
			send: 'Envoyer',
			line: 'Nouvelle ligne',
			help: 'Cette page',
		},
		keyNames: { enter: 'Entrée', shift: 'Maj', escape: 'Échap' },
	},
});
