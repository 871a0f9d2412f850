// Writes javascript.json: every message, as @msgpack/msgpack encodes it. Checks on the way that
// it decodes our bytes to the JSON view.
//
// Run it in a folder that has @msgpack/msgpack installed: `node …/proto/vectors/javascript.mjs`.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { decode, encode } = createRequire(`${process.cwd()}/`)('@msgpack/msgpack');

const isMap = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const mapValues = (map, change) =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]));

function fromView(view) {
  if (Array.isArray(view)) return view.map(fromView);
  if (!isMap(view)) return view;
  if ('$bin' in view) return Uint8Array.from(Buffer.from(view.$bin, 'base64url'));
  return mapValues(view, fromView);
}

function toView(value) {
  if (Array.isArray(value)) return value.map(toView);
  if (value instanceof Uint8Array) return { $bin: Buffer.from(value).toString('base64url') };
  return isMap(value) ? mapValues(value, toView) : value;
}

const file = (name) => new URL(name, import.meta.url);
const vectors = ['client.json', 'server.json'].flatMap((name) =>
  JSON.parse(readFileSync(file(name), 'utf8')),
);

const lines = vectors.map(({ name, direction, json, hex }) => {
  assert.deepEqual(toView(decode(Buffer.from(hex, 'hex'))), json, name);
  const { type, ...rest } = json; // the order in which people write it
  const bytes = Buffer.from(encode(fromView({ type, ...rest })));
  return `  ${JSON.stringify({ direction, hex: bytes.toString('hex'), name })}`;
});
writeFileSync(file('javascript.json'), `[\n${lines.join(',\n')}\n]\n`);
