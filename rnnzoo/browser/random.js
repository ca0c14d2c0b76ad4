// The random numbers of rnnzoo.generation: the same seed and prompt, the same text.

import { wellFormed } from "./tokens.js";

const K0 = 0xc3a5c85c97cb3127n;
const K1 = 0xb492b66fbe98f273n;
const K2 = 0x9ae16a3b2f90404fn;

const wrap = (value) => BigInt.asUintN(64, value);
const rotate = (value, bits) => wrap((value >> bits) | (value << (64n - bits)));
const shiftMix = (value) => value ^ (value >> 47n);

/**
 * Returns the fingerprint of a text: FarmHash's Fingerprint64, by Geoff Pike, which
 * TensorFlow's tf.strings.to_hash_bucket_fast takes.
 */
export function fingerprint(text) {
  const bytes = new TextEncoder().encode(text);
  const view = new DataView(bytes.buffer);
  const length = bytes.length;
  const size = BigInt(length);
  const at = (place) => view.getBigUint64(place, true);
  const fromEnd = (place) => at(length - place);

  function mixed(first, second, factor) {
    const a = shiftMix(wrap((first ^ second) * factor));
    return wrap(shiftMix(wrap((second ^ a) * factor)) * factor);
  }

  if (length === 0) return K2;
  if (length < 4) {
    const y = BigInt(bytes[0]) + (BigInt(bytes[length >> 1]) << 8n);
    const z = size + (BigInt(bytes[length - 1]) << 2n);
    return wrap(shiftMix(wrap(y * K2) ^ wrap(z * K0)) * K2);
  }
  const factor = wrap(K2 + size * 2n);
  if (length < 8) {
    const a = BigInt(view.getUint32(0, true));
    const b = BigInt(view.getUint32(length - 4, true));
    return mixed(size + (a << 3n), b, factor);
  }
  if (length <= 16) {
    const a = wrap(at(0) + K2);
    const b = fromEnd(8);
    const c = wrap(rotate(b, 37n) * factor + a);
    const d = wrap((rotate(a, 25n) + b) * factor);
    return mixed(c, d, factor);
  }
  if (length <= 64) {
    const a = wrap(at(0) * (length <= 32 ? K1 : K2));
    const b = at(8);
    const c = wrap(fromEnd(8) * factor);
    const d = wrap(fromEnd(16) * K2);
    const y = wrap(rotate(wrap(a + b), 43n) + rotate(c, 30n) + d);
    const z = wrap(a + rotate(wrap(b + K2), 18n) + c);
    if (length <= 32) return mixed(y, z, factor);
    const e = wrap(at(16) * factor);
    const f = at(24);
    const g = wrap((y + fromEnd(32)) * factor);
    const h = wrap((mixed(y, z, factor) + fromEnd(24)) * factor);
    return mixed(
      wrap(rotate(wrap(e + f), 43n) + rotate(g, 30n) + h),
      wrap(e + rotate(wrap(f + a), 18n) + g),
      factor,
    );
  }

  function weak(place, a, b) {
    const first = wrap(a + at(place));
    const last = at(place + 24);
    const second = rotate(wrap(b + first + last), 21n);
    const sum = wrap(first + at(place + 8) + at(place + 16));
    return [wrap(sum + last), wrap(second + rotate(sum, 44n) + first)];
  }

  let x = wrap(81n * K2 + at(0));
  let y = wrap(81n * K1 + 113n);
  let z = wrap(shiftMix(wrap(y * K2 + 113n)) * K2);
  let v = [0n, 0n];
  let w = [0n, 0n];

  function round(place, multiplier, weight) {
    x = wrap(rotate(wrap(x + y + v[0] + at(place + 8)), 37n) * multiplier);
    y = wrap(rotate(wrap(y + v[1] + at(place + 48)), 42n) * multiplier);
    x ^= wrap(w[1] * weight);
    y = wrap(y + v[0] * weight + at(place + 40));
    z = wrap(rotate(wrap(z + w[0]), 33n) * multiplier);
    v = weak(place, wrap(v[1] * multiplier), wrap(x + w[0]));
    w = weak(place + 32, wrap(z + w[1]), wrap(y + at(place + 16)));
    [z, x] = [x, z];
  }

  const end = Math.floor((length - 1) / 64) * 64;
  for (let place = 0; place < end; place += 64) round(place, K1, 1n);
  const last = wrap(K1 + ((z & 0xffn) << 1n));
  w[0] = wrap(w[0] + ((size - 1n) & 63n));
  v[0] = wrap(v[0] + w[0]);
  w[0] = wrap(w[0] + v[0]);
  round(length - 64, last, 9n);
  return mixed(
    wrap(mixed(v[0], w[0], last) + shiftMix(y) * K0 + z),
    wrap(mixed(v[1], w[1], last) + x),
    last,
  );
}

/** Returns the key of the random numbers of a text: see rnnzoo.generation.keys. */
export function key(prompt, seed) {
  return fingerprint(`${seed}:0:${wellFormed(prompt)}`) % (2n ** 63n - 1n);
}

/** Returns a number from 0 to 1 for a key and a step: SplitMix64 of both. */
export function uniform(key, step) {
  let x = wrap(key + (BigInt(step) + 1n) * 0x9e3779b97f4a7c15n);
  x = wrap((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n);
  x = wrap((x ^ (x >> 27n)) * 0x94d049bb133111ebn);
  x ^= x >> 31n;
  return Number(x >> 41n) * 2 ** -23;
}
