/** The rules of the protocol that the interface applies itself. No connection in here. */
export { addInterests, countChars, DEFAULT_LIMITS, isTooLong } from '@whisper/client';
