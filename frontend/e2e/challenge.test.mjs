/** An engine under attack asks for a proof of work, and people hardly notice. */
import { test } from 'node:test';
import { Person } from './person.mjs';
import { foundTown } from './town.mjs';

const town = foundTown(() => 'exempt = []\nchallenge.mode = "on"\n');

test('whoever is asked to prove some work is told so, and searches once it is done', async () => {
	const context = await town.browser.newContext({ locale: 'en-US', serviceWorkers: 'block' });
	let letWork = () => {};
	const mayWork = new Promise((resolve) => (letWork = () => resolve(undefined)));
	await context.route(/\/workers\//, (route) => mayWork.then(() => route.continue()));
	const ada = new Person(await context.newPage());
	await ada.page.goto(town.url);
	await ada.seeks('patience');
	await ada.sees('Your device solves a small puzzle first');
	await ada.pictures('proving');
	letWork();
	await ada.seesNoMore('Your device solves a small puzzle first');
	await ada.sees('Looking for someone who likes patience.');
});

test('two strangers meet although they are asked to prove some work', async () => {
	await town.meet('chess');
});
