// Reads a line of JSON at a time, and answers as the page of `rnnzoo demo` would.

import { createInterface } from "node:readline";

import { key, uniform } from "../rnnzoo/browser/random.js";
import { Characters, Numbers, SpelledWords, Words } from "../rnnzoo/browser/tokens.js";

const answers = {
  split: ({ text }) => new Words({ vocabulary: [] }).split(text),
  words: ({ text, config }) => {
    const { words, ids, leftOut } = new Words(config).encode(text);
    return { words, ids: [...ids], leftOut };
  },
  spelled: ({ text, config }) => {
    const { words, ids, steps } = new SpelledWords(config).encode(text);
    const places = words.map(({ start, end }) => [start, end]);
    return { words: words.map(({ word }) => word), places, ids: [...ids], steps };
  },
  characters: ({ text, config }) => [...new Characters(config).encode(text)],
  numbers: ({ text, config }) => new Numbers(config).read(text, 32),
  key: ({ text, seed }) => key(text, seed).toString(),
  uniform: ({ key, step }) => uniform(BigInt(key), step),
};

for await (const line of createInterface({ input: process.stdin })) {
  const [name, input] = JSON.parse(line);
  let answer;
  try {
    answer = answers[name](input);
  } catch (error) {
    answer = { error: error.message };
  }
  console.log(JSON.stringify(answer));
}
