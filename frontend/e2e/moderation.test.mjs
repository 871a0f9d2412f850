/** What goes against the rules is seen by its sender, in place, up to the end. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
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

after(async () => {
	await browser?.close();
	await engine?.stop();
});

test('who goes on against the rules is warned, then blocked, then banned', async () => {
	const rude = await Person.arrive(browser, engine.url);
	const calm = await Person.arrive(browser, engine.url);
	for (const person of [rude, calm]) {
		await person.likes('manners');
		await person.accepts();
		await person.starts();
	}
	await rude.sees('You both like manners.');
	const insult = (/** @type {number} */ nth) => `Nobody likes you, ${nth}`;

	for (const nth of [1, 2, 3]) {
		await rude.says(insult(nth));
		await calm.hears(insult(nth));
		await rude.log
			.getByText('Be kind, or move on.')
			.nth(nth - 1)
			.waitFor();
	}
	await rude.pictures('warned');

	await rude.says(insult(4));
	await rude.hears('Not sent. Be kind, or move on.');
	await rude.pictures('blocked');
	await calm.says('Are you well?');
	await rude.hears('Are you well?');
	assert.equal(await calm.log.getByText(insult(4)).count(), 0);

	await rude.says(insult(5));
	await rude.sees("You can't chat until");
	await rude.sees('Reason: harassment.');
	await rude.pictures('banned');
	await calm.sees('They left.');
	assert.deepEqual([...rude.complaints, ...calm.complaints], []);
});
