/** Nearer than this to its end, a log counts as read to the end. */
const SLACK_PX = 48;

/**
 * Keeps a scrolling element at its end while its reader is there, whatever grows in it or shrinks
 * around it (a message, the keyboard), and leaves it alone while they read further up.
 *
 * @param onchange - told whenever the reader arrives at the end or leaves it
 */
export function stickToBottom(onchange: (isAtBottom: boolean) => void): {
	/** An attachment for the scrolling element, whose first child holds the content. */
	watch: (node: HTMLElement) => () => void;
	/** Goes to the end. */
	go: () => void;
} {
	let scroller: HTMLElement | undefined;
	let isAtBottom = true;

	function go(): void {
		if (scroller) scroller.scrollTop = scroller.scrollHeight;
	}

	function watch(node: HTMLElement): () => void {
		scroller = node;
		let heights = '';

		function scrolled(): void {
			// The browser scrolls too, when sizes change; that is no reader who leaves.
			if (heights !== heightsOf(node)) return;
			const below = node.scrollHeight - node.clientHeight - node.scrollTop;
			if (below < SLACK_PX === isAtBottom) return;
			isAtBottom = !isAtBottom;
			onchange(isAtBottom);
		}

		const sizes = new ResizeObserver(() => {
			heights = heightsOf(node);
			if (isAtBottom) go();
		});
		sizes.observe(node);
		if (node.firstElementChild) sizes.observe(node.firstElementChild);
		node.addEventListener('scroll', scrolled, { passive: true });
		return () => {
			sizes.disconnect();
			node.removeEventListener('scroll', scrolled);
			scroller = undefined;
		};
	}

	return { watch, go };
}

function heightsOf(node: HTMLElement): string {
	// Not the scroll height: a message that rises into its place makes that waver.
	const content = node.firstElementChild as HTMLElement | null;
	return `${node.clientHeight}/${content?.offsetHeight ?? 0}`;
}
