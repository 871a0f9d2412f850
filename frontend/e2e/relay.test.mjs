/** Strangers who see and hear each other through a relay, and learn no address. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startEngine } from './engine.mjs';
import { Person } from './person.mjs';
import { startRelay } from './relay.mjs';
import { foundTown } from './town.mjs';

/** @type {Awaited<ReturnType<typeof startRelay>>} */
let relay;
const town = foundTown(async () => {
	relay = await startRelay();
	return relay.ours;
});

after(async () => {
	await relay?.stop();
});

for (const mode of /** @type {const} */ (['Video', 'Voice'])) {
	test(`${mode}: through the relay alone, both ways`, async () => {
		const [ada, bob] = await callers(mode, `${mode} far away`);
		if (mode === 'Video') {
			await ada.presses('Show them');
			await bob.presses('Show them');
			await Promise.all([ada.receives('video', 30), bob.receives('video', 30)]);
		}
		await Promise.all([ada.receives('audio', 30), bob.receives('audio', 30)]);
		for (const person of [ada, bob]) {
			// The browser's figures of a call lag behind the call.
			let ways = await person.waysTaken();
			while (ways.length === 0) ways = await person.waysTaken();
			assert.deepEqual(ways, ['relay']);
		}
		assert.deepEqual([...ada.complaints, ...bob.complaints], []);
	});
}

test('before a call people are told that there is a relay, and may go without it', async () => {
	const eve = await town.arrive();
	await eve.page.getByText('Video', { exact: true }).click();
	await eve.seeks('maps');
	await eve.sees('The other person never learns your internet address.');
	await eve.pictures('call-relayed');
	await eve.presses('Settings and help');
	const hides = eve.page.getByRole('switch', { name: 'Hide my internet address in calls' });
	assert.equal(await hides.isChecked(), true);
});

test('without the secret that the relay knows nobody gets through', async () => {
	const stranger = await startEngine(relay.theirs);
	try {
		const [ada, bob] = await callers('Voice', 'locked doors', stranger.url);
		for (const { page } of [ada, bob]) {
			// RFC 8489: unauthenticated.
			await page.waitForFunction(() => window.iceErrors.includes(401));
		}
		assert.deepEqual(await ada.waysTaken(), []);
	} finally {
		await stranger.stop();
	}
});

/**
 * @param {'Voice' | 'Video'} mode
 * @param {string} interest
 * @returns {Promise<[Person, Person]>}
 */
async function callers(mode, interest, url = town.url) {
	const ada = await Person.arrive(town.browser, url);
	const bob = await Person.arrive(town.browser, url);
	await ada.calls(mode, interest);
	await ada.sees('Looking for');
	await bob.calls(mode, interest);
	await bob.sees(`You both like ${interest.toLowerCase()}.`);
	return [ada, bob];
}
