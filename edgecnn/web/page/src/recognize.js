// One frame in, what is on it out: the only place that knows of finder, classifier and preprocessing together.
import { fitInk, inkAlone, SIDE } from "./ink.js";
import { centreWindow, toInput, withChannels } from "./pixels.js";
import { parts, readingOrder, textOf } from "./reading.js";

const MIN_SCORE = 0.3; // as edgecnn webcam has them: what the finder is less sure of is no find,
const MIN_PROBABILITY = 0.5; // and what the classifier is less sure of no answer

/**
 * Return { text, answers, boxes, rejected, window, findMs, classifyMs }.
 *
 * ``answers`` and their ``boxes`` (null without a finder) are in reading order, as ``text`` is. ``window`` is the part
 * of the frame that was classified, where it is a part. ``drawn`` says that the frame is ink on black.
 */
export async function recognize(network, frame, { drawn }) {
  return network.find ? found(network, frame) : whole(network, frame, drawn);
}

async function found(network, frame) {
  const start = performance.now();
  const finds = await network.find(withChannels(frame, 1));
  const middle = performance.now();
  const good = finds.filter(({ score }) => score >= MIN_SCORE);
  const inputs = good.map(({ crop }) => toInput(network.wantsInk ? inkAlone(crop) : crop, network.card.input));
  const answers = await network.classify(inputs);
  const end = performance.now();
  const accepted = answers
    .map((answer, index) => ({ answer, box: good[index].box, sure: good[index].score * answer.probability }))
    .filter(({ answer }) => network.known(answer) && answer.probability >= MIN_PROBABILITY);
  const isPart = parts(
    accepted.map(({ box }) => box),
    accepted.map(({ sure }) => sure),
    accepted.map(({ answer }) => answer.label),
  );
  const kept = accepted.filter((_, index) => !isPart[index]);
  const places = kept.map(({ box }) => box);
  const lines = readingOrder(places);
  const order = lines.flat().map((index) => kept[index]);
  return {
    text: textOf(kept.map(({ answer }) => answer.label), places, lines),
    answers: order.map(({ answer }) => answer),
    boxes: order.map(({ box }) => box),
    rejected: finds.length - kept.length,
    window: null,
    findMs: middle - start,
    classifyMs: end - middle,
  };
}

async function whole(network, frame, drawn) {
  const start = performance.now();
  const { input } = network.card;
  const fitted = drawn && input.height === SIDE && input.width === SIDE && input.channels === 1;
  const image = fitted ? fitInk(withChannels(frame, 1)) : toInput(frame, input);
  const answers = await network.classify(image ? [image] : []);
  return {
    text: answers[0]?.label ?? "",
    answers,
    boxes: null,
    rejected: 0,
    window: fitted ? null : centreWindow(frame, input.height, input.width),
    findMs: null,
    classifyMs: performance.now() - start,
  };
}
