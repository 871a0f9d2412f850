/**
 * Runs the browser tests in a network of their own: calls look for ways to the partner on every
 * interface they find, and here they find only ours. Where the system allows no such network the
 * tests run on this machine's.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

/** Loopback, and a cable to nowhere, without which a browser takes itself to be offline. */
const CABLE = `ip link set lo up && ip link add cable0 type veth peer name cable1 &&
	ip address add 192.0.2.1/24 dev cable0 && ip link set cable0 up && ip link set cable1 up`;

const wanted = process.argv.slice(2);
const all = readdirSync('e2e').filter((name) => name.endsWith('.test.mjs'));
const files = (wanted.length > 0 ? wanted : all).map((name) => `e2e/${name.replace('e2e/', '')}`);
// The SDK also speaks for people without a browser; Node 20 has its WebSocket behind a flag.
const test = [process.execPath, '--experimental-websocket', '--no-warnings', '--test', ...files];

const apart = (/** @type {string[]} */ ...command) => ['--map-root-user', '--net', ...command];
const isApart = spawnSync('unshare', apart('sh', '-c', CABLE)).status === 0;
if (!isApart)
	console.log('No network namespaces here: the tests run on the network of this machine.');
const [program = '', ...args] = isApart
	? ['unshare', ...apart('sh', '-c', `${CABLE} && exec "$@"`, 'sh', ...test)]
	: test;
process.exitCode = spawnSync(program, args, { stdio: 'inherit' }).status ?? 1;
