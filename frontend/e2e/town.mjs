/** Where the tests of a file take place: an engine, and a browser in which people come to it. */
import { after, afterEach, before } from 'node:test';
import { startEngine } from './engine.mjs';
import { openBrowser, Person } from './person.mjs';

/**
 * A town for all tests of a file, empty again after each.
 *
 * @param {() => string | Promise<string>} [settings] of the engine
 */
export function foundTown(settings) {
	/** @type {import('./engine.mjs').Engine} */
	let engine;
	/** @type {import('playwright-core').Browser} */
	let browser;

	before(async () => {
		engine = await startEngine(await settings?.());
		browser = await openBrowser();
	});

	afterEach(async () => {
		await Promise.all(browser.contexts().map((context) => context.close()));
	});

	after(async () => {
		await browser?.close();
		await engine?.stop();
	});

	/**
	 * Somebody who is new here.
	 *
	 * @param {import('./person.mjs').Habits} [habits]
	 */
	const arrive = (habits) => Person.arrive(browser, engine.url, habits);

	/**
	 * Two who meet.
	 *
	 * @param {string} interest
	 * @returns {Promise<[Person, Person]>}
	 */
	async function meet(interest) {
		const ada = await arrive();
		await ada.seeks(interest);
		const bob = await arrive();
		await bob.seeks(interest);
		for (const person of [ada, bob]) await person.sees(`You both like ${interest}.`);
		return [ada, bob];
	}

	return {
		arrive,
		meet,
		/** Where people come. */
		get url() {
			return engine.url;
		},
		/** Where operators do. */
		get admin() {
			return engine.admin;
		},
		get browser() {
			return browser;
		},
	};
}
