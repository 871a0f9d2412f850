/**
 * The height that can be seen, as `--height`: where a keyboard covers the page instead of making
 * it smaller, a chat would hide its own composer. Browsers that know `interactive-widget` need no
 * help.
 */
export function followKeyboard(): () => void {
	const { visualViewport } = window;
	if (!visualViewport) return () => {};
	const { style } = document.documentElement;
	const viewport = visualViewport;

	function follow(): void {
		// Zooming in makes less to be seen as well, and is no reason to squeeze anything.
		const covered = innerHeight - viewport.height;
		const isKeyboard = viewport.scale === 1 && covered > KEYBOARD_PX_MIN;
		if (isKeyboard) style.setProperty('--height', `${viewport.height}px`);
		else style.removeProperty('--height');
	}

	viewport.addEventListener('resize', follow);
	return () => viewport.removeEventListener('resize', follow);
}

/** Bars of the browser come and go as well; they are smaller. */
const KEYBOARD_PX_MIN = 120;
