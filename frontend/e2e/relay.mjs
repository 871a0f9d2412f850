/** Debian's coturn, on loopback, that knows an engine by a secret. */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A binding request (RFC 8489): what a relay answers to anybody. */
const BINDING = Buffer.from('000100002112a442776869737065722d65326521', 'hex');

/**
 * @typedef {object} Relay
 * @property {string} ours settings of an engine that knows its secret
 * @property {string} theirs settings of one that has another
 * @property {() => Promise<void>} stop
 */

/** @returns {Promise<Relay>} */
export async function startRelay() {
	const home = await mkdtemp(join(tmpdir(), 'whisper-relay-'));
	const port = await freePort();
	const url = `turn:127.0.0.1:${port}?transport=udp`;
	/** @param {string} secret */
	const settings = async (secret) => {
		const file = join(home, secret);
		await writeFile(file, `${secret}\n`);
		return `turn.urls = ["${url}"]\nturn.secret = "${file}"\n`;
	};
	const [ours, theirs] = [await settings('between-us'), await settings('something-else')];

	const flags = ['-n', '--no-cli', '--no-tls', '--no-dtls', '--log-file=stdout', '--simple-log'];
	flags.push('--listening-ip=127.0.0.1', '--relay-ip=127.0.0.1', '--allow-loopback-peers');
	flags.push(`--listening-port=${port}`, `--pidfile=${home}/pid`, `--userdb=${home}/db`);
	flags.push('--realm=whisper', '--use-auth-secret', '--static-auth-secret=between-us');
	const relay = spawn('turnserver', flags, { stdio: 'ignore' });
	const exited = new Promise((resolve) => relay.once('exit', resolve));
	const stop = async () => {
		relay.kill('SIGTERM');
		await exited;
		await rm(home, { recursive: true });
	};
	const failed = new Promise((_, reject) => {
		relay.once('error', reject);
		relay.once('exit', (code) => reject(new Error(`the relay exited early, with ${code}`)));
	});
	await Promise.race([answers(port), failed]);
	failed.catch(() => {});
	return { ours, theirs, stop };
}

/**
 * Asks until somebody answers.
 *
 * @param {number} port
 */
async function answers(port) {
	const socket = createSocket('udp4');
	const answered = new Promise((resolve) => socket.once('message', resolve));
	const ask = () => socket.send(BINDING, port, '127.0.0.1');
	// Nobody there yet is no failure.
	socket.on('error', () => {});
	ask();
	const asking = setInterval(ask, 50);
	await answered;
	clearInterval(asking);
	socket.close();
}

async function freePort() {
	const socket = createSocket('udp4');
	await new Promise((resolve) => socket.bind(0, '127.0.0.1', () => resolve(undefined)));
	const { port } = socket.address();
	socket.close();
	return port;
}
