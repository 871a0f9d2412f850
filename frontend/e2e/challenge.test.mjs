/** An engine under attack asks for a proof of work, and people hardly notice. */
import { after, before, test } from 'node:test';
import { startEngine } from './engine.mjs';
import { openBrowser, Person } from './person.mjs';

/** @type {Awaited<ReturnType<typeof startEngine>>} */
let engine;
/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
	engine = await startEngine('exempt = []\nchallenge.mode = "on"\n');
	browser = await openBrowser();
});

after(async () => {
	await browser?.close();
	await engine?.stop();
});

test('two strangers meet although they are asked to prove some work', async () => {
	const ada = await Person.arrive(browser, engine.url);
	const bob = await Person.arrive(browser, engine.url);
	for (const person of [ada, bob]) {
		await person.likes('chess');
		await person.accepts();
		await person.starts();
	}
	await ada.sees('You both like chess.');
	await bob.sees('You both like chess.');
});
