import type { Phase } from '@whisper/client';
import { plainText } from '#lib/phrase.ts';
import { words } from '#lib/language.svelte.ts';

/** What a screen reader hears when the view changes. */
export function announcement(phase: Phase): string {
	switch (phase.name) {
		case 'idle':
			return '';
		case 'queued':
			return plainText(words.searching.looking(phase.wishes.interests, phase.search?.tier));
		case 'chatting':
			return plainText(words.chat.shared(phase.chat.sharedInterests));
		case 'over':
			return words.chat.ending[phase.ending];
		case 'unmatched':
			return plainText(words.unmatched.nobody(phase.wishes.interests));
		case 'banned':
			return plainText(words.banned.until(phase.ban.until, Date.now()));
	}
}
