// What the page's modules hand to each other.

export interface Size {
  height: number;
  width: number;
}

export interface Input extends Size {
  channels: number;
}

/** Bytes in rows from the top left, colors together. */
export interface Picture extends Input {
  pixels: Uint8Array;
}

/** RGBA, as a canvas gives it. */
export interface Frame extends Size {
  data: Uint8ClampedArray;
}

export interface Window extends Size {
  left: number;
  top: number;
}

/** x, y, width, height. */
export type Box = number[];

/** What the page needs of a model's card (edgecnn/card.py). */
export interface Card {
  name: string;
  form: string;
  network: string;
  parameters: number;
  labels: string[];
  input: Input;
  dataset: { name: string; train: number };
  metrics: { split: string; images: number; accuracy: number }[];
  versions: Record<string, string>;
  golden: { images_nhwc: { base64: string } };
}

export interface Answer {
  image: Picture;
  label: string;
  probability: number;
  probabilities: Float32Array;
}

export interface Find {
  box: Box;
  score: number;
  crop: Picture;
}

/** An answer and where it was seen. */
export interface Sight extends Answer {
  box: Box;
}

/** One digit over frames; ``seen`` has a bit for each of the last ones. */
export interface Track {
  box: Box;
  votes: Float32Array[];
  seen: number;
  probabilities: Float32Array;
  newest: Sight;
  shown: boolean;
}

export interface Memory {
  update(finds: Sight[]): Track[];
  tracks(): Track[];
  vote(probabilities: Float32Array): Float32Array;
}

export interface Network {
  card: Card;
  classify(images: Picture[]): Promise<Answer[]>;
  answer(image: Picture, probabilities: Float32Array): Answer;
  find: ((gray: Picture) => Promise<Find[]>) | null;
  known(answer: Answer): boolean;
  wantsInk: boolean;
}

export interface Result {
  text: string;
  answers: Answer[];
  boxes: Box[] | null;
  rejected: number;
  window: Window | null;
  findMs: number | null;
  classifyMs: number;
}
