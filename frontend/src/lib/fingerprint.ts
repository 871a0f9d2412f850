/**
 * What tells this device from others, as a hash and a weak sign: bans use it together with others,
 * never alone. Computed only for people who accepted the rules, and loaded only then.
 *
 * @returns 64 hex digits, or `undefined` where the browser keeps it to itself
 */
export async function fingerprint(): Promise<string | undefined> {
	try {
		const { default: agent } = await import('@fingerprintjs/fingerprintjs');
		const { visitorId } = await (await agent.load({ delayFallback: 0, monitoring: false })).get();
		const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(visitorId));
		return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join(
			'',
		);
	} catch {
		return undefined;
	}
}
