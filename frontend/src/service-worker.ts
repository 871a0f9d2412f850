/**
 * Keeps the app on the device, so that it opens without a network and says so itself. What is said
 * in it never passes through here: that travels by WebSocket.
 */
/// <reference types="@sveltejs/kit" />
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="webworker" />
import { base, build, files, version } from '$service-worker';

const worker = self as unknown as ServiceWorkerGlobalScope;

const CACHE = `whisper-${version}`;
const SHELL = `${base}/`;
/** What few want and is large stays on the server until somebody does. */
const LARGE = /\/workers\/nudity-|\.wasm$/;
const KEPT = new Set([SHELL, ...build.filter((path) => !LARGE.test(path)), ...files]);

worker.addEventListener('install', (event) => {
	event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll([...KEPT])));
});

// A new version waits until no page of the old one is open: those load their parts from its cache.
worker.addEventListener('activate', (event) => {
	event.waitUntil(
		caches.keys().then((names) => {
			const old = names.filter((name) => name !== CACHE);
			return Promise.all(old.map((name) => caches.delete(name)));
		}),
	);
});

worker.addEventListener('fetch', (event) => {
	const { request } = event;
	const { origin, pathname } = new URL(request.url);
	if (request.method !== 'GET' || origin !== location.origin) return;
	if (request.mode === 'navigate') event.respondWith(freshOrShell(request));
	else if (KEPT.has(pathname)) event.respondWith(kept(pathname, request));
});

/** The page as it is now; without a network as it was. */
async function freshOrShell(request: Request): Promise<Response> {
	try {
		return await fetch(request);
	} catch (error) {
		const shell = await caches.match(SHELL);
		if (shell === undefined) throw error;
		return shell;
	}
}

async function kept(pathname: string, request: Request): Promise<Response> {
	const cache = await caches.open(CACHE);
	return (await cache.match(pathname)) ?? fetch(request);
}
