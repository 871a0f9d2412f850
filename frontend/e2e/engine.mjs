/** The engine under test: one that runs already, or one of our own. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/**
 * Takes the engine at `WHISPER_URL`, or starts the program at `WHISPER_BIN`.
 *
 * @param {string} settings further ones; those who come are free of limits unless these say
 * otherwise
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export async function startEngine(settings = '') {
	const { WHISPER_URL: url, WHISPER_BIN: program } = process.env;
	if (url && !settings) return { url, stop: async () => {} };
	if (!program) throw new Error('set WHISPER_URL to an engine, or WHISPER_BIN to its program');

	const build = fileURLToPath(new URL('../build', import.meta.url));
	const home = await mkdtemp(join(tmpdir(), 'whisper-e2e-'));
	const config = join(home, 'whisper.toml');
	await writeFile(config, settings);
	const flags = ['serve', '--listen', '127.0.0.1:0', '--web-root', build, '--reactors', '2'];
	// Many people from one address is what a test is.
	if (!settings.includes('exempt')) flags.push('--exempt', '127.0.0.0/8');
	flags.push('--data-dir', join(home, 'data'), '--config', config);
	const engine = spawn(program, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
	const exited = new Promise((resolve) => engine.once('exit', resolve));
	const stop = async () => {
		engine.kill('SIGTERM');
		await exited;
		await rm(home, { recursive: true });
	};
	const failed = new Promise((_, reject) => {
		engine.once('error', reject);
		engine.once('exit', (code) => reject(new Error(`the engine exited early, with ${code}`)));
	});
	const address = await Promise.race([readyAddress(engine.stdout), failed]);
	return { url: `http://${address}`, stop };
}

/** @param {import('node:stream').Readable} output */
async function readyAddress(output) {
	for await (const line of createInterface({ input: output })) {
		const said = JSON.parse(line);
		if (said.event === 'ready') return /** @type {string} */ (said.listen[0]);
	}
	throw new Error('the engine never said that it is ready');
}
