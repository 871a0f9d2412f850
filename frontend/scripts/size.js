/**
 * Prints what a first visit has to load, and fails where it is over budget: the JavaScript that
 * the page preloads and the styles it links, as gzip.
 */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const BUDGET_BYTES = 60 * 1024;
const build = new URL('../build/', import.meta.url);

const page = readFileSync(new URL('index.html', build), 'utf8');
const files = [...page.matchAll(/<link href="\.?\/?([^"]+\.(?:js|css))"/g)].map(
	([, file = '']) => ({
		file,
		bytes: gzipSync(readFileSync(new URL(file, build)), { level: 9 }).length,
	}),
);
const total = files.reduce((sum, { bytes }) => sum + bytes, 0);

for (const { file, bytes } of files.sort((a, b) => b.bytes - a.bytes)) {
	console.log(`${kib(bytes)}  ${file}`);
}
console.log(`${kib(total)}  first load, of ${kib(BUDGET_BYTES).trim()}`);
if (files.length === 0 || total > BUDGET_BYTES) process.exitCode = 1;

/** @param {number} bytes */
function kib(bytes) {
	return `${(bytes / 1024).toFixed(1)} KiB`.padStart(9);
}
