/** What the interface says, in Arabic. */
import { phrase } from '#lib/phrase.ts';
import type { Words } from './en.ts';
import type { Formats } from './formats.ts';

export default (say: Formats): Words => ({
	name: 'Whisper',
	landing: {
		title: 'تحدّث مع شخص لن تضطر إلى رؤيته مرة أخرى.',
		promise: 'لا يُحفظ شيء مما تقوله.',
		start: 'ابدأ',
	},
	interests: {
		label: 'ماذا تحب؟',
		placeholder: 'شطرنج، جاز، صيد بالصقور',
		hint: 'حتى عشرة. اتركه فارغًا لتلتقي بأي شخص.',
		full: 'عشرة هو الحد الأقصى. أزل واحدًا لتضيف غيره.',
		tooLong: 'هذا طويل جدًا لاهتمام واحد؛ الحد 32 حرفًا.',
		list: 'اهتماماتك',
		suggestions: 'أفكار',
		remove: (interest) => `إزالة ${interest}`,
		ideas: ['موسيقى', 'أفلام', 'ألعاب', 'طبخ', 'كتب', 'سفر', 'كرة القدم', 'فن'],
	},
	mode: {
		label: 'كيف تريد أن تتحدث؟',
		text: 'نص',
		voice: 'صوت',
		video: 'فيديو',
		closed: 'غير متاح لك الآن: اختر طريقة أخرى.',
	},
	relax: {
		label: 'وإن لم يحب أحد الشيء نفسه؟',
		strict: 'انتظر اهتماماتي',
		gradual: 'ثم أي شخص',
		anyone: 'أي شخص، فورًا',
		change: 'تغيير البحث',
		told: {
			strict: 'فقط من يحب الشيء نفسه',
			gradual: 'من يحب الشيء نفسه أولًا، ثم أي شخص',
			anyone: 'أي شخص، فورًا',
		},
	},
	tongue: { label: 'بأي لغة؟', any: 'أي لغة', same: (language) => `${say.language(language)} فقط` },
	age: {
		label: 'كم عمرك؟',
		teen: '13 إلى 17',
		adult: '18 فأكثر',
		missing: 'قل لنا عمرك لنجد لك أشخاصًا من عمرك.',
	},
	queue: {
		label: 'أي غرفة؟',
		moderated: 'بإشراف',
		unmoderated: 'بلا إشراف',
		hint: 'من في غرفة لا يلتقي أبدًا بمن في الأخرى. ولا تحفظ أيٌّ منهما ما تقوله.',
		teenHint: 'دون 18 لا توجد إلا الغرفة ذات الإشراف.',
	},
	rules: {
		title: 'قبل محادثتك الأولى',
		label: 'ثلاث قواعد',
		accept: 'عمري 13 أو أكثر وسألتزم بها',
		missing: 'اقرأ القواعد وضع علامة في المربع من فضلك.',
		change: 'تغيير',
		changeLabel: 'تغيير العمر والغرفة والقواعد',
		list: [
			'لا تحرّش ولا تهديد ولا رسائل مزعجة.',
			'لا شيء جنسيًا يتعلق بمن هم دون 18.',
			'احتفظ بالأسماء والأرقام والعناوين لنفسك.',
		],
	},
	online: (count) =>
		say.count(count, {
			zero: 'لا أحد هنا',
			one: 'شخص واحد هنا',
			two: 'شخصان هنا',
			few: '# أشخاص هنا',
			many: '# شخصًا هنا',
			other: '# شخص هنا',
		}),
	help: { open: 'الإعدادات والمساعدة' },
	searching: {
		looking: (interests, tier) => {
			if (interests.length === 0 || tier === 'any') return ['نبحث عن أي شخص موجود.'];
			if (tier === 'single' && interests.length > 1) return ['نبحث عمّن يحب واحدًا منها.'];
			return phrase`نبحث عمّن يحب ${say.anyOf(interests, { one: 'واحد آخر', two: 'اثنين آخرين', few: '# أخرى', other: '# غيرها' })}.`;
		},
		usually: (waitMs) => `يستغرق عادةً نحو ${say.duration(waitMs)}.`,
		connecting: 'جارٍ الاتصال.',
		cancel: 'إلغاء',
		elapsed: 'مدة الانتظار',
		proving: 'الازدحام شديد الآن. يحل جهازك لغزًا صغيرًا أولًا، وهذا يُبعد البرامج الآلية.',
		slow: 'يتأخر الأمر اليوم. هل نوسّع البحث أم ننتظر؟',
		goOn: 'متابعة الانتظار',
	},
	unmatched: {
		nobody: (interests) =>
			interests.length === 0
				? ['لا أحد موجود الآن. نبحث مرة أخرى؟']
				: phrase`لا أحد لـ ${say.anyOf(interests, { one: 'واحد آخر', two: 'اثنين آخرين', few: '# أخرى', other: '# غيرها' })} الآن.`,
		wider: 'نوسّع البحث؟',
		widen: 'توسيع البحث',
		again: 'متابعة البحث',
		back: 'تغيير الاهتمامات',
	},
	chat: {
		shared: (interests) =>
			interests.length === 0
				? ['لا شيء مشترك بينكما بعد.']
				: phrase`كلاكما يحب ${say.list(interests, 'and')}.`,
		log: 'المحادثة',
		hello: 'قل مرحبًا.',
		you: 'أنت:',
		they: 'الطرف الآخر:',
		sending: 'قيد الإرسال',
		delivered: 'وصلت',
		seen: 'شوهدت',
		unsent: 'لم تُرسل.',
		again: 'إرسال مرة أخرى',
		typing: 'يكتب الآن',
		interrupted: 'انقطع اتصالك. نعيدك الآن؛ وما تكتبه يُرسل حينها.',
		change: 'تغيير الاهتمامات',
		more: 'المزيد',
		saveText: 'حفظ كنص',
		saveData: 'حفظ كبيانات',
		newMessages: (count) =>
			say.count(count, {
				zero: 'لا رسائل جديدة',
				one: 'رسالة جديدة',
				two: 'رسالتان جديدتان',
				few: '# رسائل جديدة',
				many: '# رسالة جديدة',
				other: '# رسالة جديدة',
			}),
		held: (graceMs) => `انقطع اتصال الطرف الآخر. نحفظ مكانه ${say.duration(graceMs)}.`,
		ending: {
			you_left: 'غادرتَ المحادثة.',
			partner_left: 'غادر الطرف الآخر.',
			partner_lost: 'انقطع اتصال الطرف الآخر ولم يعد.',
			link_lost: 'انقطع اتصالك، والمحادثة معه.',
		},
		savedBy: { yours: 'أنت', theirs: 'الطرف الآخر' },
	},
	composer: {
		label: 'رسالتك',
		placeholder: 'قل شيئًا',
		over: 'انتهت هذه المحادثة.',
		send: 'إرسال',
		left: (chars) => (chars >= 0 ? `بقي ${say.number(chars)}` : `زيادة ${say.number(-chars)}`),
	},
	button: { stop: 'توقف', really: 'حقًا؟', new: 'جديد', hint: 'مرة أخرى لمغادرة هذه المحادثة.' },
	report: {
		open: 'إبلاغ',
		sending: 'جارٍ إرسال بلاغك.',
		received: 'شكرًا. سينظر فيه المشرفون.',
		blocked: 'شكرًا. لن نجمعكما مرة أخرى.',
		failed: 'لم يصل بلاغك. حاول مرة أخرى.',
	},
	connection: {
		offline: 'أنت غير متصل. سنكمل من حيث توقفت.',
		lost: 'لا اتصال بـ Whisper. نحاول مجددًا.',
		full: 'المكان ممتلئ الآن. سنواصل المحاولة.',
		tooMuch: 'كان ذلك كثيرًا في وقت قصير. نحاول بعد دقيقة.',
		idle: 'غبت مدة. ابدأ متى شئت.',
		closed: 'لم يسمح لنا Whisper بالدخول. أعد تحميل الصفحة وحاول مجددًا.',
		retry: 'حاول الآن',
	},
	refused: {
		rate_limited: (waitMs) => `كان ذلك سريعًا. انتظر ${say.duration(waitMs)} ثم حاول مجددًا.`,
		put_off: (waitMs) => `كان ذلك سريعًا. نسأل مجددًا بعد ${say.duration(waitMs)}.`,
		full_for_now: (waitMs) => `المكان ممتلئ الآن. نسأل مجددًا بعد ${say.duration(waitMs)}.`,
		plain: {
			too_large: 'لم تُرسل. إنها طويلة جدًا؛ أرسلها على أجزاء.',
			bad_interests: 'أحد اهتماماتك لا يصلح هنا. أزله وابدأ مجددًا.',
			lane_closed: 'هذا مغلق الآن. اختر طريقة أخرى للحديث أو غرفة أخرى.',
			server_full: 'المكان ممتلئ الآن. حاول بعد دقيقة.',
			blocked: 'لم تُرسل. إنها تخالف قواعد هذه الغرفة.',
			not_in_chat: 'لم تُرسل. كانت المحادثة قد انتهت.',
			no_report_target: 'فات وقت الإبلاغ: لم يعد أحد يعرف بمن التقيت.',
			challenge_required: 'علينا التأكد من أنك إنسان. أعد تحميل الصفحة وحاول مجددًا.',
			bad_message: 'تعطّل شيء عندنا. حاول بعد لحظة.',
			internal: 'تعطّل شيء عندنا. حاول بعد لحظة.',
		},
	},
	warning: {
		unsent: (message) => `لم تُرسل. ${message}`,
	},
	banned: {
		until: (until, now) =>
			until === undefined
				? ['لا يمكنك المحادثة هنا بعد الآن.']
				: phrase`لا يمكنك المحادثة حتى ${say.moment(until, now)}.`,
	},
	notFound: { title: 'لا شيء هنا.', home: 'العودة إلى البداية' },
});
