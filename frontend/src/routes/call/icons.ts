/** The signs of a call, as paths for an icon. */
export const mic =
	'M10 2.5A2.5 2.5 0 0 1 12.5 5v4.5a2.5 2.5 0 0 1-5 0V5A2.5 2.5 0 0 1 10 2.5m-5 7a5 5 0 0 0 10 0m-5 5v3';
export const micOff =
	'M7.5 7.5v2a2.5 2.5 0 0 0 3.7 2.2m1.3-2.7V5a2.5 2.5 0 0 0-4.7-1.2M5 9.5a5 5 0 0 0 8 4m1.6-2.1a5 5 0 0 0 .4-1.9m-5 5v3M3 3l14 14';
export const camera = 'M3 6.5h8.5v7H3zm8.5 2.5 5-2.5v7l-5-2.5';
export const cameraOff = 'M3 6.5v7h8.5M7 6.5h4.5V11m0-2 5-2.5v7l-2-1M3 3l14 14';
