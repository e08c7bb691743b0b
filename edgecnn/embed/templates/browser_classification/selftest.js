// The page's self-test without a browser: the same files in Node.js. Exit code 0 when it passes, 1 when it does not.
import { beside } from "./beside.js";
import { load } from "./classifier.js";
import { compare } from "./golden.js";

const { card, probabilities } = await load(beside);
const { passed, verdict } = await compare(card, probabilities);
console.log(verdict);
process.exitCode = passed ? 0 : 1;
