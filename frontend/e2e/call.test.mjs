/** Strangers see and hear each other; what arrives is counted where it arrives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foundTown } from './town.mjs';

const town = foundTown();

test('video: a look in the mirror, a partner behind a blur, and pictures both ways', async () => {
	const ada = await town.arrive();
	await ada.likes('lighthouses');
	await ada.page.getByText('Video', { exact: true }).click();
	await ada.accepts();
	await ada.starts();
	await ada.sees('Nobody sees or hears you before you are matched.');
	await ada.sees("the other person's device can learn your internet address");
	await ada.pictures('call-before');
	await ada.presses('Turn on my camera and microphone');
	await ada.page.getByLabel('Camera').waitFor();
	assert.ok((await ada.page.getByLabel('Microphone').locator('option').count()) > 0);
	await ada.pictures('call-mirror');
	await ada.presses('Look for someone');
	await ada.sees('Looking for');
	// One goes on seeing oneself, and may stop that.
	await picture(ada, 'You').waitFor();
	await ada.hasSeenNothingMove();
	await ada.pictures('call-searching');
	await ada.presses('Turn camera off');
	await picture(ada, 'You').waitFor({ state: 'detached' });
	await ada.presses('Turn camera on');
	await picture(ada, 'You').waitFor();

	const bob = await town.arrive();
	await bob.calls('Video', 'lighthouses');
	const them = { ada: picture(ada, 'Them'), bob: picture(bob, 'Them') };
	await ada.page.getByRole('button', { name: 'Show them' }).waitFor();
	assert.equal(await them.ada.evaluate((video) => /** @type {any} */ (video).muted), true);
	assert.match(await them.ada.evaluate((video) => getComputedStyle(video).filter), /blur/);
	await ada.hasSeenNothingMove();
	await ada.pictures('call-blurred');
	await ada.presses('Show them');
	await bob.presses('Show them');
	assert.equal(await them.ada.evaluate((video) => /** @type {any} */ (video).muted), false);
	assert.equal(await them.ada.evaluate((video) => getComputedStyle(video).filter), 'none');
	await Promise.all([ada.receives('video', 30), bob.receives('video', 30)]);
	await Promise.all([ada.receives('audio', 30), bob.receives('audio', 30)]);
	await ada.page.getByRole('img', { name: /connection$/ }).waitFor();
	await ada.pictures('call-video');

	// One can still write.
	await ada.says('I see you.');
	await bob.hears('I see you.');

	// Off is off: the camera is given back, and the other side is told.
	await bob.presses('Turn camera off');
	await ada.sees('Their camera is off.');
	await ada.hasSeenNothingMove();
	await ada.pictures('call-dark');
	await bob.presses('Turn microphone off');
	await ada.sees('Their microphone is off.');
	await bob.presses('Turn camera on');
	await bob.presses('Turn microphone on');
	await ada.seesNoMore('Their microphone is off.');
	await ada.receives('video', 10);

	await pullsTheChatUp(ada);

	await bob.presses('Stop');
	await bob.presses('Really?');
	await ada.sees('They left.');
	await ada.pictures('call-over');
	assert.deepEqual(await openTracks(bob), []);
	// Back at the start no light stays on.
	await bob.presses('Change interests');
	await bob.sees('What do you like?');
	await bob.page.waitForFunction(() => document.querySelectorAll('video').length === 0);

	assert.deepEqual([...ada.complaints, ...bob.complaints], []);
});

test('voice: heard at once, and the next call needs no second look', async () => {
	const phone = { viewport: { width: 360, height: 740 } };
	const carl = await town.arrive(phone);
	await carl.calls('Voice', 'radio');
	await carl.sees('Looking for');
	const dana = await town.arrive(phone);
	await dana.calls('Voice', 'radio');
	await carl.sees('You both like radio.');
	await Promise.all([carl.receives('audio', 30), dana.receives('audio', 30)]);
	await carl.page.getByRole('img', { name: /connection$/ }).waitFor();
	await carl.pictures('call-voice');
	assert.equal(
		await picture(carl, 'Them').evaluate((video) => /** @type {any} */ (video).paused),
		false,
	);

	await carl.page.keyboard.press('Escape');
	await carl.page.keyboard.press('Escape');
	await dana.sees('They left.');
	await dana.presses('New');
	await dana.sees('Looking for');
	await dana.presses('Cancel');
	await dana.starts();
	await dana.sees('Looking for');
	assert.deepEqual([...carl.complaints, ...dana.complaints], []);
});

test('video: what may not be ordinary is blurred until one taps, and never leaves the device', async () => {
	const ada = await town.arrive();
	/** @type {string[]} */
	const loaded = [];
	/** @type {string[]} */
	const sent = [];
	ada.page.on('request', (request) => {
		const isOurs = request.url().startsWith(town.url);
		(isOurs && request.method() === 'GET' ? loaded : sent).push(request.url());
	});
	const filters = () => loaded.filter((url) => url.includes('/workers/nudity'));
	await ada.likes('green screens');
	await ada.page.getByText('Video', { exact: true }).click();
	await ada.accepts();
	await ada.starts();
	await ada.presses('Turn on my camera and microphone');
	const careful = ada.page.getByLabel("Blur whatever doesn't look ordinary, too");
	await ada.page.getByLabel('Blur what looks like nudity').waitFor();
	assert.equal(await careful.count(), 0);
	await ada.page.getByLabel('Blur what looks like nudity').check();
	// The camera of a test shows a drawing: no nudity, and nothing ordinary either.
	await careful.check();
	await ada.pictures('call-filter');
	await ada.presses('Look for someone');
	await ada.sees('Looking for');
	assert.deepEqual(filters(), []);
	const bob = await town.arrive();
	await bob.calls('Video', 'green screens');
	await ada.presses('Show them');

	// Without a graphics card it takes its time.
	await ada.page.getByText('This may be nudity.').waitFor({ timeout: 120_000 });
	const them = picture(ada, 'Them');
	assert.match(await them.evaluate((video) => getComputedStyle(video).filter), /blur/);
	await ada.pictures('call-suspect');
	await ada.presses('Show it');
	assert.equal(await them.evaluate((video) => getComputedStyle(video).filter), 'none');
	await ada.receives('video', 5);

	assert.notDeepEqual(filters(), []);
	assert.deepEqual(sent, [], 'nothing went anywhere');
	const kept = await ada.page.evaluate(async () => {
		const stores = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
		const requests = await Promise.all(stores.map((store) => store.keys()));
		return requests.flat().map(({ url }) => url);
	});
	assert.ok(!kept.some((url) => url.includes('/workers/nudity')), 'few want it kept');
	assert.deepEqual([...ada.complaints, ...bob.complaints], []);
});

for (const mode of /** @type {const} */ (['Voice', 'Video'])) {
	test(`${mode}: the keyboard alone does it all`, async () => {
		const interest = `typing in ${mode.toLowerCase()}`;
		const jon = await town.arrive();
		const { keyboard } = jon.page;
		await jon.reaches('What do you like?');
		await keyboard.type(`${interest},`);
		await jon.reaches('Text');
		await keyboard.press('ArrowRight');
		if (mode === 'Video') await keyboard.press('ArrowRight');
		await jon.reaches(mode);
		await jon.reaches('13 to 17');
		await keyboard.press('ArrowRight');
		await jon.reaches("I'm 13 or over and I'll keep to them");
		await keyboard.press('Space');
		await keyboard.press('Enter');
		await jon.sees('Your browser will ask you.');
		await jon.reaches(
			mode === 'Video' ? 'Turn on my camera and microphone' : 'Turn on my microphone',
		);
		await keyboard.press('Enter');
		await jon.page.getByLabel('Microphone').waitFor();
		await jon.reaches('Look for someone');
		await keyboard.press('Enter');
		await jon.sees('Looking for');

		const kim = await town.arrive();
		await kim.calls(mode, interest);
		await jon.sees(`You both like ${interest}.`);
		if (mode === 'Video') {
			await jon.page.getByRole('button', { name: 'Show them' }).waitFor();
			await jon.reaches('Show them', ['Shift+Tab']);
			await keyboard.press('Enter');
			await jon.receives('video', 5);
		}
		await jon.receives('audio', 5);
		await jon.reaches('Turn microphone off', ['Shift+Tab']);
		await keyboard.press('Enter');
		await kim.sees('Their microphone is off.');
		await jon.reaches('Your message');
		await keyboard.type('I type better than I talk.');
		await keyboard.press('Enter');
		await kim.hears('I type better than I talk.');
		await keyboard.press('Escape');
		await jon.sees('Really?');
		await keyboard.press('Escape');
		await kim.sees('They left.');
		await keyboard.press('Escape');
		await jon.sees('Looking for');
		assert.deepEqual([...jon.complaints, ...kim.complaints], []);
	});
}

for (const [name, message, said] of /** @type {const} */ ([
	['NotAllowedError', 'Permission denied', "Your browser wasn't allowed to."],
	['NotAllowedError', 'Permission denied by system', "Your system doesn't let the browser."],
	['NotFoundError', '', 'None was found.'],
	['NotReadableError', '', 'Another program is using it.'],
	['SecurityError', '', 'Browsers allow this on secure pages only.'],
])) {
	test(`a camera that says ${name} ${message}`, async () => {
		const person = await town.arrive();
		await person.page.evaluate(
			([name, message]) => {
				navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException(message, name));
			},
			[name, message],
		);
		await person.page.getByText('Video', { exact: true }).click();
		await person.accepts();
		await person.starts();
		await person.presses('Turn on my camera and microphone');
		await person.sees(said);
		if (message === 'Permission denied') await person.pictures('call-denied');
		await person.presses('Use text instead');
		await person.sees('Looking for');
	});
}

/**
 * @param {import('./person.mjs').Person} person
 * @param {string} label
 */
function picture(person, label) {
	return person.page.locator(`video[aria-label="${label}"]`);
}

/**
 * What a page still sends to anybody.
 *
 * @param {import('./person.mjs').Person} person
 */
async function openTracks(person) {
	return person.page.evaluate(() =>
		window.peers
			.filter((peer) => peer.signalingState !== 'closed')
			.map((peer) => peer.signalingState),
	);
}

/**
 * On a phone the chat is a sheet over the picture.
 *
 * @param {import('./person.mjs').Person} person
 */
async function pullsTheChatUp(person) {
	await person.page.setViewportSize({ width: 360, height: 740 });
	const handle = person.page.getByRole('slider', { name: 'Height of the chat' });
	const share = async () => Number(await handle.getAttribute('aria-valuenow'));
	const before = await share();
	const box = await handle.boundingBox();
	assert.ok(box);
	await person.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
	await person.page.mouse.down();
	await person.page.mouse.move(box.x + box.width / 2, box.y - 150, { steps: 4 });
	await person.page.mouse.up();
	assert.ok((await share()) > before + 10);
	await handle.press('ArrowDown');
	assert.ok((await share()) < 85);
	await person.page.setViewportSize({ width: 1280, height: 800 });
}
