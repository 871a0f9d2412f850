/**
 * A report, as messages: what the partner said goes along as evidence, each message with the tag
 * that proves it.
 *
 * @module
 */
import type { Chat, TheirEntry } from './chat.ts';
import { EVIDENCE_MAX } from './limits.ts';
import type { ClientMessage, Evidence, Limits, ReportReason } from './messages.ts';

export interface ReportWish {
	readonly reason: ReportReason;
	/** In the person's own words; at most 500 chars. */
	readonly comment?: string;
	/** Keys of the partner's entries; of more than {@link EVIDENCE_MAX} the latest count. */
	readonly evidence?: readonly number[];
	/** Never meet this partner again. */
	readonly block?: boolean;
}

/** Left free in a frame for everything but the evidence. */
const ENVELOPE_BYTES = 3 * 1024;
/** What one piece of evidence takes besides its content. */
const PROOF_BYTES = 80;

/** The messages of one report, all under the same id: as many as the evidence fills. */
export function reportMessages(
	chat: Chat,
	id: string,
	{ reason, comment, evidence = [], block }: ReportWish,
	{ messageBytes }: Pick<Limits, 'messageBytes'>,
): readonly ClientMessage[] {
	const keys = new Set(evidence);
	const chosen = chat.entries
		.filter((entry): entry is TheirEntry => entry.kind === 'theirs' && keys.has(entry.key))
		.slice(-EVIDENCE_MAX)
		.map(({ seq, content, at, tag }) => ({ seq, content, timestamp: at, tag }));
	return inFrames(chosen, messageBytes - ENVELOPE_BYTES).map((part, index) => ({
		type: 'report',
		data: {
			reason,
			id,
			roomId: chat.roomId,
			...(comment !== undefined && comment !== '' && index === 0 && { comment }),
			...(part.length > 0 && { evidence: part }),
			...(block !== undefined && { block }),
		},
	}));
}

/** At least one part, even of nothing. */
function inFrames(evidence: readonly Evidence[], bytesMax: number): readonly Evidence[][] {
	const utf8 = new TextEncoder();
	const parts: Evidence[][] = [[]];
	let bytes = 0;
	for (const piece of evidence) {
		const added = utf8.encode(piece.content).length + PROOF_BYTES;
		if (bytes > 0 && bytes + added > bytesMax) {
			parts.push([]);
			bytes = 0;
		}
		parts.at(-1)?.push(piece);
		bytes += added;
	}
	return parts;
}
