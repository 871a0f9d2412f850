import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

export default ts.config(
	{
		ignores: [
			'.svelte-kit/',
			'build/',
			'packages/*/dist/',
			'packages/*/*/generated/',
			'e2e/shots/',
		],
	},
	js.configs.recommended,
	...ts.configs.strict,
	...svelte.configs.recommended,
	{
		languageOptions: { globals: { ...globals.browser, ...globals.node } },
		rules: {
			// TypeScript knows every name; the plain rule does not know types.
			'no-undef': 'off',
			'@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
			// What strangers type is never markup.
			'svelte/no-at-html-tags': 'error',
		},
	},
	{
		files: ['**/*.svelte', '**/*.svelte.ts'],
		languageOptions: { parserOptions: { parser: ts.parser } },
	},
	{
		// One module is the door to the server; the rest of the app may only name types.
		files: ['src/**/*.{ts,svelte}'],
		ignores: ['src/lib/server.svelte.ts', 'src/lib/protocol.ts', 'src/**/*.test.ts'],
		rules: {
			'@typescript-eslint/no-restricted-imports': [
				'error',
				{
					paths: [
						{
							name: '@whisper/client',
							allowTypeImports: true,
							message: 'Speak to the server through #lib/server.svelte.ts.',
						},
					],
				},
			],
		},
	},
);
