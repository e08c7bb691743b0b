// The same digit over frames, as edgecnn/digits/tracking.py has it: boxes that overlap belong together, and their
// probabilities are averaged.

import { signMemory } from "./signs.js";

/** @import { Box, Memory, Sight, Track } from "./types.d.ts" */

const SAME_IOU = 0.3; // least intersection over union of one digit in two frames
const VOTES = 8; // frames whose probabilities are averaged
const MEMORY = 3; // frames after which a digit that is not seen is forgotten
const SMOOTHING = 0.5; // the share of the newest box

/**
 * Remember the last frames. Where ``shownAfter`` of the last three must have seen a digit, a flicker is none; it is 1
 * where there is one frame.
 * @param {{ shownAfter: number }} options
 * @returns {Memory}
 */
export function memory({ shownAfter }) {
  /** @type {Track[]} */
  let tracks = [];
  /** @type {Float32Array[]} */
  const votes = [];

  /**
   * Take one frame's sights, { box, probabilities, … }, and return the track of each. ``tracks()`` has those as well
   * that this frame has not: { box, probabilities, newest, shown }, ``newest`` being the last of it.
   * @param {Sight[]} sights
   */
  function update(sights) {
    const pairs = paired(tracks, sights);
    for (const track of tracks) track.seen = (track.seen << 1) & (2 ** MEMORY - 1);
    const ofSight = sights.map((sight, index) => seen(pairs.get(index) ?? begun(sight), sight));
    const known = new Set(tracks);
    tracks = [...tracks.filter((track) => track.seen > 0), ...ofSight.filter((track) => !known.has(track))];
    for (const track of tracks) track.shown = ones(track.seen) >= shownAfter;
    return ofSight;
  }

  const vote = (/** @type {Float32Array} */ probabilities) => voted(votes, probabilities);
  return { update, tracks: () => tracks, signs: signMemory({ shownAfter }), vote };
}

/**
 * A track that has seen nothing yet.
 * @param {Sight} sight
 * @returns {Track}
 */
function begun(sight) {
  return { box: sight.box, votes: [], seen: 0, probabilities: sight.probabilities, newest: sight, shown: false };
}

/**
 * Take a sight into its track.
 * @param {Track} track
 * @param {Sight} sight
 * @returns {Track}
 */
function seen(track, sight) {
  const box = track.box.map((side, place) => side + SMOOTHING * (sight.box[place] - side));
  const probabilities = voted(track.votes, sight.probabilities);
  return Object.assign(track, { box, probabilities, newest: sight, seen: track.seen | 1 });
}

/** @param {number} bits */
function ones(bits) {
  return bits.toString(2).replaceAll("0", "").length;
}

/**
 * Add to the last votes, and return their mean.
 * @param {Float32Array[]} votes
 * @param {Float32Array} probabilities
 * @returns {Float32Array}
 */
function voted(votes, probabilities) {
  votes.push(probabilities);
  if (votes.length > VOTES) votes.shift();
  return probabilities.map((_, label) => votes.reduce((sum, vote) => sum + vote[label], 0) / votes.length);
}

/**
 * Pair sights with tracks, the largest overlap first, each used once: a map from a sight's index to its track.
 * @param {Track[]} tracks
 * @param {Sight[]} sights
 */
function paired(tracks, sights) {
  const overlaps = tracks.flatMap((track) =>
    sights.map((sight, index) => ({ track, index, share: overlap(track.box, sight.box) })),
  );
  const near = overlaps.filter(({ share }) => share >= SAME_IOU).sort((one, other) => other.share - one.share);
  /** @type {Map<number, Track>} */
  const pairs = new Map();
  const taken = new Set();
  for (const { track, index } of near) {
    if (pairs.has(index) || taken.has(track)) continue;
    pairs.set(index, track);
    taken.add(track);
  }
  return pairs;
}

/** @param {Box} one @param {Box} other */
function overlap([x, y, width, height], [left, top, wide, high]) {
  const across = Math.min(x + width, left + wide) - Math.max(x, left);
  const down = Math.min(y + height, top + high) - Math.max(y, top);
  const common = Math.max(across, 0) * Math.max(down, 0);
  return common / Math.max(width * height + wide * high - common, 1e-6);
}
