/** What the model sees in a picture, and what is made of it. */

/** How likely the picture is of each kind, from 0 to 1, in the model's order. */
export type Kinds = readonly [
	drawing: number,
	hentai: number,
	neutral: number,
	porn: number,
	sexy: number,
];

/** At least so likely, and the picture is blurred. */
const SUSPECT_MIN = 0.4;

/** What is merely suggestive counts half: bare shoulders alone blur nobody. */
const SUGGESTIVE_WEIGHT = 0.5;

/** For the careful: an ordinary picture is at least so likely, or it is blurred. */
const ORDINARY_MIN = 0.5;

/** Whether to blur; the careful have everything blurred that isn't clearly ordinary. */
export function isSuspect([, hentai, neutral, porn, sexy]: Kinds, isCareful: boolean): boolean {
	const isNude = hentai + porn + SUGGESTIVE_WEIGHT * sexy >= SUSPECT_MIN;
	return isNude || (isCareful && neutral < ORDINARY_MIN);
}
