/** Draws the app's icons from the mark: on paper for some places, to the edge for others. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openBrowser } from '../e2e/person.mjs';

const STATIC = new URL('../static/', import.meta.url);
const mark = readFileSync(new URL('favicon.svg', STATIC), 'utf8');

/** The share of the icon that the mark takes: masks may cut off all but the middle. */
const ICONS = [
	{ name: 'icon-192.png', size: 192, share: 66, radius: 22 },
	{ name: 'icon-512.png', size: 512, share: 66, radius: 22 },
	{ name: 'icon-maskable.png', size: 512, share: 52, radius: 0 },
	{ name: 'apple-touch-icon.png', size: 180, share: 62, radius: 0 },
];

const browser = await openBrowser();
try {
	const page = await browser.newPage({ colorScheme: 'dark' });
	for (const { name, size, share, radius } of ICONS) {
		await page.setViewportSize({ width: size, height: size });
		await page.setContent(`<style>
			body { margin: 0 }
			div { display: grid; place-items: center; height: 100vh;
				background: #0d121b; border-radius: ${radius}% }
			svg { width: ${share}% }
		</style><div>${mark}</div>`);
		const path = fileURLToPath(new URL(name, STATIC));
		await page.screenshot({ path, omitBackground: true });
	}
} finally {
	await browser.close();
}
