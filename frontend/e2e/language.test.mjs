/** The interface in the language of its person, from either side of the page. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stranger } from './stranger.mjs';
import { foundTown } from './town.mjs';

const town = foundTown();

for (const [locale, title] of /** @type {const} */ ([
	['es-MX', 'Habla con alguien a quien no tendrás que volver a ver.'],
	['de-AT', 'Sprich mit jemandem, den du nie wiedersehen musst.'],
	['fr-CA', "Parlez à quelqu'un que vous n'aurez jamais à revoir."],
	['hi-IN', 'ऐसे किसी से बात करें जिससे फिर कभी मिलना न पड़े।'],
	['nb-NO', "Talk to someone you'll never have to see again."],
])) {
	test(`whoever reads ${locale} is greeted so that they understand`, async () => {
		const person = await town.arrive({ locale });
		await person.sees(title);
		await person.pictures(`landing-${locale}`);
		assert.deepEqual(person.complaints, []);
	});
}

test('from right to left, from the first view to the end of a chat', async () => {
	const { page, ...nour } = await newcomer('ar-EG');
	assert.equal(await page.locator('html').getAttribute('dir'), 'rtl');
	await page.getByLabel('ماذا تحب؟').fill('شطرنج');
	await page.keyboard.press('Enter');
	await page.getByText('18 فأكثر').click();
	await page.getByRole('checkbox').check();
	await nour.person.pictures('landing-ar');
	await page.getByRole('button', { name: 'ابدأ' }).click();
	const stranger = await Stranger.meets(town.url, 'شطرنج');
	await nour.person.sees('كلاكما يحب شطرنج.');
	stranger.says('Hello, from left to right: https://example.com');
	await nour.person.sees('Hello, from left to right');
	const message = page.getByRole('textbox', { name: 'رسالتك' });
	await message.fill('مرحبا');
	await message.press('Enter');
	await stranger.hears('مرحبا');
	// Whose side is whose follows the page; how a text runs follows the text.
	const [theirs, yours] = await page.getByRole('log').evaluate((log) =>
		[...log.children].map((line) => {
			const { left, right } = /** @type {Element} */ (
				line.firstElementChild
			).getBoundingClientRect();
			return (left + right) / 2;
		}),
	);
	assert.ok(Number(theirs) > Number(yours));
	await nour.person.pictures('chat-ar');
	await page.getByRole('button', { name: 'إبلاغ' }).first().click();
	await nour.person.sees('ماذا فعل؟');
	await nour.person.pictures('report-ar');
	await page.keyboard.press('Escape');
	await page.keyboard.press('Escape');
	await page.keyboard.press('Escape');
	await nour.person.sees('غادرتَ المحادثة.');
	assert.deepEqual(nour.person.complaints, []);
});

test('a language once chosen stays, and changes all that is shown', async () => {
	const ola = await town.arrive();
	await ola.presses('Settings and help');
	await ola.page.getByLabel('Language').selectOption('de');
	await ola.sees('Bleib sicher');
	await ola.page.keyboard.press('Escape');
	await ola.sees('Sprich mit jemandem');
	assert.equal(await ola.page.locator('html').getAttribute('lang'), 'de');
	await ola.page.reload();
	await ola.sees('Sprich mit jemandem');
});

test('who asks for more contrast, or less motion, gets it', async () => {
	const pia = await town.arrive({ contrast: 'more' });
	await pia.pictures('landing-contrast');
	await pia.seeks('stillness');
	await pia.sees('Looking for');
	const moves = () => pia.page.evaluate(() => document.getAnimations().length);
	assert.ok((await moves()) > 0);
	await pia.page.emulateMedia({ reducedMotion: 'reduce' });
	assert.equal(await moves(), 0);
});

/** @param {string} locale */
async function newcomer(locale) {
	const person = await town.arrive({ locale });
	return { person, page: person.page };
}
