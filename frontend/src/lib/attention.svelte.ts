/** Whether the page is in front of somebody, as reactive state. */
import { on } from 'svelte/events';
import { createSubscriber } from 'svelte/reactivity';

const subscribe = createSubscriber((update) => on(document, 'visibilitychange', update));

export const attention = {
	get isVisible(): boolean {
		subscribe();
		return document.visibilityState === 'visible';
	},
};
