import { sveltekit } from '@sveltejs/kit/vite';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defaultClientConditions } from 'vite';
import { defineConfig } from 'vitest/config';

const engine = process.env.WHISPER_ENGINE ?? 'http://127.0.0.1:8080';

// The SDK is read from its sources, so that a change there shows at once and no stale build is used.
const conditions = ['@whisper/source', ...defaultClientConditions];

/**
 * What every visit needs goes into one file, which compresses better than twenty. What is loaded
 * when somebody opens it stays apart, and so do the routes themselves, which SvelteKit names.
 */
const FIRST = [
	/\/node_modules\/(svelte|@sveltejs)\//,
	/\/packages\/sdk\/src\/(?!call\/|challenge\/)/,
	/\/src\/lib\/(?!chime|fingerprint|rule\.|words\/(?!en\.|formats)|ui\/(Dialog|Switch))/,
	/\/src\/routes\/((chat|landing|search)\/(?!Leaving|Rule|save-chat)|(?!Banned)\w+\.)/,
];

export default defineConfig({
	plugins: [sveltekit(), svelteTesting()],
	resolve: { conditions },
	// Colours that know their scheme (light-dark) must reach the browser as they are.
	worker: { format: 'es' },
	build: { cssTarget: ['chrome123', 'firefox120', 'safari17.5'] },
	environments: {
		client: {
			build: {
				rolldownOptions: {
					output: {
						codeSplitting: {
							groups: [{ name: 'first', test: (id) => FIRST.some((part) => part.test(id)) }],
						},
					},
				},
			},
		},
	},
	server: {
		proxy: {
			'/ws': { target: engine, ws: true },
			'/stats': engine,
			'/health': engine,
		},
	},
	test: {
		// A busy machine is slow, and not wrong.
		testTimeout: 30_000,
		projects: [
			{
				extends: true,
				test: { name: 'app', environment: 'happy-dom', include: ['src/**/*.test.ts'] },
			},
			{
				extends: true,
				test: { name: 'ops', environment: 'node', include: ['ops/**/*.test.ts'] },
			},
			{
				extends: true,
				test: { name: 'sdk', environment: 'node', include: ['packages/sdk/test/**/*.test.ts'] },
			},
		],
	},
});
