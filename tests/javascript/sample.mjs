// Rows of a model file, without Python: the noise protocol of docs/model-file.md in JavaScript.
//
//   node sample.mjs model.onnx SEED START STOP [other.onnx SEED START STOP ...]
//
// A line of JSON for each: rows START to STOP - 1, whole numbers as "123n".
// It needs the package onnxruntime-web (WebAssembly; the same code runs in a browser).

import { readFile } from "node:fs/promises";
import * as ort from "onnxruntime-web";

const MASK = (1n << 64n) - 1n;
const NORMALS = 0n;
const UNIFORMS = 1n;
const MISSING_INTEGER = -(2n ** 63n);

// ---- noise ----------------------------------------------------------------------------------

/** Philox4x64-10: four words of 64 bits of a counter. */
function philox(seed, stream, counter) {
  let [k0, k1] = [seed, stream];
  let [c0, c1, c2, c3] = [0n, 64n, 128n, 192n].map((shift) => (counter >> shift) & MASK);
  for (let round = 0; round < 10; round++) {
    const a = 0xd2e7470ee14c6c93n * c0;
    const b = 0xca5a826395121157n * c2;
    [c0, c1, c2, c3] = [(b >> 64n) ^ c1 ^ k0, b & MASK, (a >> 64n) ^ c3 ^ k1, a & MASK];
    k0 = (k0 + 0x9e3779b97f4a7c15n) & MASK;
    k1 = (k1 + 0xbb67ae8584caa73bn) & MASK;
  }
  return [c0, c1, c2, c3];
}

/** Standard normals of rows: Float32Array of (stop - start) x width. */
function normals(seed, start, stop, width) {
  const counters = Math.ceil(width / 8);
  const z = new Float32Array((stop - start) * width);
  for (let row = start; row < stop; row++) {
    for (let block = 0; block < counters; block++) {
      const words = philox(seed, NORMALS, BigInt(row) * BigInt(counters) + BigInt(block));
      words.forEach((word, j) => {
        const u = (Number((word >> 9n) & 0x7fffffn) + 0.5) / 2 ** 23;
        const v = (Number(word >> 41n) + 0.5) / 2 ** 23;
        const radius = Math.sqrt(-2 * Math.log(u));
        const pair = [radius * Math.cos(2 * Math.PI * v), radius * Math.sin(2 * Math.PI * v)];
        pair.forEach((normal, k) => {
          const column = 8 * block + 2 * j + k;
          if (column < width) z[(row - start) * width + column] = normal;
        });
      });
    }
  }
  return z;
}

/** A uniform number of a row, in [0, 1). */
function uniform(seed, row) {
  const word = philox(seed, UNIFORMS, BigInt(row) / 4n)[row % 4];
  return Number(word >> 11n) / 2 ** 53;
}

/** Class codes of rows, at the frequencies of the training data. */
function classCodes(schema, seed, start, stop) {
  const ends = [];
  schema.class_counts.reduce((sum, count, i) => (ends[i] = sum + count), 0);
  return BigInt64Array.from({ length: stop - start }, (_, i) => {
    const place = uniform(seed, start + i) * ends.at(-1);
    return BigInt(ends.slice(0, -1).filter((end) => end <= place).length);
  });
}

// ---- identifiers ----------------------------------------------------------------------------

/** The finaliser of SplitMix64. */
function scattered(word) {
  word = (word * 0x9e3779b97f4a7c15n) & MASK;
  word = ((word ^ (word >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  word = ((word ^ (word >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return word ^ (word >> 31n);
}

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return BigInt((crc ^ 0xffffffff) >>> 0);
}

const gcd = (a, b) => (b ? gcd(b, a % b) : a);

/** The identifier of a row. */
function identifier(column, seed, row) {
  const pattern = column.identifier;
  if (pattern.start !== null) {
    const number = BigInt(pattern.start) + BigInt(row);
    return pattern.digits ? pattern.prefix + String(number).padStart(pattern.digits, "0") : number;
  }
  const key = seed ^ crc32(new TextEncoder().encode(output(column)));
  const sizes = pattern.characters.map((characters) => BigInt([...characters].length));
  let [first, period] = [sizes.length, 1n];
  while (first && period * sizes[first - 1] <= 2n ** 32n) period *= sizes[--first];
  const [shift, begin] = [scattered(key), scattered((key + 1n) & MASK)];
  let step = period / 4n + (begin % (period / 2n + 1n));
  while (gcd(step, period) !== 1n) step++;
  const [further, place] = [BigInt(row) / period, BigInt(row) % period];
  let code = (place * step + (shift % period)) % period;
  const text = [];
  const take = (j, word) => {
    text[j] = [...pattern.characters[j]][Number(word % sizes[j])];
    return word / sizes[j];
  };
  for (let j = sizes.length - 1; j >= first; j--) code = take(j, code);
  let word = 0n;
  for (let j = 0; j < first; j++) {
    if (j % 8 === 0) word = scattered((BigInt(row) + ((shift + BigInt(j)) & MASK)) & MASK);
    word = take(j, word);
  }
  return text.join("") + (further ? further : "");
}

// ---- the file -------------------------------------------------------------------------------

/** Fields of a protobuf message, those of varying length: [number, bytes]. */
function* fields(message) {
  let position = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[position++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (position < message.length) {
    const tag = Number(varint());
    const kind = tag & 7;
    if (kind === 0) varint();
    else {
      const size = kind === 2 ? Number(varint()) : kind === 1 ? 8 : 4;
      if (kind === 2) yield [tag >> 3, message.subarray(position, position + size)];
      position += size;
    }
  }
}

/** metadata_props, field 14 of the model: key is field 1, value field 2. */
function metadata(model) {
  const text = new TextDecoder();
  const properties = {};
  for (const [number, entry] of fields(model)) {
    if (number !== 14) continue;
    const pair = Object.fromEntries(fields(entry));
    properties[text.decode(pair[1])] = text.decode(pair[2]);
  }
  return properties;
}

// ---- rows -----------------------------------------------------------------------------------

/** Name of a column's tensor. */
function output(column) {
  const name = String(column.name);
  return ["z", "y", "class_weights", "condition"].includes(name) ? `${name}_` : name;
}

/** Value of a column, of what the graph gives: null where missing. */
function value(column, found) {
  if (column.kind === "float") return Number.isNaN(found) ? null : found;
  if (column.kind === "category") return found < 0n ? null : column.categories[Number(found)];
  if (column.kind === "boolean") return found < 0 ? null : Boolean(Number(found));
  return column.nullable && found === MISSING_INTEGER ? null : BigInt(found);
}

async function sample(file, seed, start, stop) {
  const model = new Uint8Array(await readFile(file));
  const properties = metadata(model);
  if (properties["gansynth.noise"] !== "philox4x64-10/box-muller/1") {
    throw new Error(`the model has noise ${properties["gansynth.noise"]}`);
  }
  const schema = JSON.parse(properties["gansynth.schema"]);
  const session = await ort.InferenceSession.create(model);
  const n = stop - start;
  const width = session.inputMetadata[session.inputNames.indexOf("z")].shape[1];
  const feeds = { z: new ort.Tensor("float32", normals(seed, start, stop, width), [n, width]) };
  const rows = {};
  if (session.inputNames.includes("y")) {
    const codes = classCodes(schema, seed, start, stop);
    feeds.y = new ort.Tensor("int64", codes, [n]);
    rows.classes = Array.from(codes, (code) => schema.classes[Number(code)]);
  }
  const found = await session.run(feeds);
  const { dims, data } = found[session.outputNames[0]];
  if (dims.length > 1) return { ...rows, shape: dims, array: Array.from(data) }; // points, images
  rows.columns = schema.columns.map((column) =>
    column.kind === "identifier"
      ? Array.from({ length: n }, (_, i) => identifier(column, seed, start + i))
      : Array.from(found[output(column)].data, (given) => value(column, given)),
  );
  return rows;
}

const asked = process.argv.slice(2);
while (asked.length) {
  const [file, seed, start, stop] = asked.splice(0, 4);
  const rows = await sample(file, BigInt(seed), Number(start), Number(stop));
  console.log(JSON.stringify(rows, (_, given) => (typeof given === "bigint" ? `${given}n` : given)));
}
