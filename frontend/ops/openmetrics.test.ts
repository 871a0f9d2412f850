import { expect, test } from 'vitest';
import { parse } from './openmetrics.js';

test('reads samples, and passes over what is none', () => {
	const text = [
		'# HELP whisper_people_online People connected.',
		'# TYPE whisper_people_online gauge',
		'whisper_people_online{reactor="0"} 12',
		'whisper_up 1',
		'whisper_verdicts_total{reactor="1",offence="message",action="ban"} 3',
		'wait_bucket{tier="exact",le="+Inf"} 4 # {trace="x"} 0.5',
		'odd{name="a \\"b\\" \\\\ c\\nd"} -1.5e3 1700000000',
		'whisper_least -Inf',
		'',
		'nonsense',
		'# EOF',
	].join('\n');
	expect(parse(text)).toEqual([
		{ name: 'whisper_people_online', labels: { reactor: '0' }, value: 12 },
		{ name: 'whisper_up', labels: {}, value: 1 },
		{
			name: 'whisper_verdicts_total',
			labels: { reactor: '1', offence: 'message', action: 'ban' },
			value: 3,
		},
		{ name: 'wait_bucket', labels: { tier: 'exact', le: '+Inf' }, value: 4 },
		{ name: 'odd', labels: { name: 'a "b" \\ c\nd' }, value: -1500 },
		{ name: 'whisper_least', labels: {}, value: -Infinity },
	]);
});
