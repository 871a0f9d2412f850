/** Draws the README's picture: two strangers in a chat, as one of them sees it. */
import { fileURLToPath } from 'node:url';
import { startEngine } from '../e2e/engine.mjs';
import { openBrowser, Person } from '../e2e/person.mjs';

const PICTURE = fileURLToPath(new URL('../../docs/images/chat.png', import.meta.url));

const TALK = /** @type {const} */ ([
	['ada', 'Hello. Do you play, or do you just like to watch?'],
	['bob', 'Both, badly. I lost to my aunt on Sunday; she is eighty.'],
	['ada', 'What did she open with?'],
	['bob', 'The Queen’s Gambit. She says it is “the one from the show”.'],
	['ada', 'Then you lost to a classic. No shame in it.'],
	['bob', 'Tell that to my aunt.'],
]);

const engine = await startEngine();
const browser = await openBrowser();
try {
	const people = {
		ada: await Person.arrive(browser, engine.url),
		bob: await Person.arrive(browser, engine.url),
	};
	for (const person of Object.values(people)) {
		await person.likes('chess');
		await person.accepts();
		await person.starts();
	}
	const { ada, bob } = people;
	await Promise.all([ada.sees('You both like chess.'), bob.sees('You both like chess.')]);
	for (const [who, text] of TALK) {
		await people[who].says(text);
		await Promise.all([ada.hears(text), bob.hears(text)]);
	}
	await bob.message.pressSequentially('She wants a rematch');
	await ada.sees("They're typing");
	await ada.page.setViewportSize({ width: 880, height: 690 });
	await ada.page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
	await ada.page.screenshot({ path: PICTURE });
} finally {
	await browser.close();
	await engine.stop();
}
