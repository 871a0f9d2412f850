/** A person in front of a browser: what they do and what they see, in their own words. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const SHOTS = fileURLToPath(new URL('./shots/', import.meta.url));
const SIZES = [
	{ width: 360, height: 740 },
	{ width: 1280, height: 800 },
];
const SCHEMES = /** @type {const} */ (['light', 'dark']);
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Layout shifts that no input excuses; below this nobody sees them. */
const SHIFT_MAX = 0.02;

/** A browser with a profile of its own, made anew for every launch, a camera and a microphone. */
export async function openBrowser() {
	mkdirSync(SHOTS, { recursive: true });
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
			'--use-fake-device-for-media-stream',
			'--use-fake-ui-for-media-stream',
			'--allow-loopback-in-peer-connection',
		],
	});
}

/** @typedef {import('playwright-core').BrowserContextOptions} Habits */

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
	 * @param {Habits} [habits]
	 */
	static async arrive(browser, url, habits = {}) {
		const viewport = { width: 1280, height: 800 };
		const context = await browser.newContext({ viewport, locale: 'en-US', ...habits });
		const person = new Person(await context.newPage());
		await person.page.addInitScript(watch);
		await person.page.goto(url);
		await person.page.getByRole('button', { name: /./ }).first().waitFor();
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

	/**
	 * From the first view to the queue of a text chat.
	 *
	 * @param {string} interest
	 */
	async seeks(interest) {
		await this.likes(interest);
		await this.accepts();
		await this.starts();
	}

	/**
	 * From the first view to the queue of a voice or video call.
	 *
	 * @param {'Voice' | 'Video'} mode
	 * @param {string} interest
	 */
	async calls(mode, interest) {
		await this.likes(interest);
		await this.page.getByText(mode, { exact: true }).click();
		await this.accepts();
		await this.starts();
		await this.presses(
			mode === 'Video' ? 'Turn on my camera and microphone' : 'Turn on my microphone',
		);
		await this.presses('Look for someone');
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

	/**
	 * Waits until nobody can read a text any more.
	 *
	 * @param {string | RegExp} text
	 */
	async seesNoMore(text) {
		await this.page
			.locator(':not(.for-readers)')
			.getByText(text)
			.first()
			.waitFor({ state: 'detached' });
	}

	/**
	 * Presses keys until the focus is on what has this name.
	 *
	 * @param {string} name
	 * @param {readonly string[]} keys
	 */
	async reaches(name, keys = ['Tab']) {
		const there = () =>
			this.page.evaluate((name) => {
				const at = /** @type {HTMLInputElement | null} */ (document.activeElement);
				const label = at?.labels?.[0]?.textContent ?? at?.textContent;
				return (at?.ariaLabel ?? label)?.trim() === name;
			}, name);
		for (let press = 0; press < 60; press += 1) {
			if (await there()) return;
			await this.page.keyboard.press(keys[press % keys.length] ?? 'Tab');
		}
		assert.fail(`no key leads to «${name}»`);
	}

	/** @param {string} text */
	async hears(text) {
		await this.log.getByText(text, { exact: true }).waitFor();
	}

	/**
	 * Waits until that many frames, or packets of sound, have come from the partner.
	 *
	 * @param {'audio' | 'video'} kind
	 * @param {number} count
	 */
	async receives(kind, count) {
		const seen = await this.page.evaluate(countOf, { kind, atLeast: 0 });
		await this.page.waitForFunction(
			countOf,
			{ kind, atLeast: Number(seen) + count },
			{ polling: 200 },
		);
	}

	/** What kind of way media take from here, of every call of the page. */
	async waysTaken() {
		// Several pairs may be nominated in the course of a call, and none at a moment: it is the
		// transport that says which one is taken.
		return this.page.evaluate(async () => {
			/** @type {string[]} */
			const ways = [];
			for (const report of await Promise.all(window.peers.map((peer) => peer.getStats()))) {
				report.forEach((entry) => {
					if (entry.type !== 'transport') return;
					const pair = report.get(entry.selectedCandidatePairId);
					if (pair) ways.push(report.get(pair.localCandidateId).candidateType);
				});
			}
			return ways;
		});
	}

	/**
	 * Keeps pictures of the present view, narrow and wide, light and dark, and has each looked at:
	 * whatever axe finds, or sticks out sideways, fails.
	 *
	 * @param {string} name
	 */
	async pictures(name) {
		const before = this.page.viewportSize();
		for (const size of SIZES) {
			await this.page.setViewportSize(size);
			for (const colorScheme of SCHEMES) {
				await this.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
				const path = `${SHOTS}${name}-${size.width}-${colorScheme}.png`;
				await this.page.screenshot({ path });
				assert.deepEqual(await this.#findings(), [], `${name} at ${size.width}, ${colorScheme}`);
			}
		}
		await this.page.emulateMedia({ colorScheme: null, reducedMotion: null });
		if (before) await this.page.setViewportSize(before);
		// The pictures made all that moved.
		await this.page.evaluate(() => {
			window.shifted = 0;
			window.movers = [];
		});
	}

	/** Asserts that nothing moved by itself since the last pictures. */
	async hasSeenNothingMove() {
		const { shifted, movers } = await this.page.evaluate(() => ({
			shifted: window.shifted,
			movers: window.movers,
		}));
		assert.ok(shifted <= SHIFT_MAX, `the layout shifted by ${shifted}: ${movers.join('\n')}`);
	}

	/** @returns {Promise<string[]>} */
	async #findings() {
		await this.page.evaluate(AXE);
		return this.page.evaluate(async () => {
			const { violations } = await window.axe.run({ resultTypes: ['violations'] });
			const findings = violations.flatMap(({ id, nodes }) =>
				nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
			);
			for (const box of document.querySelectorAll('html, dialog[open], [role=region]')) {
				const out = box.scrollWidth - box.clientWidth;
				if (out > 0) findings.push(`${out} px stick out of ${box.tagName}`);
			}
			return findings;
		});
	}
}

/**
 * In a page: how many frames, or packets of sound, have come; false where they are too few.
 *
 * @param {{ kind: 'audio' | 'video', atLeast: number }} wish
 */
async function countOf({ kind, atLeast }) {
	let sum = 0;
	for (const report of await Promise.all(window.peers.map((peer) => peer.getStats()))) {
		report.forEach((entry) => {
			if (entry.type !== 'inbound-rtp' || entry.kind !== kind) return;
			sum += kind === 'video' ? entry.framesDecoded : entry.packetsReceived;
		});
	}
	return sum >= atLeast && sum;
}

/** In every page from its start: what moves, every peer connection, and what no relay let in. */
function watch() {
	window.shifted = 0;
	window.movers = [];
	new PerformanceObserver((list) => {
		for (const entry of /** @type {any[]} */ (list.getEntries())) {
			if (entry.hadRecentInput) continue;
			window.shifted += entry.value;
			for (const { node, previousRect: from, currentRect: to } of entry.sources) {
				const name = node?.outerHTML?.slice(0, 80) ?? node?.textContent;
				window.movers.push(`${name} from ${from.x},${from.y} to ${to.x},${to.y}`);
			}
		}
	}).observe({ type: 'layout-shift' });

	window.iceErrors = [];
	window.peers = [];
	const Peer = window.RTCPeerConnection;
	window.RTCPeerConnection = class extends Peer {
		/** @param {RTCConfiguration} [options] */
		constructor(options) {
			super(options);
			window.peers.push(this);
			this.addEventListener('icecandidateerror', ({ errorCode }) => {
				window.iceErrors.push(errorCode);
			});
		}
	};
}
