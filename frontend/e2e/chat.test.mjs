/** Strangers meet and talk, in real browsers, through the real engine. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { startEngine } from './engine.mjs';
import { Person } from './person.mjs';
import { Stranger } from './stranger.mjs';
import { foundTown } from './town.mjs';

const town = foundTown();

test('two strangers meet, talk and part, and meet somebody else', async () => {
	const ada = await town.arrive();
	const bob = await town.arrive();
	await ada.hasSeenNothingMove();
	await ada.pictures('landing');

	// Nobody starts without age and rules.
	await ada.starts();
	await ada.sees('Say how old you are');
	await ada.likes('Jazz');
	await ada.likes('chess');
	await ada.accepts();
	await ada.pictures('landing-filled');
	await ada.starts();
	await ada.sees('Looking for');
	await ada.pictures('searching');

	await bob.seeks(' CHESS ');
	await ada.sees('You both like chess.');
	await bob.sees('You both like chess.');
	await ada.hasSeenNothingMove();
	await ada.pictures('matched');

	await ada.says('Hello, do you play?');
	await bob.hears('Hello, do you play?');
	await ada.log.getByRole('img', { name: 'seen' }).waitFor();
	await bob.message.pressSequentially('Badly, ');
	await ada.sees("They're typing");
	await ada.hasSeenNothingMove();
	await ada.pictures('typing');
	await bob.message.pressSequentially('but with joy.');
	await bob.message.press('Enter');
	await ada.hears('Badly, but with joy.');
	await ada.page.getByText("They're typing").waitFor({ state: 'detached' });
	await ada.says('<b>markup stays text</b>');
	await bob.hears('<b>markup stays text</b>');

	await sticksToTheBottomOnlyWhenThere(ada, bob);
	await ada.pictures('chat');

	// Escape steps the one button: Stop, Really?, New.
	await ada.page.keyboard.press('Escape');
	await ada.sees('Really?');
	await ada.hasSeenNothingMove();
	await ada.pictures('really');
	// The question is taken back after a while, and asked anew.
	await ada.page.getByRole('button', { name: 'Stop', exact: true }).waitFor();
	await ada.page.keyboard.press('Escape');
	await ada.sees('Really?');
	await ada.page.keyboard.press('Escape');
	await ada.sees('You left.');
	await bob.sees('They left.');
	await bob.pictures('partner-left');
	assert.equal(await bob.message.isEditable(), false);

	// Both look again; they are not for each other, but each is for a third.
	await bob.presses('New');
	await bob.sees('Looking for');
	await ada.page.keyboard.press('Escape');
	await ada.sees("Looking for anyone who's around.");
	await bob.sees("Looking for anyone who's around.");
	const carol = await town.arrive();
	await carol.seeks('chess');
	await carol.sees('You both like chess.');
	const next = await Promise.any(
		[ada, bob].map(async (person) => {
			await person.sees('You both like chess.');
			return person;
		}),
	);
	await carol.says('Good evening.');
	await next.hears('Good evening.');
	await next.says('And to you.');
	await carol.hears('And to you.');

	// A closed tab is a stranger who left.
	await carol.page.close();
	await next.sees('They left.');

	assert.deepEqual([...ada.complaints, ...bob.complaints, ...carol.complaints], []);
});

test('what was accepted once is remembered; a search can be cancelled', async () => {
	const eve = await town.arrive();
	await eve.seeks('glassblowing');
	await eve.sees('Looking for');
	await eve.presses('Cancel');
	await eve.sees("Talk to someone you'll never have to see again.");
	await eve.page.reload();
	await eve.sees('18 or over');
	assert.equal(await eve.page.getByRole('checkbox').count(), 0);
	await eve.pictures('landing-again');

	await eve.page.context().setOffline(true);
	await eve.sees("You're offline. We'll pick up where you left off.");
	await eve.hasSeenNothingMove();
	await eve.pictures('offline');
	await eve.page.context().setOffline(false);
	await eve.page.getByText("You're offline.").waitFor({ state: 'detached' });
	assert.deepEqual(eve.complaints, []);
});

test('it can be kept on a device, and opens without a network', async () => {
	const nia = await town.arrive();
	const { manifest, icons } = await nia.page.evaluate(async () => {
		const link = document.querySelector('link[rel=manifest]')?.getAttribute('href') ?? '';
		const manifest = await (await fetch(link)).json();
		const icons = await Promise.all(
			manifest.icons.map(async (/** @type {{ src: string }} */ { src }) => (await fetch(src)).ok),
		);
		return { manifest, icons };
	});
	assert.equal(manifest.display, 'standalone');
	assert.deepEqual([...new Set(icons)], [true]);
	// The worker keeps the app while nobody waits for it.
	await nia.page.evaluate(() => navigator.serviceWorker.ready);
	await nia.page.reload();
	await nia.sees('person here');
	assert.deepEqual(nia.complaints, []);
	await nia.page.context().setOffline(true);
	await nia.page.reload();
	await nia.sees("Talk to someone you'll never have to see again.");
	await nia.sees("You're offline.");
	await nia.presses('Settings and help');
	await nia.sees('Stay safe');
});

test('who waits for their interests alone is asked to search wider', async () => {
	// Nobody waits half a minute to see that nobody came.
	const impatient = await startEngine('matching.timeout_ms = 4000\n');
	const dora = await Person.arrive(town.browser, impatient.url);
	await dora.likes('medieval falconry');
	await dora.presses('Change how we search');
	await dora.page.getByText('Wait for my interests').click();
	await dora.pictures('landing-reach');
	await dora.accepts();
	await dora.starts();
	await dora.sees('Search wider?');
	await dora.sees('Nobody for medieval falconry right now.');
	await dora.hasSeenNothingMove();
	await dora.pictures('nobody');
	await dora.presses('Search wider');
	await dora.sees("Looking for anyone who's around.");
	await dora.presses('Cancel');
	assert.deepEqual(dora.complaints, []);
	await impatient.stop();
});

test('who breaks the rules is reported, in two clicks, in the chat or after it', async () => {
	const [fay, gus] = await town.meet('beekeeping');
	await gus.says('Buy my honey at https://honey.example/now!');
	await gus.says('<i>Buy</i>');
	await fay.hears('<i>Buy</i>');

	// A link asks first where it leads.
	await fay.presses('https://honey.example/now');
	await fay.sees("You're leaving Whisper");
	await fay.pictures('leaving');
	const way = fay.page.getByRole('link', { name: 'Open honey.example' });
	assert.match((await way.getAttribute('rel')) ?? '', /noopener noreferrer/);
	await fay.page.keyboard.press('Escape');
	await fay.seesNoMore("You're leaving Whisper");
	// That Escape was for the question, not for the chat.
	await fay.page.getByRole('button', { name: 'Stop', exact: true }).waitFor();

	await fay.presses('Report');
	await fay.sees('2 messages go along');
	await fay.page.getByText('2 messages go along').click();
	await fay.pictures('report');
	await fay.presses('Spam, ads or a bot');
	await fay.sees("Thank you. They won't be matched with you again.");
	await fay.pictures('reported');
	await gus.sees('They left.');

	await gus.page.locator('.closing').getByRole('button', { name: 'Report' }).click();
	await gus.sees('They wrote nothing.');
	await gus.page.getByLabel('Never match me with them again').uncheck();
	await gus.presses('Something else');
	await gus.sees('Thank you. Moderators will look at it.');
	assert.deepEqual([...fay.complaints, ...gus.complaints], []);
});

test('a chat can be saved, as it was said', async () => {
	const [hal, ida] = await town.meet('calligraphy');
	await hal.says('In ink?');
	await ida.hears('In ink?');
	await ida.says('In blood.');
	await hal.hears('In blood.');
	await hal.log.getByRole('img', { name: 'seen' }).waitFor();
	const text = await saves(hal, 'Save as text');
	assert.match(text, /\d\d:\d\d:\d\d You: In ink\?\n\d\d:\d\d:\d\d They: In blood\.\n/);
	/** @type {{ lines: { from: string, text: string }[] }} */
	const data = JSON.parse(await saves(hal, 'Save as data'));
	assert.deepEqual(
		data.lines.map(({ from, text }) => [from, text]),
		[
			['you', 'In ink?'],
			['them', 'In blood.'],
		],
	);
});

test('the keyboard alone does it all', async () => {
	const [jon] = [await town.arrive()];
	const { keyboard } = jon.page;
	await keyboard.press('?');
	await jon.sees('Stay safe');
	await jon.pictures('help');
	await keyboard.press('Escape');
	await jon.seesNoMore('Stay safe');

	await jon.reaches('What do you like?');
	await keyboard.type('origami,');
	await jon.reaches('13 to 17');
	await keyboard.press('ArrowRight');
	await jon.reaches('18 or over');
	await jon.reaches("I'm 13 or over and I'll keep to them");
	await keyboard.press('Space');
	await keyboard.press('Enter');
	await jon.sees('Looking for');

	const kim = await town.arrive();
	await kim.seeks('origami');
	await jon.sees('You both like origami.');
	// The focus waits in the message.
	await keyboard.type('A crane?');
	await keyboard.press('Shift+Enter');
	await keyboard.type('Or a boat?');
	await keyboard.press('Enter');
	await kim.hears('A crane?\nOr a boat?');
	await jon.reaches('Report', ['Shift+Tab']);
	await keyboard.press('Enter');
	await jon.sees('What did they do?');
	await keyboard.press('Escape');
	await jon.seesNoMore('What did they do?');
	await keyboard.press('Escape');
	await jon.sees('Really?');
	await keyboard.press('Escape');
	await jon.sees('You left.');
	await keyboard.press('Escape');
	await jon.sees('Looking for');
	assert.deepEqual([...jon.complaints, ...kim.complaints], []);
});

test('two thousand messages leave room to type', async () => {
	const reader = await town.arrive();
	await reader.seeks('long talks');
	const writer = await Stranger.meets(town.url, 'long talks');
	await reader.sees('You both like long talks.');
	await reader.message.focus();
	const words = 'All of this is still here. ';
	const typing = reader.page.keyboard.type(words.repeat(4));
	for (let line = 1; line <= 2000; line += 1) writer.says(`line ${line}`);
	await typing;
	await reader.hears('line 2000');
	assert.equal(await reader.message.inputValue(), words.repeat(4));
	const shown = await reader.log.evaluate((log) => log.children.length);
	assert.ok(shown <= 500, `${shown} messages are in the page`);
	await reader.message.fill('');
	await reader.says('I read it all.');
	await writer.hears('I read it all.');
	writer.leaves();
	await reader.sees('They left.');
	assert.deepEqual(reader.complaints, []);
});

test('what comes while nobody looks is counted', async () => {
	const [lea, max] = await town.meet('chimneys');
	await looksAway(lea, true);
	await max.says('Hello?');
	await max.says('Anybody?');
	await lea.hears('Anybody?');
	await lea.page.waitForFunction(() => document.title === '(2) Whisper');
	assert.match((await iconOf(lea)) ?? '', /favicon-unread\.svg$/);
	assert.equal(await max.log.getByRole('img', { name: 'seen' }).count(), 0);
	await looksAway(lea, false);
	await max.log.getByRole('img', { name: 'seen' }).first().waitFor();
	assert.equal(await lea.page.title(), 'Whisper');
	assert.match((await iconOf(lea)) ?? '', /favicon\.svg$/);
});

/**
 * @param {Person} person
 * @param {string} form
 */
async function saves(person, form) {
	await person.presses('More');
	const download = person.page.waitForEvent('download');
	await person.presses(form);
	return readFile(await (await download).path(), 'utf8');
}

/**
 * @param {Person} person
 * @param {boolean} isAway
 */
async function looksAway(person, isAway) {
	await person.page.evaluate((isAway) => {
		const visibilityState = isAway ? 'hidden' : 'visible';
		Object.defineProperty(document, 'visibilityState', {
			value: visibilityState,
			configurable: true,
		});
		document.dispatchEvent(new Event('visibilitychange'));
	}, isAway);
}

/** @param {Person} person */
function iconOf(person) {
	return person.page.locator('link[rel=icon]').getAttribute('href');
}

/**
 * @param {Person} reader
 * @param {Person} writer
 */
async function sticksToTheBottomOnlyWhenThere(reader, writer) {
	const long = Array.from({ length: 40 }, (_, line) => `line ${line + 1}`).join('\n');
	await writer.says(long);
	await reader.sees('line 40');
	const scroll = reader.page.getByRole('region', { name: 'Chat' });
	const fromEnd = () =>
		scroll.evaluate((node) => node.scrollHeight - node.scrollTop - node.clientHeight);
	await reader.page.waitForFunction(() => {
		const node = document.querySelector('[role=region]');
		return node && node.scrollHeight - node.scrollTop - node.clientHeight < 2;
	});

	await scroll.evaluate((node) => node.scrollTo({ top: 0, behavior: 'instant' }));
	await writer.says('Are you still there?');
	const pill = reader.page.getByRole('button', { name: 'New message' });
	await pill.waitFor();
	assert.equal(await scroll.evaluate((node) => node.scrollTop), 0);
	await reader.pictures('new-messages');
	await scroll.evaluate((node) => node.scrollTo({ top: 0, behavior: 'instant' }));
	await pill.click();
	await pill.waitFor({ state: 'detached' });
	assert.ok((await fromEnd()) < 2);
}
