/** The first view: how soon it is there, and how it looks on the largest of screens. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { startEngine } from './engine.mjs';
import { openBrowser, Person } from './person.mjs';

/** @type {Awaited<ReturnType<typeof startEngine>>} */
let engine;
/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
	engine = await startEngine();
	browser = await openBrowser();
});

afterEach(async () => {
	await Promise.all(browser.contexts().map((context) => context.close()));
});

after(async () => {
	await browser?.close();
	await engine?.stop();
});

test('it is there after one round trip: it waits for nothing that the page itself does not name', async () => {
	const page = await (await fetch(engine.url)).text();
	const named = [...page.matchAll(/(?:href|src)="\.?\/?([^"]+)"|import\("\.?\/?([^"]+)"\)/g)];
	const asked = new Set(named.map(([, link, script]) => `${engine.url}/${link ?? script}`));
	const context = await browser.newContext({ locale: 'en-US', serviceWorkers: 'block' });
	// Whatever would come by a second round trip never comes.
	await context.route('**/*', (route) => {
		const url = route.request().url();
		if (url === `${engine.url}/` || asked.has(url)) return route.continue();
	});
	const ada = new Person(await context.newPage());
	await ada.page.goto(engine.url, { waitUntil: 'commit' });
	await ada.sees("Talk to someone you'll never have to see again.");
	await ada.sees('person here');
	assert.deepEqual(ada.complaints, []);
	await context.unrouteAll({ behavior: 'ignoreErrors' });
});

test('on a screen of 4K nothing is lost in the corners', async () => {
	const viewport = { width: 3840, height: 2160 };
	const ada = await Person.arrive(browser, engine.url, { viewport });
	await ada.page.screenshot({ path: 'e2e/shots/landing-3840.png' });
	await ada.likes('large screens');
	await ada.accepts();
	await ada.starts();
	const bob = await Person.arrive(browser, engine.url, { viewport });
	await bob.likes('large screens');
	await bob.accepts();
	await bob.starts();
	await ada.sees('You both like large screens.');
	await bob.says('So much room.');
	await ada.hears('So much room.');
	await ada.page.screenshot({ path: 'e2e/shots/chat-3840.png' });
	for (const it of [ada.log, ada.message]) {
		const box = await it.boundingBox();
		assert.ok(box);
		// One column, in the middle, not wider than one reads.
		const middle = box.x + box.width / 2;
		assert.ok(Math.abs(middle - viewport.width / 2) < 100, `its middle is at ${middle}`);
		assert.ok(box.width <= 44 * 16, `it is ${box.width} wide`);
	}
	assert.deepEqual([...ada.complaints, ...bob.complaints], []);
});
