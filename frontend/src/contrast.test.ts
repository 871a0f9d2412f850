/** Every pair of text and ground in app.css keeps its contrast, in every scheme. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

type Tokens = ReadonlyMap<string, readonly [light: number, chroma: number, hue: number]>;

const css = readFileSync('src/app.css', 'utf8');
const [plain, more] = [...css.matchAll(/:root \{([^}]*)\}/g)].map(([, body]) => body ?? '') as [
	string,
	string,
];

const GROUNDS = ['--ground', '--raised'];
const TEXT = [
	...GROUNDS.flatMap((ground) => ['--ink', '--ink-soft', '--bad'].map((text) => [text, ground])),
	...['--you-tint', '--them-tint'].map((tint) => ['--ink', tint]),
	['--on-bad', '--bad'],
	['--on-act', '--act'],
	['--on-act', '--act-deep'],
] as [string, string][];
/** Signs and edges of fields: seen, not read. */
const SIGNS = GROUNDS.flatMap((ground) =>
	['--you', '--them', '--edge', '--good', '--warn'].map((sign) => [sign, ground]),
) as [string, string][];

describe.each([
	['light', 0, [plain], 4.5],
	['dark', 1, [plain], 4.5],
	['light, more contrast', 0, [plain, more], 7],
	['dark, more contrast', 1, [plain, more], 7],
] as const)('%s', (_, scheme, layers, ratioMin) => {
	const tokens: Tokens = new Map(layers.flatMap((layer) => [...tokensOf(layer, scheme)]));

	test.each(TEXT)('%s on %s can be read', (text, ground) => {
		expect(contrast(tokens, text, ground)).toBeGreaterThanOrEqual(ratioMin);
	});

	test.each(SIGNS)('%s on %s can be seen', (sign, ground) => {
		expect(contrast(tokens, sign, ground)).toBeGreaterThanOrEqual(3);
	});
});

/** The colours of a scheme; one that is the same in both stands alone. */
function tokensOf(body: string, scheme: 0 | 1): Tokens {
	const declared = body.matchAll(/(--[\w-]+): ([^;]+);/g);
	return new Map(
		[...declared].flatMap(([, name = '', value = '']) => {
			const colours = [...value.matchAll(/oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)/g)];
			const [, l, c, h] = colours[scheme] ?? colours[0] ?? [];
			return l === undefined ? [] : [[name, [Number(l), Number(c), Number(h)]] as const];
		}),
	);
}

function contrast(tokens: Tokens, one: string, other: string): number {
	const [dim, bright] = [one, other]
		.map((name) => luminance(tokens, name))
		.sort((a, b) => a - b) as [number, number];
	return (bright + 0.05) / (dim + 0.05);
}

/** Relative luminance of an OKLCH colour, clipped to sRGB (Ottosson's matrices). */
function luminance(tokens: Tokens, name: string): number {
	const [lightness, chroma, hue] = tokens.get(name) ?? expect.unreachable(name);
	const a = chroma * Math.cos((hue * Math.PI) / 180);
	const b = chroma * Math.sin((hue * Math.PI) / 180);
	const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
	const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
	const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
	const red = clip(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s);
	const green = clip(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s);
	const blue = clip(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s);
	return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function clip(value: number): number {
	return Math.min(1, Math.max(0, value));
}
