/** What goes against the rules is seen by its sender, in place, up to the end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foundTown } from './town.mjs';

const town = foundTown();

test('who goes on against the rules is warned, then blocked, then banned', async () => {
	const [rude, calm] = await town.meet('manners');
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
