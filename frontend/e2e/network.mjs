/** A network between browser and engine that can be taken away, and come back. */
import { createServer, connect } from 'node:net';

/**
 * @typedef {object} Network
 * @property {string} url where the engine is reached through it
 * @property {() => void} fall breaks every connection, and lets none come to be
 * @property {() => void} rise
 * @property {() => Promise<void>} stop
 */

/**
 * @param {string} target an engine's URL
 * @returns {Promise<Network>}
 */
export async function startNetwork(target) {
	const { hostname, port } = new URL(target);
	/** @type {Set<import('node:net').Socket>} */
	const sockets = new Set();
	let isUp = true;
	const fall = () => {
		isUp = false;
		// As where a device is gone: nobody says goodbye.
		for (const socket of sockets) socket.resetAndDestroy();
	};
	/**
	 * @param {import('node:net').Socket} socket
	 * @param {import('node:net').Socket} other
	 */
	const join = (socket, other) => {
		sockets.add(socket);
		socket.on('error', () => {});
		socket.on('close', () => {
			sockets.delete(socket);
			other.destroy();
		});
		socket.pipe(other);
	};
	const server = createServer((near) => {
		if (!isUp) return near.resetAndDestroy();
		const far = connect(Number(port), hostname);
		join(near, far);
		join(far, near);
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
	const address = /** @type {import('node:net').AddressInfo} */ (server.address());
	return {
		url: `http://127.0.0.1:${address.port}`,
		fall,
		rise: () => {
			isUp = true;
		},
		stop: () => {
			fall();
			return new Promise((resolve) => server.close(() => resolve()));
		},
	};
}
