/** The signs of the interface, as paths for {@link file://./Icon.svelte}. */
export const flag = 'M5 17.5V3m0 .5c4-2 6 2 10 0v8c-4 2-6-2-10 0';
export const more =
	'M4 10a.5.5 0 1 0 1 0a.5.5 0 1 0-1 0m5.5 0a.5.5 0 1 0 1 0a.5.5 0 1 0-1 0m5.5 0a.5.5 0 1 0 1 0a.5.5 0 1 0-1 0';
export const sliders =
	'M3 6h6m5 0h3M3 14h3m5 0h6M9 6a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0m-3 8a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0';
export const close = 'm5 5 10 10M15 5 5 15';
export const send = 'M10 16V4M4.5 9.5 10 4l5.5 5.5';
export const down = 'M10 4v12m-5.5-5.5L10 16l5.5-5.5';
