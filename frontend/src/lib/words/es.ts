/** What the interface says, in Spanish. */
import { phrase } from '#lib/phrase.ts';
import type { Words } from './en.ts';
import type { Formats } from './formats.ts';

export default (say: Formats): Words => ({
	name: 'Whisper',
	landing: {
		title: 'Habla con alguien a quien no tendrás que volver a ver.',
		promise: 'Nada de lo que dices se guarda.',
		start: 'Empezar',
	},
	interests: {
		label: '¿Qué te gusta?',
		placeholder: 'ajedrez, jazz, cetrería medieval',
		hint: 'Hasta diez. Déjalo vacío para conocer a cualquiera.',
		full: 'Diez es lo máximo. Quita uno para añadir otro.',
		tooLong: 'Es demasiado largo para uno; 32 caracteres es lo máximo.',
		list: 'Tus intereses',
		suggestions: 'Ideas',
		remove: (interest) => `Quitar ${interest}`,
		ideas: ['música', 'cine', 'juegos', 'cocina', 'libros', 'viajes', 'fútbol', 'arte'],
	},
	mode: {
		label: '¿Cómo quieres hablar?',
		text: 'Texto',
		voice: 'Voz',
		video: 'Vídeo',
		closed: 'Ahora no está abierto para ti: elige otra forma.',
	},
	relax: {
		label: '¿Y si a nadie le gusta lo mismo?',
		strict: 'Esperar mis intereses',
		gradual: 'Después, cualquiera',
		anyone: 'Cualquiera, ya',
		change: 'Cambiar la búsqueda',
		told: {
			strict: 'Solo a quien le guste lo mismo',
			gradual: 'Primero lo mismo, después cualquiera',
			anyone: 'Cualquiera, ya',
		},
	},
	tongue: {
		label: '¿En qué idioma?',
		any: 'Cualquier idioma',
		same: (language) => `Solo ${say.language(language)}`,
	},
	age: {
		label: '¿Cuántos años tienes?',
		teen: '13 a 17',
		adult: '18 o más',
		missing: 'Di tu edad, para encontrarte gente de la tuya.',
	},
	queue: {
		label: '¿Qué sala?',
		moderated: 'Moderada',
		unmoderated: 'Sin moderar',
		hint: 'Quien está en una nunca se encuentra con quien está en la otra. Ninguna guarda lo que dices.',
		teenHint: 'Con menos de 18 solo existe la sala moderada.',
	},
	rules: {
		title: 'Antes de tu primera charla',
		label: 'Tres reglas',
		accept: 'Tengo 13 años o más y las cumpliré',
		missing: 'Lee las reglas y marca la casilla.',
		change: 'Cambiar',
		changeLabel: 'Cambiar edad, sala y reglas',
		list: [
			'Nada de acoso, amenazas ni spam.',
			'Nada sexual con menores de 18.',
			'Guárdate nombres, números y direcciones.',
		],
	},
	online: (count) => say.count(count, { one: '# persona aquí', other: '# personas aquí' }),
	help: { open: 'Ajustes y ayuda' },
	searching: {
		looking: (interests, tier) => {
			if (interests.length === 0 || tier === 'any')
				return ['Buscando a cualquiera que esté por aquí.'];
			if (tier === 'single' && interests.length > 1)
				return ['Buscando a alguien a quien le guste algo de esto.'];
			return phrase`Buscando a alguien a quien le guste ${say.anyOf(interests, { other: '# más' })}.`;
		},
		usually: (waitMs) => `Suele tardar unos ${say.duration(waitMs)}.`,
		connecting: 'Conectando.',
		cancel: 'Cancelar',
		elapsed: 'Tiempo de espera',
		proving:
			'Hay mucha gente llegando. Tu dispositivo resuelve antes un pequeño acertijo que frena a los bots.',
		slow: 'Hoy tarda un poco. ¿Ampliar la búsqueda o seguir esperando?',
		goOn: 'Seguir esperando',
	},
	unmatched: {
		nobody: (interests) =>
			interests.length === 0
				? ['Ahora no hay nadie. ¿Buscar otra vez?']
				: phrase`Nadie para ${say.anyOf(interests, { other: '# más' })} ahora mismo.`,
		wider: '¿Ampliar la búsqueda?',
		widen: 'Ampliar la búsqueda',
		again: 'Seguir buscando',
		back: 'Cambiar intereses',
	},
	chat: {
		shared: (interests) =>
			interests.length === 0
				? ['Todavía no tenéis nada en común.']
				: phrase`A los dos os gusta ${say.list(interests, 'and')}.`,
		log: 'Charla',
		hello: 'Saluda.',
		you: 'Tú:',
		they: 'La otra persona:',
		sending: 'enviando',
		delivered: 'entregado',
		seen: 'visto',
		unsent: 'No enviado.',
		again: 'Enviar otra vez',
		typing: 'Está escribiendo',
		interrupted:
			'Has perdido la conexión. Te estamos recuperando; lo que escribas se enviará entonces.',
		change: 'Cambiar intereses',
		more: 'Más',
		saveText: 'Guardar como texto',
		saveData: 'Guardar como datos',
		newMessages: (count) => say.count(count, { one: 'Mensaje nuevo', other: '# mensajes nuevos' }),
		held: (graceMs) =>
			`La otra persona perdió la conexión. Le guardamos el sitio ${say.duration(graceMs)}.`,
		ending: {
			you_left: 'Te has ido.',
			partner_left: 'Se ha ido.',
			partner_lost: 'Perdió la conexión y no volvió.',
			link_lost: 'Tu conexión se cortó, y la charla con ella.',
		},
		savedBy: { yours: 'Tú', theirs: 'La otra persona' },
	},
	composer: {
		label: 'Tu mensaje',
		placeholder: 'Di algo',
		over: 'Esta charla terminó.',
		send: 'Enviar',
		left: (chars) => (chars >= 0 ? `quedan ${say.number(chars)}` : `sobran ${say.number(-chars)}`),
	},
	button: {
		stop: 'Parar',
		really: '¿Seguro?',
		new: 'Otra',
		hint: 'Una vez más para dejar esta charla.',
	},
	report: {
		open: 'Denunciar',
		sending: 'Enviando tu denuncia.',
		received: 'Gracias. Quien modera lo mirará.',
		blocked: 'Gracias. No volveréis a coincidir.',
		failed: 'Tu denuncia no llegó. Inténtalo otra vez.',
	},
	connection: {
		offline: 'Estás sin conexión. Seguiremos donde lo dejaste.',
		lost: 'Sin conexión con Whisper. Lo seguimos intentando.',
		full: 'Ahora está lleno. Lo seguimos intentando.',
		tooMuch: 'Ha sido mucho en poco tiempo. Lo intentamos de nuevo en un minuto.',
		idle: 'Has estado fuera un rato. Empieza cuando quieras.',
		closed: 'Whisper no nos dejó entrar. Recarga la página e inténtalo otra vez.',
		retry: 'Intentar ahora',
	},
	refused: {
		rate_limited: (waitMs) => `Muy rápido. Espera ${say.duration(waitMs)} e inténtalo otra vez.`,
		put_off: (waitMs) => `Muy rápido. Preguntamos de nuevo en ${say.duration(waitMs)}.`,
		full_for_now: (waitMs) => `Ahora está lleno. Preguntamos de nuevo en ${say.duration(waitMs)}.`,
		plain: {
			too_large: 'No enviado. Es demasiado largo; envíalo por partes.',
			bad_interests: 'Uno de tus intereses no se puede usar aquí. Quítalo y empieza otra vez.',
			lane_closed: 'Eso está cerrado ahora. Elige otra forma de hablar u otra sala.',
			server_full: 'Ahora está lleno. Inténtalo dentro de un minuto.',
			blocked: 'No enviado. Va contra las reglas de esta sala.',
			not_in_chat: 'No enviado. La charla había terminado.',
			no_report_target: 'Es tarde para denunciar: ya nadie sabe con quién hablaste.',
			challenge_required:
				'Tenemos que asegurarnos de que eres una persona. Recarga la página e inténtalo otra vez.',
			bad_message: 'Algo se rompió por nuestra parte. Inténtalo en un momento.',
			internal: 'Algo se rompió por nuestra parte. Inténtalo en un momento.',
		},
	},
	warning: {
		unsent: (message) => `No enviado. ${message}`,
	},
	banned: {
		until: (until, now) =>
			until === undefined
				? ['Ya no puedes charlar aquí.']
				: phrase`No puedes charlar hasta ${say.moment(until, now)}.`,
	},
	notFound: { title: 'Aquí no hay nada.', home: 'Volver al inicio' },
});
