/** The operators' page, on the operators' listener alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startEngine, TOKEN } from './engine.mjs';
import { Person } from './person.mjs';
import { Stranger } from './stranger.mjs';
import { foundTown } from './town.mjs';

const town = foundTown(() => '# one of our own, with operators\n');

test('people are never shown it, and nobody without the token is shown more', async () => {
	const page = await (await fetch(`${town.url}/ops`)).text();
	assert.doesNotMatch(page, /operations/);
	for (const part of ['main.js', 'ops.css'])
		assert.equal((await fetch(`${town.url}/ops/${part}`)).status, 404);
	assert.equal((await fetch(`${town.admin}/ops/../../Cargo.toml`)).status, 404);

	const answer = await fetch(`${town.admin}/ops`);
	const policy = answer.headers.get('content-security-policy') ?? '';
	assert.match(policy, /default-src 'none'.*frame-ancestors 'none'.*require-trusted-types-for/);
	assert.doesNotMatch(policy, /unsafe|\*/);
	assert.equal(answer.headers.get('set-cookie'), null);
	// Another site's page may not even ask.
	const foreign = await fetch(`${town.admin}/admin/reports/x/ban`, {
		method: 'OPTIONS',
		headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
	});
	assert.equal(foreign.headers.get('access-control-allow-origin'), null);
	assert.equal(foreign.status, 401);

	const operator = await Person.arrive(town.browser, `${town.admin}/ops`);
	await operator.page.getByLabel('Token').fill('not the token of this engine');
	await operator.presses('Sign in');
	await operator.sees("That isn't the token.");
	await operator.pictures('ops-sign-in');
	assert.equal(await operator.page.getByRole('link', { name: 'Reports' }).count(), 0);
	// The refusal is the one thing that the browser may complain about.
	assert.deepEqual(
		operator.complaints.filter((it) => !it.includes('401')),
		[],
	);
});

test('who watches sees people come, meet and talk', async () => {
	const many = Array.from({ length: 20 }, () => Stranger.meets(town.url, 'paper birds'));
	const crowd = await Promise.all(many);
	const [ada, bob] = await town.meet('ferries');
	const operator = await signIn();
	await operator.sees('Taking people in');
	await operator.page.getByRole('row', { name: 'paper birds 20' }).waitFor();
	assert.equal(
		await operator.page.getByText('ferries').count(),
		0,
		'two like it, and are known by it',
	);
	for (let line = 1; line <= 20; line += 1) await ada.says(`Line ${line}.`);
	await bob.hears('Line 20.');
	const online = operator.page.getByRole('slider', { name: 'People online' });
	const figure = (/** @type {string} */ name) =>
		operator.page.locator('.figure', { hasText: name }).locator('.value');
	await figure('People online').getByText('22', { exact: true }).waitFor();
	await figure('Chats').getByText('11', { exact: true }).waitFor();
	await operator.page.getByRole('row', { name: /^0 / }).waitFor();
	await operator.hasSeenNothingMove();
	await operator.pictures('ops-now');

	// A line is read off by keys.
	await online.focus();
	await operator.page.keyboard.press('Home');
	assert.equal(await online.getAttribute('aria-valuenow'), '0');
	assert.match((await online.getAttribute('aria-valuetext')) ?? '', / at \d\d:\d\d:\d\d$/);
	await operator.page.keyboard.press('End');
	await operator.page.locator('.figure', { hasText: 'People online' }).getByText('now').waitFor();
	for (const stranger of crowd) stranger.leaves();
	assert.deepEqual(operator.complaints, []);
});

test('a report is read and decided, by keys alone', async () => {
	const [fay, gus] = await town.meet('lighthouse keeping');
	await gus.says('<img src=x onerror=alert(1)> Send me money.');
	await gus.says('Or else.');
	await fay.hears('Or else.');
	await fay.presses('Report');
	await fay.page.getByText('2 messages go along').waitFor();
	await fay.page.getByRole('textbox', { name: /own words/ }).fill('He wants <b>money</b>.');
	await fay.presses("Threatened someone's safety");
	await fay.sees('Thank you.');

	const operator = await signIn();
	const { page } = operator;
	const { keyboard } = page;
	await page.getByText('(1)').waitFor();
	await page.getByRole('link', { name: 'Reports' }).focus();
	await keyboard.press('Enter');
	const item = page.getByRole('button', { name: /^Threat/ });
	await item.waitFor();
	await operator.pictures('ops-queue');
	await item.focus();
	await keyboard.press('Enter');
	await operator.sees('<img src=x onerror=alert(1)> Send me money.');
	await operator.sees('He wants <b>money</b>.');
	await operator.pictures('ops-report');

	// Asked once more, and Escape is a no.
	await page.getByRole('button', { name: 'Ban…' }).focus();
	await keyboard.press('Enter');
	await operator.sees('Ban this person?');
	await operator.pictures('ops-ban');
	await keyboard.press('Escape');
	await operator.seesNoMore('Ban this person?');
	await page.getByRole('button', { name: 'Hold…', exact: true }).focus();
	await keyboard.press('Enter');
	await page.getByLabel('Why').fill('The police asked.');
	await keyboard.press('Enter');
	await operator.sees('held past its time');

	await page.getByRole('button', { name: 'Ban…' }).focus();
	await keyboard.press('Enter');
	await page.getByLabel('For how long').selectOption('604800');
	await page.getByLabel('Why').fill('Read it.');
	await page.getByRole('button', { name: 'Ban for 7 days' }).focus();
	await keyboard.press('Enter');
	await gus.sees("You can't chat until");
	await gus.sees('Reason: Threats.');
	await operator.sees('appeal id');
	assert.equal(await page.getByRole('button', { name: 'Ban…' }).count(), 0);
	await operator.sees('Nothing here.');

	await page.getByRole('link', { name: 'Audit' }).focus();
	await keyboard.press('Enter');
	await operator.sees('report banned');
	await operator.sees('Read it.');
	await operator.pictures('ops-audit');
	assert.deepEqual([...operator.complaints, ...fay.complaints, ...gus.complaints], []);
});

test('an engine that is gone is told, and the token is forgotten with the page', async () => {
	const passing = await startEngine('# gone soon\n');
	const operator = await signIn(passing.admin);
	await operator.sees('Taking people in');
	await passing.stop();
	await operator.sees(/The engine doesn't answer\. The figures are of/);
	await operator.pictures('ops-gone');

	const other = await signIn();
	assert.deepEqual(await other.page.context().cookies(), []);
	const kept = await other.page.evaluate(() => localStorage.length + sessionStorage.length);
	assert.equal(kept, 0);
	await other.presses('Sign out');
	await other.sees('Show the token');
});

async function signIn(admin = town.admin) {
	const operator = await Person.arrive(town.browser, `${admin}/ops`);
	await operator.page.keyboard.type(TOKEN);
	await operator.page.keyboard.press('Enter');
	await operator.page.getByRole('link', { name: 'Now' }).waitFor();
	return operator;
}
