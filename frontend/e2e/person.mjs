/** A person in front of a browser: what they do and what they see, in their own words. */
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const SHOTS = fileURLToPath(new URL('./shots/', import.meta.url));
const SIZES = [
	{ width: 360, height: 740 },
	{ width: 1280, height: 800 },
];
const SCHEMES = /** @type {const} */ (['light', 'dark']);

/** A browser with a profile of its own, made anew for every launch. */
export async function openBrowser() {
	await mkdir(SHOTS, { recursive: true });
	return chromium.launch({
		executablePath: process.env.WHISPER_CHROMIUM ?? '/usr/bin/chromium',
		args: [
			'--headless',
			'--no-sandbox',
			'--disable-gpu',
			'--disable-quic',
			'--no-first-run',
			'--disable-background-networking',
			'--disable-component-update',
			'--disable-sync',
		],
	});
}

export class Person {
	/** @type {string[]} */
	#complaints = [];

	/** @param {import('playwright-core').Page} page */
	constructor(page) {
		this.page = page;
		page.setDefaultTimeout(15_000);
		page.on('pageerror', (error) => this.#complaints.push(String(error)));
		page.on('console', (line) => {
			if (line.type() === 'error') this.#complaints.push(line.text());
		});
		this.message = page.getByRole('textbox', { name: 'Your message' });
		this.log = page.getByRole('log');
	}

	/**
	 * Somebody who is new here.
	 *
	 * @param {import('playwright-core').Browser} browser
	 * @param {string} url
	 */
	static async arrive(browser, url) {
		const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
		const person = new Person(await context.newPage());
		await person.page.goto(url);
		await person.sees("Talk to someone you'll never have to see again.");
		return person;
	}

	/** What the browser found wrong: uncaught errors, refused scripts, failed requests. */
	get complaints() {
		return this.#complaints;
	}

	/** @param {string} interest */
	async likes(interest) {
		await this.page.getByLabel('What do you like?').fill(interest);
		await this.page.keyboard.press('Enter');
	}

	async accepts() {
		await this.page.getByText('18 or over').click();
		await this.page.getByRole('checkbox').check();
	}

	/** @param {string} name */
	async presses(name) {
		await this.page.getByRole('button', { name, exact: true }).click();
	}

	async starts() {
		await this.presses('Start');
	}

	/** @param {string} text */
	async says(text) {
		await this.message.fill(text);
		await this.message.press('Enter');
	}

	/**
	 * Waits until a text can be seen: read to screen readers alone does not count.
	 *
	 * @param {string | RegExp} text
	 */
	async sees(text) {
		await this.page.locator(':not(.for-readers)').getByText(text).first().waitFor();
	}

	/** @param {string} text */
	async hears(text) {
		await this.log.getByText(text, { exact: true }).waitFor();
	}

	/**
	 * Keeps pictures of the present view: narrow and wide, light and dark.
	 *
	 * @param {string} name
	 */
	async pictures(name) {
		const before = this.page.viewportSize();
		for (const size of SIZES) {
			await this.page.setViewportSize(size);
			for (const colorScheme of SCHEMES) {
				await this.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
				await this.page.screenshot({ path: `${SHOTS}${name}-${size.width}-${colorScheme}.png` });
			}
		}
		await this.page.emulateMedia({ colorScheme: null, reducedMotion: null });
		if (before) await this.page.setViewportSize(before);
	}
}
