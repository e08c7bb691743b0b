// Does the model answer here as it did where it was made? Exit code 0 when it does, 1 when it does not.
import { load } from "./classifier.js";
import { compare } from "./golden.js";

const { card, probabilities } = await load();
const { passed, verdict } = await compare(card, probabilities);
console.log(verdict);
process.exitCode = passed ? 0 : 1;
