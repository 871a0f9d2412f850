/** What the tests put into their pages. */
declare global {
	interface Window {
		axe: { run(options: object): Promise<{ violations: Violation[] }> };
		/** The sum of all layout shifts without an input before them. */
		shifted: number;
		/** What shifted, and from where to where. */
		movers: string[];
		/** Every peer connection the page made. */
		peers: RTCPeerConnection[];
		/** What relays and their like answered instead of what they were asked for. */
		iceErrors: number[];
	}
}

interface Violation {
	readonly id: string;
	readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

export {};
