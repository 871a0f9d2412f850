/** Elements, made one by one: whatever people wrote becomes text, and never markup. */

/** @typedef {string | number | boolean | ((event: any) => void) | undefined} Attribute */
/** @typedef {Node | string | number | false | undefined} Child */

/**
 * An HTML element. An attribute that is a function hears the event of that name; one that is false
 * or undefined is left out.
 *
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Record<string, Attribute>} [attributes]
 * @param {Child[]} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(name, attributes = {}, ...children) {
	const made = document.createElement(name);
	furnish(made, attributes, children);
	return made;
}

/**
 * An element of a drawing.
 *
 * @param {string} name
 * @param {Record<string, Attribute>} [attributes]
 * @param {Child[]} children
 */
export function drawn(name, attributes = {}, ...children) {
	const made = document.createElementNS('http://www.w3.org/2000/svg', name);
	furnish(made, attributes, children);
	return made;
}

/**
 * The element of the page with this id.
 *
 * @param {string} id
 */
export function byId(id) {
	const found = document.getElementById(id);
	if (found === null) throw new Error(`the page has no #${id}`);
	return found;
}

/**
 * Puts these into a place, instead of what is there.
 *
 * @param {Element} place
 * @param {Child[]} children
 */
export function fill(place, ...children) {
	place.replaceChildren(...children.filter(isSomething).map(node));
}

/**
 * @param {Element} made
 * @param {Record<string, Attribute>} attributes
 * @param {Child[]} children
 */
function furnish(made, attributes, children) {
	for (const [name, value] of Object.entries(attributes)) {
		if (typeof value === 'function') made.addEventListener(name, value);
		else if (value !== undefined && value !== false)
			made.setAttribute(name, value === true ? '' : String(value));
	}
	made.append(...children.filter(isSomething).map(node));
}

/** @type {(child: Child) => child is Node | string | number} */
const isSomething = (child) => child !== undefined && child !== false;

/** @param {Node | string | number} child */
const node = (child) => (typeof child === 'number' ? String(child) : child);
