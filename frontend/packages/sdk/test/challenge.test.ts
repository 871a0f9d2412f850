/** Proof of work: what the engine asks for, and what the session makes of it. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { prove } from '../src/challenge/index.ts';
import { parametersOf, solve } from '../src/challenge/solve.ts';
import { NEW_SESSION, step, type Input, type Session, type Wishes } from '../src/index.ts';

const parameters = {
	algorithm: 'SHA-256',
	cost: 3,
	keyLength: 32,
	keyPrefix: '00a',
	nonce: '00112233445566778899aabbccddeeff',
	salt: 'ffeeddccbbaa99887766554433221100',
};
const challenge = { parameters, signature: 'signed' };

describe('a challenge', () => {
	it('is solved by a counter whose hash begins as asked', () => {
		const proof = solve(parameters) ?? expect.unreachable('there is one');
		const { counter, derivedKey } = JSON.parse(new TextDecoder().decode(proof)) as {
			counter: number;
			derivedKey: string;
		};
		const last = Buffer.alloc(4);
		last.writeUInt32BE(counter);
		let key = Buffer.from(parameters.salt + parameters.nonce + last.toString('hex'), 'hex');
		for (let round = 0; round < 3; round += 1) key = createHash('sha256').update(key).digest();
		expect(key.toString('hex')).toBe(derivedKey);
		expect(derivedKey.startsWith('00a')).toBe(true);
	});

	it('is given up where it is of an unknown kind, or no longer wanted', async () => {
		for (const strange of [{}, { parameters: 7 }, { parameters: { ...parameters, cost: 0 } }]) {
			expect(parametersOf(strange)).toBeUndefined();
		}
		const { signal } = new AbortController();
		expect(await prove({ parameters: { ...parameters, algorithm: 'ARGON2ID' } }, signal)).toBe(
			undefined,
		);
		expect(await prove(challenge, AbortSignal.abort())).toBeUndefined();
		expect(await prove(challenge, signal)).toEqual(solve(parameters));
	});
});

describe('a session that must prove something', () => {
	const wishes = { ageCategory: 'adult', mode: 'text', queueType: 'moderated', interests: [] };
	const after = (session: Session, input: Input) => step(session, input, 1);
	const greeting: Input = {
		kind: 'received',
		message: {
			type: 'connected',
			data: {
				userId: 'u',
				resume: new Uint8Array(1),
				serverTime: 1,
				limits: NEW_SESSION.limits,
				challenge,
			},
		},
	};

	it('joins once it has, and says so first', () => {
		const proof = new Uint8Array([1]);
		const join: Input = { kind: 'join', wishes: wishes as unknown as Wishes };
		for (const order of [
			[join, greeting],
			[greeting, join],
		]) {
			let session = NEW_SESSION;
			for (const input of order) {
				const next = after(session, input);
				expect(next.send).toEqual([]);
				session = next.session;
			}
			const { send, session: proven } = after(session, { kind: 'proved', proof });
			expect(send).toEqual([
				{ type: 'hello', data: { proof } },
				{ type: 'join', data: wishes },
			]);
			expect(after(proven, { kind: 'proved', proof }).send).toEqual([]);
		}
	});

	it('owes nothing on a connection that asks for nothing', () => {
		const { session } = after(NEW_SESSION, greeting);
		const lost = after(session, { kind: 'link_lost', code: 1006, retryInMs: 1 }).session;
		const { challenge: _, ...terms } = (greeting as { message: { data: object } }).message.data as {
			challenge: object;
		};
		const again = { kind: 'received', message: { type: 'connected', data: terms } } as Input;
		expect(after(lost, again).session.challenge).toBeUndefined();
	});
});
