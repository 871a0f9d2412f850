declare global {
	namespace App {
		// Nothing of SvelteKit's own types is extended.
	}
}

export {};
