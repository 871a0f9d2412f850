/** What the interface says, in Hindi. */
import { phrase } from '#lib/phrase.ts';
import type { Words } from './en.ts';
import type { Formats } from './formats.ts';

export default (say: Formats): Words => ({
	name: 'Whisper',
	landing: {
		title: 'ऐसे किसी से बात करें जिससे फिर कभी मिलना न पड़े।',
		promise: 'आपकी कही कोई बात रखी नहीं जाती।',
		start: 'शुरू करें',
	},
	interests: {
		label: 'आपको क्या पसंद है?',
		placeholder: 'शतरंज, जैज़, बाज़ पालना',
		hint: 'दस तक। किसी से भी मिलने के लिए खाली छोड़ें।',
		full: 'दस सबसे ज़्यादा हैं। दूसरा जोड़ने के लिए एक हटाएँ।',
		tooLong: 'एक के लिए यह बहुत लंबा है; 32 अक्षर तक।',
		list: 'आपकी पसंद',
		suggestions: 'सुझाव',
		remove: (interest) => `${interest} हटाएँ`,
		ideas: ['संगीत', 'फ़िल्में', 'खेल', 'खाना बनाना', 'किताबें', 'यात्रा', 'क्रिकेट', 'कला'],
	},
	mode: {
		label: 'आप कैसे बात करना चाहते हैं?',
		text: 'लिखकर',
		voice: 'आवाज़',
		video: 'वीडियो',
		closed: 'अभी आपके लिए खुला नहीं है: कुछ और चुनें।',
	},
	relax: {
		label: 'और अगर किसी को वही पसंद न हो?',
		strict: 'मेरी पसंद का इंतज़ार',
		gradual: 'फिर कोई भी',
		anyone: 'कोई भी, तुरंत',
		change: 'खोज बदलें',
		told: {
			strict: 'सिर्फ़ वही जिन्हें यही पसंद हो',
			gradual: 'पहले जिन्हें यही पसंद हो, फिर कोई भी',
			anyone: 'कोई भी, तुरंत',
		},
	},
	tongue: {
		label: 'किस भाषा में?',
		any: 'कोई भी भाषा',
		same: (language) => `सिर्फ़ ${say.language(language)}`,
	},
	age: {
		label: 'आपकी उम्र?',
		teen: '13 से 17',
		adult: '18 या ज़्यादा',
		missing: 'अपनी उम्र बताएँ, ताकि हम आपकी उम्र के लोग ढूँढ सकें।',
	},
	queue: {
		label: 'कौन सा कमरा?',
		moderated: 'निगरानी वाला',
		unmoderated: 'बिना निगरानी',
		hint: 'एक के लोग दूसरे के लोगों से कभी नहीं मिलते। आपकी बात कोई नहीं रखता।',
		teenHint: '18 से कम के लिए सिर्फ़ निगरानी वाला कमरा है।',
	},
	rules: {
		title: 'आपकी पहली बातचीत से पहले',
		label: 'तीन नियम',
		accept: 'मैं 13 या उससे बड़ा/बड़ी हूँ और इन्हें मानूँगा/मानूँगी',
		missing: 'नियम पढ़ें और निशान लगाएँ।',
		change: 'बदलें',
		changeLabel: 'उम्र, कमरा और नियम बदलें',
		list: [
			'न उत्पीड़न, न धमकी, न स्पैम।',
			'18 से कम किसी के साथ कुछ भी यौन नहीं।',
			'नाम, नंबर और पते अपने तक रखें।',
		],
	},
	online: (count) => say.count(count, { one: '# व्यक्ति यहाँ', other: '# लोग यहाँ' }),
	help: { open: 'सेटिंग और मदद' },
	searching: {
		looking: (interests, tier) => {
			if (interests.length === 0 || tier === 'any') return ['जो भी हो, उसे ढूँढ रहे हैं।'];
			if (tier === 'single' && interests.length > 1)
				return ['ऐसे किसी को ढूँढ रहे हैं जिसे इनमें से कुछ पसंद हो।'];
			return phrase`ऐसे किसी को ढूँढ रहे हैं जिसे ${say.anyOf(interests, { other: '# और' })} पसंद हो।`;
		},
		usually: (waitMs) => `आमतौर पर लगभग ${say.duration(waitMs)} लगते हैं।`,
		connecting: 'जुड़ रहे हैं।',
		cancel: 'रद्द करें',
		elapsed: 'इंतज़ार का समय',
		proving: 'अभी बहुत भीड़ है। आपका डिवाइस पहले एक छोटी पहेली हल करता है, जिससे बॉट बाहर रहते हैं।',
		slow: 'आज थोड़ा समय लग रहा है। खोज बढ़ाएँ या इंतज़ार करें?',
		goOn: 'इंतज़ार करें',
	},
	unmatched: {
		nobody: (interests) =>
			interests.length === 0
				? ['अभी कोई नहीं है। फिर से खोजें?']
				: phrase`${say.anyOf(interests, { other: '# और' })} के लिए अभी कोई नहीं।`,
		wider: 'खोज बढ़ाएँ?',
		widen: 'खोज बढ़ाएँ',
		again: 'खोजते रहें',
		back: 'पसंद बदलें',
	},
	chat: {
		shared: (interests) =>
			interests.length === 0
				? ['अभी आप दोनों में कुछ एक जैसा नहीं है।']
				: phrase`आप दोनों को ${say.list(interests, 'and')} पसंद है।`,
		log: 'बातचीत',
		hello: 'नमस्ते कहें।',
		you: 'आप:',
		they: 'सामने वाले:',
		sending: 'भेजा जा रहा है',
		delivered: 'पहुँचा',
		seen: 'देखा गया',
		unsent: 'नहीं भेजा गया।',
		again: 'फिर से भेजें',
		typing: 'लिख रहे हैं',
		interrupted: 'आपका कनेक्शन टूट गया। आपको वापस ला रहे हैं; जो लिखेंगे, तब भेजा जाएगा।',
		change: 'पसंद बदलें',
		more: 'और',
		saveText: 'टेक्स्ट में सहेजें',
		saveData: 'डेटा में सहेजें',
		newMessages: (count) => say.count(count, { one: 'नया संदेश', other: '# नए संदेश' }),
		held: (graceMs) => `उनका कनेक्शन टूट गया। उनकी जगह ${say.duration(graceMs)} तक रखी है।`,
		ending: {
			you_left: 'आप चले गए।',
			partner_left: 'वे चले गए।',
			partner_lost: 'उनका कनेक्शन टूटा और वे नहीं लौटे।',
			link_lost: 'आपका कनेक्शन टूट गया, और बातचीत भी।',
		},
		savedBy: { yours: 'आप', theirs: 'सामने वाले' },
	},
	composer: {
		label: 'आपका संदेश',
		placeholder: 'कुछ कहें',
		over: 'यह बातचीत खत्म हुई।',
		send: 'भेजें',
		left: (chars) => (chars >= 0 ? `${say.number(chars)} बाकी` : `${say.number(-chars)} ज़्यादा`),
	},
	button: { stop: 'रोकें', really: 'सच में?', new: 'नया', hint: 'यह बातचीत छोड़ने के लिए एक बार और।' },
	report: {
		open: 'शिकायत करें',
		sending: 'आपकी शिकायत भेजी जा रही है।',
		received: 'धन्यवाद। निगरानी करने वाले इसे देखेंगे।',
		blocked: 'धन्यवाद। उनसे आपको फिर नहीं मिलाया जाएगा।',
		failed: 'आपकी शिकायत नहीं पहुँची। फिर कोशिश करें।',
	},
	connection: {
		offline: 'आप ऑफ़लाइन हैं। जहाँ छोड़ा था, वहीं से शुरू करेंगे।',
		lost: 'Whisper से कनेक्शन नहीं है। फिर कोशिश कर रहे हैं।',
		full: 'अभी जगह नहीं है। हम कोशिश करते रहेंगे।',
		tooMuch: 'कम समय में बहुत ज़्यादा हो गया। एक मिनट में फिर कोशिश करेंगे।',
		idle: 'आप कुछ देर से नहीं थे। जब चाहें शुरू करें।',
		closed: 'Whisper ने अंदर नहीं आने दिया। पेज फिर से खोलें और कोशिश करें।',
		retry: 'अभी कोशिश करें',
	},
	refused: {
		rate_limited: (waitMs) => `बहुत जल्दी था। ${say.duration(waitMs)} रुकें और फिर कोशिश करें।`,
		put_off: (waitMs) => `बहुत जल्दी था। ${say.duration(waitMs)} में फिर पूछेंगे।`,
		full_for_now: (waitMs) => `अभी जगह नहीं है। ${say.duration(waitMs)} में फिर पूछेंगे।`,
		plain: {
			too_large: 'नहीं भेजा गया। बहुत लंबा है; टुकड़ों में भेजें।',
			bad_interests: 'आपकी एक पसंद यहाँ नहीं चल सकती। उसे हटाएँ और फिर शुरू करें।',
			lane_closed: 'यह अभी बंद है। बात करने का दूसरा तरीका या दूसरा कमरा चुनें।',
			server_full: 'अभी जगह नहीं है। एक मिनट में फिर कोशिश करें।',
			blocked: 'नहीं भेजा गया। यह इस कमरे के नियमों के खिलाफ़ है।',
			not_in_chat: 'नहीं भेजा गया। बातचीत खत्म हो चुकी थी।',
			no_report_target: 'शिकायत के लिए देर हो गई: अब कोई नहीं जानता कि आप किससे मिले थे।',
			challenge_required: 'हमें पक्का करना है कि आप इंसान हैं। पेज फिर से खोलें और कोशिश करें।',
			bad_message: 'हमारी तरफ़ कुछ टूट गया। थोड़ी देर में फिर कोशिश करें।',
			internal: 'हमारी तरफ़ कुछ टूट गया। थोड़ी देर में फिर कोशिश करें।',
		},
	},
	warning: {
		unsent: (message) => `नहीं भेजा गया। ${message}`,
	},
	banned: {
		until: (until, now) =>
			until === undefined
				? ['अब आप यहाँ बात नहीं कर सकते।']
				: phrase`आप ${say.moment(until, now)} तक बात नहीं कर सकते।`,
	},
	notFound: { title: 'यहाँ कुछ नहीं है।', home: 'शुरुआत पर लौटें' },
});
