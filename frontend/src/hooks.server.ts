import type { Handle } from '@sveltejs/kit';

/**
 * Views that are loaded when somebody opens them bring their styles along. SvelteKit links those
 * in the page as well, where every first visit would wait for them.
 */
const LATER =
	'Banned CallRoom Dialog FilterSwitch Help Leaving Picture Preflight ReportDialog Switch'.split(
		' ',
	);
const STYLES = new RegExp(`\\s*<link href="[^"]*/(?:${LATER.join('|')})\\.[^"]+\\.css"[^>]*>`, 'g');

export const handle: Handle = ({ event, resolve }) =>
	resolve(event, { transformPageChunk: ({ html }) => html.replaceAll(STYLES, '') });
