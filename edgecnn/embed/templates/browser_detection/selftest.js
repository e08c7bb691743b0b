// The page's self-test without a browser: the same files in Node.js. Exit code 0 when it passes, 1 when it does not.
import { beside } from "./beside.js";
import { load } from "./detector.js";
import { compare } from "./golden.js";

const { card, detect } = await load(beside);
const { passed, verdict } = await compare(card, detect);
console.log(verdict);
process.exitCode = passed ? 0 : 1;
