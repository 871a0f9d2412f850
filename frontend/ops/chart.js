/** A figure and how it went: a line that can be read off by pointer and by keys. */
import { drawn, element, fill } from './element.js';

/** @typedef {import('./figures.js').Point} Point */

const WIDTH = 300;
const HEIGHT = 64;

/** A line that has just begun is as wide as one of so many points. */
const POINTS_MIN = 30;

const time = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

export class Chart {
	#title;
	#format;
	/** @type {readonly Point[]} */
	#points = [];
	/** The moment that is read off; the latest, where it is none. @type {number | undefined} */
	#chosen;
	#value = element('output', { class: 'value' });
	#when = element('p', { class: 'small soft when' });
	#area = drawn('path', { class: 'area' });
	#line = drawn('path', { class: 'line' });
	#mark = drawn('line', { class: 'mark', y1: 0, y2: HEIGHT });
	#drawing;

	/**
	 * @param {string} title
	 * @param {(value: number) => string} format
	 */
	constructor(title, format) {
		this.#title = title;
		this.#format = format;
		const drawing = drawn(
			'svg',
			{ viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
			this.#area,
			this.#line,
			this.#mark,
		);
		this.#drawing = element(
			'div',
			{
				class: 'drawing',
				role: 'slider',
				tabindex: 0,
				'aria-label': `${title}, lately`,
				keydown: (/** @type {KeyboardEvent} */ event) => this.#step(event),
				pointermove: (/** @type {PointerEvent} */ event) => this.#point(event),
				pointerleave: () => this.#choose(undefined),
				blur: () => this.#choose(undefined),
			},
			drawing,
		);
		const heading = element('h3', { class: 'small soft' }, title);
		this.node = element('section', { class: 'figure' }, heading, this.#value, this.#drawing);
		this.node.append(this.#when);
	}

	/** @param {readonly Point[]} points oldest first, and at least one */
	draw(points) {
		this.#points = points;
		const most = Math.max(1, ...points.map(({ value }) => value));
		const places = points.map(({ value }, index) => {
			const y = HEIGHT - 2 - (value / most) * (HEIGHT - 6);
			return `${this.#x(index).toFixed(1)},${y.toFixed(1)}`;
		});
		const line = places.join('L');
		this.#line.setAttribute('d', `M${line}`);
		this.#area.setAttribute('d', `M${this.#x(0)},${HEIGHT}L${line}L${WIDTH},${HEIGHT}Z`);
		this.#show();
	}

	/** @param {KeyboardEvent} event */
	#step(event) {
		const last = this.#points.length - 1;
		const at = this.#index();
		const places = new Map([
			['ArrowLeft', at - 1],
			['ArrowRight', at + 1],
			['PageUp', at - 30],
			['PageDown', at + 30],
			['Home', 0],
			['End', last],
		]);
		const place = places.get(event.key);
		if (place === undefined) return;
		event.preventDefault();
		this.#choose(this.#points[Math.min(Math.max(place, 0), last)]?.at);
	}

	/** @param {PointerEvent} event */
	#point({ clientX }) {
		const { left, width } = this.#drawing.getBoundingClientRect();
		const place = Math.round(((clientX - left) / width) * (this.#room - 1));
		const index = Math.max(place - (this.#room - this.#points.length), 0);
		this.#choose(this.#points[index]?.at);
	}

	/** @param {number | undefined} at */
	#choose(at) {
		this.#chosen = at === this.#points.at(-1)?.at ? undefined : at;
		this.#show();
	}

	/** How many points the width has room for. */
	get #room() {
		return Math.max(POINTS_MIN, this.#points.length);
	}

	/**
	 * Where a point stands; the latest at the right end, however few there are.
	 *
	 * @param {number} index
	 */
	#x(index) {
		return ((this.#room - this.#points.length + index) / (this.#room - 1)) * WIDTH;
	}

	#index() {
		const found = this.#points.findIndex(({ at }) => at === this.#chosen);
		return found >= 0 ? found : this.#points.length - 1;
	}

	#show() {
		const index = this.#index();
		const point = this.#points[index];
		if (point === undefined) return;
		const isNow = index === this.#points.length - 1;
		const value = this.#format(point.value);
		this.#mark.setAttribute('x1', this.#x(index).toFixed(1));
		this.#mark.setAttribute('x2', this.#x(index).toFixed(1));
		this.#mark.classList.toggle('hidden', isNow);
		fill(this.#value, value);
		fill(this.#when, isNow ? 'now' : time.format(point.at));
		this.#drawing.setAttribute('aria-valuemin', '0');
		this.#drawing.setAttribute('aria-valuemax', String(this.#points.length - 1));
		this.#drawing.setAttribute('aria-valuenow', String(index));
		this.#drawing.setAttribute('aria-valuetext', `${value} at ${time.format(point.at)}`);
		this.#drawing.title = `${this.#title}: ${value}`;
	}
}
