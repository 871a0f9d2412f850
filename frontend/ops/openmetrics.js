/** What `/metrics` says, read: the text format of OpenMetrics 1.0, as far as the engine speaks it. */

/**
 * @typedef {object} Sample
 * @property {string} name with the ending that tells the kind: `_total`, `_bucket`, …
 * @property {Readonly<Record<string, string>>} labels
 * @property {number} value
 */

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*?)\})? (\S+)(?: \S+)?(?: # .*)?$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/**
 * Every sample, in order. Lines that are none (help, types, the end) are passed over.
 *
 * @param {string} text
 * @returns {Sample[]}
 */
export function parse(text) {
	/** @type {Sample[]} */
	const samples = [];
	for (const line of text.split('\n')) {
		const found = line.startsWith('#') ? null : LINE.exec(line);
		if (found === null) continue;
		const [, name = '', labels = '', value = ''] = found;
		samples.push({ name, labels: labelsOf(labels), value: numberOf(value) });
	}
	return samples;
}

/** @param {string} text */
function labelsOf(text) {
	/** @type {Record<string, string>} */
	const labels = {};
	for (const [, name = '', value = ''] of text.matchAll(LABEL)) {
		labels[name] = value.replace(/\\(.)/g, (_, it) => (it === 'n' ? '\n' : it));
	}
	return labels;
}

/** @param {string} text */
function numberOf(text) {
	if (text === '+Inf') return Infinity;
	return text === '-Inf' ? -Infinity : Number(text);
}
