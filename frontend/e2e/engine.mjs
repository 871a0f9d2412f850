/** The engine under test: one that runs already, or one of our own. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Engine
 * @property {string} url
 * @property {string} admin where operators are heard, with {@link TOKEN}; empty where it isn't ours
 * @property {() => Promise<void>} stop
 */

/** What operators of our engines show. */
export const TOKEN = 'two-brackets-lean-together';

/**
 * Takes the engine at `WHISPER_URL`, or starts the program at `WHISPER_BIN`.
 *
 * @param {string} settings further ones; those who come are free of limits unless these say
 * otherwise
 * @returns {Promise<Engine>}
 */
export async function startEngine(settings = '') {
	const { WHISPER_URL: url, WHISPER_BIN: program } = process.env;
	if (url && !settings) return { url, admin: '', stop: async () => {} };
	if (!program) throw new Error('set WHISPER_URL to an engine, or WHISPER_BIN to its program');

	const build = fileURLToPath(new URL('../build', import.meta.url));
	const home = await mkdtemp(join(tmpdir(), 'whisper-e2e-'));
	const config = join(home, 'whisper.toml');
	const token = join(home, 'token');
	await Promise.all([writeFile(config, settings), writeFile(token, TOKEN)]);
	const flags = ['serve', '--listen', '127.0.0.1:0', '--web-root', build, '--reactors', '2'];
	// Many people from one address is what a test is.
	if (!settings.includes('exempt')) flags.push('--exempt', '127.0.0.0/8');
	flags.push('--data-dir', join(home, 'data'), '--config', config);
	flags.push('--admin', '127.0.0.1:0', '--admin-token', token);
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
	const { listen, admin } = await Promise.race([whenReady(engine.stdout), failed]);
	return { url: `http://${listen[0]}`, admin: `http://${admin}`, stop };
}

/**
 * @param {import('node:stream').Readable} output
 * @returns {Promise<{ listen: string[], admin: string }>}
 */
async function whenReady(output) {
	for await (const line of createInterface({ input: output })) {
		const said = JSON.parse(line);
		if (said.event === 'ready') return said;
	}
	throw new Error('the engine never said that it is ready');
}
