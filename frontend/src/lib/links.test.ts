import { expect, test } from 'vitest';
import { partsOf } from './links.ts';

const shown = (text: string) =>
	partsOf(text).map((part) => (typeof part === 'string' ? part : `<${part.url.href}>`));

test.each([
	['nothing here', ['nothing here']],
	['', []],
	['see https://example.com/a?b=1#c.', ['see ', '<https://example.com/a?b=1#c>', '.']],
	['(HTTP://EXAMPLE.com)', ['(', '<http://example.com/>', ')']],
	['https://a.example https://b.example', ['<https://a.example/>', ' ', '<https://b.example/>']],
	['https://пример.рф', ['<https://xn--e1afmkfd.xn--p1ai/>']],
	['https://bank.example@evil.example/', ['<https://bank.example@evil.example/>']],
	[
		'javascript:alert(1) ftp://x data:text/html,x',
		['javascript:alert(1) ftp://x data:text/html,x'],
	],
	['https:// https://[', ['https:// https://[']],
])('%j', (text, parts) => {
	expect(shown(text)).toEqual(parts);
	expect(
		partsOf(text)
			.map((part) => (typeof part === 'string' ? part : part.text))
			.join(''),
	).toBe(text);
});
