/** What later views say, in Spanish. */
import { phrase } from '#lib/phrase.ts';
import type { LaterWords } from './en-later.ts';
import type { Formats } from './formats.ts';

export default (say: Formats): LaterWords => ({
	rules: {
		minors: 'Aquí nunca se tolera contenido sexual sobre menores.',
		threat: 'Las amenazas no se entregan.',
		self_harm:
			'No se entrega nada que incite a hacerse daño. Si piensas en hacerte daño, habla con alguien de confianza.',
		doxing: 'Dónde vive y quién es cada persona lo cuenta ella misma.',
		slur: 'Los insultos a grupos hieren. Déjalos fuera.',
		sexual: 'En esta sala no se habla de sexo.',
		harassment: 'Sé amable, o sigue adelante.',
		profanity: 'Cuida tu lenguaje.',
		spam: 'Aquí no se admite publicidad.',
		age_lane: 'Esta sala es para otra edad.',
		personal_information:
			'Eso parece personal. Guárdate números, direcciones y nombres: no sabes quién los lee.',
		social_link: 'Quédate aquí: las cuentas en otros sitios dicen a desconocidos quién eres.',
		grooming: 'Nadie puede pedir esto aquí. Puedes irte y denunciar cuando quieras.',
	},
	leaving: {
		title: 'Sales de Whisper',
		body: 'Este enlace lo envió una persona desconocida. El sitio puede conocer tu dirección de internet y no ser lo que dice.',
		stay: 'Quedarme',
		open: (host) => phrase`Abrir ${host}`,
	},
	report: {
		title: '¿Qué hizo?',
		ends: 'Al elegir se envía la denuncia y termina la charla.',
		sends: 'Al elegir se envía la denuncia.',
		evidenceHint: 'Marca lo que debe ver quien modera. No se guarda nada más.',
		nothing: 'No escribió nada. La denuncia va sin mensajes.',
		comment: 'Con tus palabras, si quieres',
		block: 'No volver a coincidir',
		cancel: 'Cancelar',
		reasons: {
			harassment: 'Me acosó o insultó',
			explicit: 'Cosas sexuales que no pedí',
			spam: 'Spam, anuncios o un bot',
			minor: 'Alguien menor de 18 corre peligro',
			threat: 'Amenazó la seguridad de alguien',
			other: 'Otra cosa',
		},
		evidence: (count) =>
			say.count(count, { one: 'Se adjunta # mensaje', other: 'Se adjuntan # mensajes' }),
	},
	call: {
		title: { voice: 'Comprueba tu sonido', video: 'Comprueba tu imagen y tu sonido' },
		allow: { voice: 'Encender mi micrófono', video: 'Encender mi cámara y mi micrófono' },
		ask: 'Tu navegador te preguntará. Nadie te ve ni te oye antes de encontrar a alguien.',
		camera: 'Cámara',
		microphone: 'Micrófono',
		level: 'Tu volumen',
		relayed:
			'Aquí las llamadas pasan por un relé. La otra persona nunca sabe tu dirección de internet.',
		direct:
			'Aquí no hay relé. En una llamada, el dispositivo de la otra persona puede conocer tu dirección de internet y, con ella, más o menos dónde estás.',
		look: 'Buscar a alguien',
		back: 'Volver',
		again: 'Intentar otra vez',
		asText: 'Usar texto',
		asVoice: 'Usar voz',
		you: 'Tú',
		them: 'La otra persona',
		accept: 'Mostrar',
		hidden: 'Borroso y en silencio hasta que tú digas.',
		listen: 'Escuchar',
		connecting: 'Conectando la llamada.',
		mending: 'La llamada se cortó. Buscando otro camino.',
		failed: 'La llamada no pudo conectarse. Aún podéis escribir.',
		talking: 'Podéis oíros.',
		micOn: 'Encender micrófono',
		micOff: 'Apagar micrófono',
		cameraOn: 'Encender cámara',
		cameraOff: 'Apagar cámara',
		theyAreMuted: 'Su micrófono está apagado.',
		theyAreDark: 'Su cámara está apagada.',
		degraded: 'La conexión es débil, así que tu imagen descansa. Aún te oyen.',
		sheet: 'Altura de la charla',
		trouble: {
			denied:
				'Tu navegador no tenía permiso. Dáselo junto a la dirección de la página e inténtalo otra vez.',
			denied_by_system:
				'Tu sistema no deja al navegador. Permítelo en los ajustes de privacidad e inténtalo otra vez.',
			not_found: 'No se encontró ninguno. Conecta uno e inténtalo otra vez.',
			in_use: 'Otro programa lo está usando. Ciérralo e inténtalo otra vez.',
			insecure: 'Los navegadores solo lo permiten en páginas seguras. Abre esta página con https.',
			failed: 'No se pudo iniciar. Inténtalo otra vez o con otro dispositivo.',
		},
		quality: { good: 'Buena conexión', fair: 'Conexión regular', poor: 'Conexión débil' },
	},
	help: {
		title: 'Ajustes y ayuda',
		close: 'Cerrar',
		language: 'Idioma',
		sound: 'Un sonido con mensajes nuevos',
		relay: 'Ocultar mi dirección de internet en llamadas',
		relayHint: 'Las llamadas pasan por un relé. Sin él quizá sean algo más rápidas.',
		safety: 'Cuídate',
		keys: 'Teclado',
		tips: [
			'Nadie ve tu nombre, dónde estás ni con quién más hablas. Ven lo que os gusta a los dos, lo que escribes y, en una llamada, lo que muestras.',
			'Guárdate nombres, números, escuelas y direcciones. Quien tiene buenas intenciones no los necesita.',
			'Lo que muestras o dices en una llamada puede grabarse.',
			'¿Algo va mal? Para. No debes explicaciones a nadie. Denuncia lo que rompa las reglas.',
			'¿Alguien está en peligro? Llama al número de emergencias de tu zona.',
		],
		shortcuts: {
			stop: 'Parar, seguro, otra',
			send: 'Enviar',
			line: 'Línea nueva',
			help: 'Esta página',
		},
		keyNames: { enter: 'Intro', shift: 'Mayús', escape: 'Esc' },
	},
});
