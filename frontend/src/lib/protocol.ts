/** The rules of the protocol that the interface applies itself. No connection in here. */
export {
	addInterests,
	COMMENT_CHARS_MAX,
	countChars,
	DEFAULT_LIMITS,
	EVIDENCE_MAX,
	isForNow,
	isTooLong,
	rejoinDelayMs,
} from '@whisper/client';
