/** A chat as a file, made on this device alone. */
import type { Chat } from '@whisper/client';
import { words } from '#lib/language.svelte.ts';

interface Line {
	readonly at: string;
	readonly from: 'you' | 'them';
	readonly text: string;
}

/** Lets the browser save what was said: for reading, or for programs. */
export function saveChat(chat: Chat, form: 'text' | 'json'): void {
	const content = form === 'json' ? asJson(chat) : asText(chat);
	const type = form === 'json' ? 'application/json' : 'text/plain;charset=utf-8';
	const url = URL.createObjectURL(new Blob([content], { type }));
	const link = document.createElement('a');
	link.href = url;
	link.download = fileName(chat, form === 'json' ? 'json' : 'txt');
	link.click();
	URL.revokeObjectURL(url);
}

export function asText(chat: Chat): string {
	const { yours, theirs } = words.chat.savedBy;
	const lines = linesOf(chat).map(
		({ at, from, text }) => `${at.slice(11, 19)} ${from === 'you' ? yours : theirs}: ${text}`,
	);
	return [
		`${words.name}, ${new Date(chat.startedAt).toISOString().slice(0, 10)}`,
		'',
		...lines,
		'',
	].join('\n');
}

export function asJson(chat: Chat): string {
	const { startedAt, mode, sharedInterests } = chat;
	const started = new Date(startedAt).toISOString();
	return `${JSON.stringify({ started, mode, sharedInterests, lines: linesOf(chat) }, null, '\t')}\n`;
}

/** What was said and got through. */
function linesOf(chat: Chat): readonly Line[] {
	return chat.entries.flatMap((entry) => {
		if (entry.kind === 'warning') return [];
		if (entry.kind === 'yours' && entry.state !== 'delivered') return [];
		const from = entry.kind === 'yours' ? 'you' : 'them';
		return [{ at: new Date(entry.at).toISOString(), from, text: entry.content }];
	});
}

function fileName({ startedAt }: Chat, extension: string): string {
	const stamp = new Date(startedAt).toISOString().slice(0, 16).replaceAll(/[:T]/g, '-');
	return `whisper-${stamp}.${extension}`;
}
