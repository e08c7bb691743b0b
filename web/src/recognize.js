// One frame in, what is on it out: the only place that knows of detector, classifier and preprocessing together.
import { fitInk, inkAlone, SIDE } from "./ink.js";
import { inWords } from "./lettering.js";
import { detectClosely, looks } from "./looks.js";
import { centerWindow, toInput, withChannels } from "./pixels.js";
import { parts, readingOrder, textOf } from "./reading.js";
import { BLANK, gapsOf, placed, readSigns } from "./signs.js";
import { memory } from "./tracking.js";

/** @import { Answer, Box, Classifier, Detect, Looking, Memory, Picture, Reader, Result, Track } from "./types.d.ts" */
/** @typedef {{ drawn?: boolean, remembered?: Memory, looked?: Looking }} Options */

const MIN_SCORE = 0.2; // as edgecnn webcam has them: what the detector is less sure of is no detection,
const MIN_PROBABILITY = 0.5; // what the classifier is less sure of no answer,
const MIN_CONFIDENCE = 0.22; // and what has less as the product of both is not seen
const MIN_CONFIDENCE_ALWAYS_A_DIGIT = 0.4; // where the classifier has no class "none"
const DETAIL = 1; // of a picture: down to its pixels

/**
 * Return { text, answers, boxes, signs, rejected, size, looks, window, detectMs, classifyMs }, or null where ``looked`` ended it.
 *
 * ``answers`` and their ``boxes`` (null without a detector) are in reading order, as ``text`` is. ``window`` is the part
 * of the frame that was classified, where it is a part. ``drawn`` says that the frame is ink on black, ``remembered``
 * (tracking.js) is what the frames before it said, which a picture by itself has none of: that is looked at as closely
 * as it is large (looks.js), and ``looked(done, all)`` is told before each look.
 * @param {Reader} reader
 * @param {Picture} frame
 * @param {Options} [options]
 * @returns {Promise<Result | null>}
 */
export async function recognize({ classifier, detect }, frame, options = {}) {
  return detect ? detected(classifier, detect, frame, options) : whole(classifier, frame, options);
}

/**
 * @param {Classifier} classifier
 * @param {Detect} detect
 * @param {Picture} frame
 * @param {Options} options
 * @returns {Promise<Result | null>}
 */
async function detected(classifier, detect, frame, { remembered, looked = () => true }) {
  const start = performance.now();
  const detail = remembered ? 0 : DETAIL;
  const planned = looks(frame.width, frame.height, detail);
  const far = planned.filter(({ away }) => away > 1).length;
  let count = 0;
  const gray = withChannels(frame, 1);
  const detections = await detectClosely(gray, detail, detect, (done, all) => {
    count = all;
    return looked(done, all);
  });
  if (detections === null) return null;
  const middle = performance.now();
  const good = detections.filter(({ score }) => score >= MIN_SCORE);
  const inputs = good.map(({ crop }) => toInput(classifier.wantsInk ? inkAlone(crop) : crop, classifier.card.input));
  const answers = await classifier.classify(inputs);
  const end = performance.now();
  /** @param {Answer} answer */
  const accepts = (answer) => classifier.known(answer) && answer.probability >= MIN_PROBABILITY;
  const confidences = answers.map(({ probability }, index) => good[index].score * probability);
  const least = classifier.hasNone ? MIN_CONFIDENCE : MIN_CONFIDENCE_ALWAYS_A_DIGIT;
  const sure = confidences.map((confidence) => confidence >= least);
  const isPart = parts(
    good.map(({ box }) => box),
    answers.map((answer, index) => (accepts(answer) && sure[index] ? confidences[index] : 0)),
    answers.map(({ label }) => label),
    good.map(({ scale }) => scale),
  );
  const seen = answers
    .map((answer, index) => ({ ...answer, box: good[index].box }))
    .filter((_, index) => sure[index] && !isPart[index]);
  const own = remembered ?? memory({ shownAfter: 1 });
  const tracks = own.update(seen);
  /** @param {Track} track */
  const voted = (track) => classifier.answer(track.newest.image, track.probabilities);
  const digits = own
    .tracks()
    .map((track) => ({ track, answer: voted(track), box: track.box, shown: track.shown }))
    .filter(({ answer }) => accepts(answer));
  const accepted = withoutLetters(gray, digits);
  const kept = new Set(accepted.map(({ track }) => track));
  const places = accepted.map(({ box }) => box);
  const marks = own.signs(readSigns(gray, gapsOf(places, readingOrder(places))));
  const { order, lines } = inOrder(accepted.filter(({ shown }) => shown));
  const boxes = order.map(({ box }) => box);
  const signs = placed(marks, gapsOf(boxes, lines));
  return {
    text: textOf(
      order.map(({ answer }) => answer.label),
      boxes,
      lines,
      signs,
    ),
    answers: order.map(({ answer }) => answer),
    boxes,
    signs: signs.filter(({ label }) => label !== BLANK),
    rejected: detections.length - tracks.filter((track) => kept.has(track)).length,
    size: { width: frame.width, height: frame.height },
    looks: { done: Math.max(count - far, 1), all: planned.length - far },
    window: null,
    detectMs: middle - start,
    classifyMs: end - middle,
  };
}

/**
 * Leave out what is a letter of a word.
 * @template {{ answer: Answer, box: Box }} Digit
 * @param {Picture} gray
 * @param {Digit[]} digits
 */
function withoutLetters(gray, digits) {
  const boxes = digits.map(({ box }) => box);
  const labels = digits.map(({ answer }) => answer.label);
  const isLetter = inWords(gray, boxes, labels, readingOrder(boxes));
  return digits.filter((_, index) => !isLetter[index]);
}

/**
 * Put digits into reading order, and number them in their lines by it.
 * @template {{ box: Box }} Digit
 * @param {Digit[]} digits
 */
function inOrder(digits) {
  const lines = readingOrder(digits.map(({ box }) => box));
  let count = 0;
  return { order: lines.flat().map((index) => digits[index]), lines: lines.map((line) => line.map(() => count++)) };
}

/**
 * @param {Classifier} classifier
 * @param {Picture} frame
 * @param {Options} options
 * @returns {Promise<Result>}
 */
async function whole(classifier, frame, { drawn = false, remembered = memory({ shownAfter: 1 }) }) {
  const start = performance.now();
  const { input } = classifier.card;
  const fitted = drawn && input.height === SIDE && input.width === SIDE && input.channels === 1;
  const image = fitted ? fitInk(withChannels(frame, 1)) : toInput(frame, input);
  const now = await classifier.classify(image ? [image] : []);
  const answers = now.map(({ image, probabilities }) => classifier.answer(image, remembered.vote(probabilities)));
  return {
    text: answers[0]?.label ?? "",
    answers,
    boxes: null,
    signs: [],
    rejected: 0,
    size: { width: frame.width, height: frame.height },
    looks: null,
    window: fitted ? null : centerWindow(frame, input.height, input.width),
    detectMs: null,
    classifyMs: performance.now() - start,
  };
}
