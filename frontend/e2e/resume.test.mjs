/** A chat survives a network that is gone for a while, in real browsers, through the real engine. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as pass } from 'node:timers/promises';
import { startEngine } from './engine.mjs';
import { startNetwork } from './network.mjs';
import { openBrowser, Person } from './person.mjs';

/** How long somebody is offline: a tunnel, a lift, another cell. */
const OFFLINE_MS = 5000;

/** @type {Awaited<ReturnType<typeof startEngine>>} */
let engine;
/** @type {Awaited<ReturnType<typeof startNetwork>>} */
let network;
/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
	engine = await startEngine();
	network = await startNetwork(engine.url);
	browser = await openBrowser();
});

afterEach(async () => {
	network.rise();
	await Promise.all(browser.contexts().map((context) => context.close()));
});

after(async () => {
	await browser?.close();
	await network?.stop();
	await engine?.stop();
});

test('five seconds offline in a chat lose nothing, and both know', async () => {
	const [ada, bob] = await meet('tunnels', network.url, engine.url);
	await ada.says('before');
	await bob.hears('before');
	await bob.says('yes?');
	await ada.hears('yes?');

	await ada.page.context().setOffline(true);
	network.fall();
	await ada.sees('You lost connection. Getting you back in');
	await bob.sees('They lost connection. Holding their seat');
	const fallen = Date.now();
	await ada.says('typed in the tunnel');
	await bob.says('still there?');
	await ada.says('and again');
	await bob.says('I wait');
	await pass(OFFLINE_MS - (Date.now() - fallen));
	network.rise();
	await ada.page.context().setOffline(false);

	await bob.hears('and again');
	await ada.hears('I wait');
	await ada.seesNoMore('You lost connection.');
	await bob.seesNoMore('They lost connection.');
	await ada.says('after');
	await bob.hears('after');
	await bob.says('good');
	await ada.hears('good');

	const bobs = ['yes?', 'still there?', 'I wait', 'good'];
	const adas = ['before', 'typed in the tunnel', 'and again', 'after'];
	assert.deepEqual(among(await said(bob), adas), adas, 'once, and in order');
	assert.deepEqual(among(await said(ada), bobs), bobs, 'once, and in order');
	assert.deepEqual(among(await said(ada), adas), adas);
	assert.deepEqual(among(await said(bob), bobs), bobs);
	// Whoever is offline may complain of that in the console; nobody else has a reason to.
	assert.deepEqual(bob.complaints, []);
});

test('both may be gone at once', async () => {
	const [ada, bob] = await meet('lighthouses', network.url, network.url);
	network.fall();
	await ada.sees('You lost connection. Getting you back in');
	await bob.sees('You lost connection. Getting you back in');
	await ada.says('in the dark');
	await bob.says('likewise');
	network.rise();
	await bob.hears('in the dark');
	await ada.hears('likewise');
	await ada.says('there you are');
	await bob.hears('there you are');
	const adas = ['in the dark', 'there you are'];
	assert.deepEqual(among(await said(bob), adas), adas, 'once, and in order');
});

/**
 * Two who meet, each by their own way to the engine.
 *
 * @param {string} interest
 * @param {string[]} urls
 * @returns {Promise<[Person, Person]>}
 */
async function meet(interest, ...urls) {
	const people = [];
	for (const url of urls) {
		const person = await Person.arrive(browser, url);
		await person.likes(interest);
		await person.accepts();
		await person.starts();
		people.push(person);
	}
	for (const person of people) await person.sees(`You both like ${interest}.`);
	return /** @type {[Person, Person]} */ (people);
}

/** @param {Person} person */
async function said(person) {
	const lines = await person.log.locator(':scope > *').allInnerTexts();
	return lines.flatMap((line) => line.split('\n').map((part) => part.trim()));
}

/**
 * Those of the lines that are wanted, as often as they are there.
 *
 * @param {string[]} lines
 * @param {string[]} wanted
 */
function among(lines, wanted) {
	return lines.filter((line) => wanted.includes(line));
}
