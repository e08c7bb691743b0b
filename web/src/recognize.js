// One frame in, what is on it out: the only place that knows of finder, classifier and preprocessing together.
import { fitInk, inkAlone, SIDE } from "./ink.js";
import { centerWindow, toInput, withChannels } from "./pixels.js";
import { parts, readingOrder, textOf } from "./reading.js";
import { memory } from "./tracking.js";

/** @import { Answer, Memory, Network, Picture, Result, Track } from "./types.d.ts" */

const MIN_SCORE = 0.3; // as edgecnn webcam has them: what the finder is less sure of is no find,
const MIN_PROBABILITY = 0.5; // and what the classifier is less sure of no answer

/**
 * Return { text, answers, boxes, rejected, window, findMs, classifyMs }.
 *
 * ``answers`` and their ``boxes`` (null without a finder) are in reading order, as ``text`` is. ``window`` is the part
 * of the frame that was classified, where it is a part. ``drawn`` says that the frame is ink on black, ``remembered``
 * (tracking.js) is what the frames before it said, which a frame by itself has none of.
 * @param {Network} network
 * @param {Picture} frame
 * @param {{ drawn?: boolean, remembered?: Memory }} [options]
 * @returns {Promise<Result>}
 */
export async function recognize(network, frame, { drawn = false, remembered = memory({ shownAfter: 1 }) } = {}) {
  return network.find ? found(network, network.find, frame, remembered) : whole(network, frame, drawn, remembered);
}

/**
 * @param {Network} network
 * @param {NonNullable<Network["find"]>} find
 * @param {Picture} frame
 * @param {Memory} remembered
 * @returns {Promise<Result>}
 */
async function found(network, find, frame, remembered) {
  const start = performance.now();
  const finds = await find(withChannels(frame, 1));
  const middle = performance.now();
  const good = finds.filter(({ score }) => score >= MIN_SCORE);
  const inputs = good.map(({ crop }) => toInput(network.wantsInk ? inkAlone(crop) : crop, network.card.input));
  const answers = await network.classify(inputs);
  const end = performance.now();
  /** @param {Answer} answer */
  const accepts = (answer) => network.known(answer) && answer.probability >= MIN_PROBABILITY;
  const isPart = parts(
    good.map(({ box }) => box),
    answers.map((answer, index) => (accepts(answer) ? good[index].score * answer.probability : 0)),
    answers.map(({ label }) => label),
  );
  const seen = answers
    .map((answer, index) => ({ ...answer, box: good[index].box }))
    .filter((_, index) => !isPart[index]);
  const tracks = remembered.update(seen);
  /** @param {Track} track */
  const voted = (track) => network.answer(track.newest.image, track.probabilities);
  const shown = remembered
    .tracks()
    .filter((track) => track.shown)
    .map((track) => ({ answer: voted(track), box: track.box }))
    .filter(({ answer }) => accepts(answer));
  const places = shown.map(({ box }) => box);
  const lines = readingOrder(places);
  const order = lines.flat().map((index) => shown[index]);
  return {
    text: textOf(
      shown.map(({ answer }) => answer.label),
      places,
      lines,
    ),
    answers: order.map(({ answer }) => answer),
    boxes: order.map(({ box }) => box),
    rejected: finds.length - tracks.filter((track) => accepts(voted(track))).length,
    window: null,
    findMs: middle - start,
    classifyMs: end - middle,
  };
}

/**
 * @param {Network} network
 * @param {Picture} frame
 * @param {boolean} drawn
 * @param {Memory} remembered
 * @returns {Promise<Result>}
 */
async function whole(network, frame, drawn, remembered) {
  const start = performance.now();
  const { input } = network.card;
  const fitted = drawn && input.height === SIDE && input.width === SIDE && input.channels === 1;
  const image = fitted ? fitInk(withChannels(frame, 1)) : toInput(frame, input);
  const now = await network.classify(image ? [image] : []);
  const answers = now.map(({ image, probabilities }) => network.answer(image, remembered.vote(probabilities)));
  return {
    text: answers[0]?.label ?? "",
    answers,
    boxes: null,
    rejected: 0,
    window: fitted ? null : centerWindow(frame, input.height, input.width),
    findMs: null,
    classifyMs: performance.now() - start,
  };
}
