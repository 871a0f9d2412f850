/** The first view: how soon it is there, and how it looks on the largest of screens. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Person } from './person.mjs';
import { foundTown } from './town.mjs';

const town = foundTown();

test('it is there after one round trip: it waits for nothing that the page itself does not name', async () => {
	const page = await (await fetch(town.url)).text();
	const named = [...page.matchAll(/(?:href|src)="\.?\/?([^"]+)"|import\("\.?\/?([^"]+)"\)/g)];
	const asked = new Set(named.map(([, link, script]) => `${town.url}/${link ?? script}`));
	const context = await town.browser.newContext({ locale: 'en-US', serviceWorkers: 'block' });
	// Whatever would come by a second round trip never comes.
	await context.route('**/*', (route) => {
		const url = route.request().url();
		if (url === `${town.url}/` || asked.has(url)) return route.continue();
	});
	const ada = new Person(await context.newPage());
	await ada.page.goto(town.url, { waitUntil: 'commit' });
	await ada.sees("Talk to someone you'll never have to see again.");
	await ada.sees('person here');
	assert.deepEqual(ada.complaints, []);
	await context.unrouteAll({ behavior: 'ignoreErrors' });
});

test('on a screen of 4K nothing is lost in the corners', async () => {
	const viewport = { width: 3840, height: 2160 };
	const ada = await town.arrive({ viewport });
	await ada.page.screenshot({ path: 'e2e/shots/landing-3840.png' });
	await ada.seeks('large screens');
	const bob = await town.arrive({ viewport });
	await bob.seeks('large screens');
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
