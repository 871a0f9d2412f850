/** Strangers meet and talk, in real browsers, through the real engine. */
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

test('two strangers meet, talk and part, and meet somebody else', async () => {
	const ada = await Person.arrive(browser, engine.url);
	const bob = await Person.arrive(browser, engine.url);
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

	await bob.likes(' CHESS ');
	await bob.accepts();
	await bob.starts();
	await ada.sees('You both like chess.');
	await bob.sees('You both like chess.');
	await ada.pictures('matched');

	await ada.says('Hello, do you play?');
	await bob.hears('Hello, do you play?');
	await ada.log.getByRole('img', { name: 'delivered' }).waitFor();
	await bob.message.pressSequentially('Badly, ');
	await ada.sees("They're typing");
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
	await ada.pictures('really');
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
	const carol = await Person.arrive(browser, engine.url);
	await carol.likes('chess');
	await carol.accepts();
	await carol.starts();
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
	const eve = await Person.arrive(browser, engine.url);
	await eve.likes('glassblowing');
	await eve.accepts();
	await eve.starts();
	await eve.sees('Looking for');
	await eve.presses('Cancel');
	await eve.sees("Talk to someone you'll never have to see again.");
	await eve.page.reload();
	await eve.sees('18 or over');
	assert.equal(await eve.page.getByRole('checkbox').count(), 0);
	await eve.pictures('landing-again');

	await eve.page.context().setOffline(true);
	await eve.sees("You're offline. We'll pick up where you left off.");
	await eve.pictures('offline');
	await eve.page.context().setOffline(false);
	await eve.page.getByText("You're offline.").waitFor({ state: 'detached' });
	assert.deepEqual(eve.complaints, []);
});

test('who waits for their interests alone is asked to search wider', async () => {
	const dora = await Person.arrive(browser, engine.url);
	await dora.likes('medieval falconry');
	await dora.page.getByText('Wait for my interests').click();
	await dora.accepts();
	await dora.starts();
	// The engine gives up after half a minute.
	await dora.page.getByText('Search wider?').waitFor({ timeout: 60_000 });
	await dora.sees('Nobody for medieval falconry right now.');
	await dora.pictures('nobody');
	await dora.presses('Search wider');
	await dora.sees("Looking for anyone who's around.");
	await dora.presses('Cancel');
	assert.deepEqual(dora.complaints, []);
});

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
