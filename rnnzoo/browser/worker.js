// Loads the models and answers questions, beside the page, which stays responsive.
//
// It is sent `{ id, name, input }`, and sends `{ id, name, value }` as often as there is
// something to show, then `{ id, name, done: true }` or `{ id, name, error }`. A question
// to a model ends the one before it; without an input it does only that.

import * as ort from "./onnxruntime/ort.wasm.bundle.min.mjs";
import { MODELS } from "./models.js";

const RUNTIME = "onnxruntime/ort-wasm-simd-threaded.wasm";
const models = {};
const latest = {};

self.onmessage = async ({ data: { id, name, input } }) => {
  latest[name] = id;
  if (!input) return;
  try {
    for await (const value of models[name].answer(input)) {
      self.postMessage({ id, name, value });
      await pause();
      if (latest[name] !== id) return;
    }
    self.postMessage({ id, name, done: true });
  } catch (error) {
    const isInput = error instanceof RangeError;
    self.postMessage({ id, name, error: error.message, isInput });
  }
};

/** Lets messages come in. */
function pause() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** Loads everything, so that nothing is asked of the network later. */
async function load() {
  const sizes = await (await fetched("files.json")).json();
  const total = Object.values(sizes).reduce((a, b) => a + b, 0);
  let loaded = 0;

  async function read(path) {
    const bytes = new Uint8Array(sizes[path]);
    const reader = (await fetched(path)).body.getReader();
    let place = 0;
    let part = await reader.read();
    while (!part.done) {
      bytes.set(part.value, place);
      place += part.value.length;
      loaded += part.value.length;
      self.postMessage({ loaded, total });
      part = await reader.read();
    }
    return bytes;
  }

  // One thread: more need headers that static hosts do not send.
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = await read(RUNTIME);
  for (const [name, Kind] of Object.entries(MODELS)) {
    if (!(`models/${name}/${Kind.file}` in sizes)) continue;
    const config = new TextDecoder().decode(await read(`models/${name}/model.json`));
    const file = await read(`models/${name}/${Kind.file}`);
    const session = await ort.InferenceSession.create(file);
    models[name] = new Kind(ort, session, JSON.parse(config));
    self.postMessage({ ready: name });
  }
}

async function fetched(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response;
}

load().catch((error) => self.postMessage({ failed: error.message }));
