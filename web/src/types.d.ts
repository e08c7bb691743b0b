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
  metrics: { split: string; images: number; metric: string; value: number }[];
  versions: Record<string, string>;
  golden: { images_nhwc: { base64: string } };
}

/** A file of the server, and its size before compression. */
export interface ServedFile {
  path: string;
  bytes: number;
}

/** A classifier. Where answers are batch-dependent, each image is to be answered alone. */
export interface ServedModel extends ServedFile {
  card: Card;
  batch_dependent: boolean;
}

/** What the server serves: site.json of edgecnn/web/server.py. */
export interface Site {
  runtime: ServedFile;
  model: ServedModel;
  other: ServedModel | null;
  detector: ServedFile | null;
}

export interface Answer {
  image: Picture;
  label: string;
  probability: number;
  probabilities: Float32Array;
}

export interface Detection {
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
  update(sights: Sight[]): Track[];
  tracks(): Track[];
  vote(probabilities: Float32Array): Float32Array;
}

export interface Classifier {
  card: Card;
  classify(images: Picture[]): Promise<Answer[]>;
  answer(image: Picture, probabilities: Float32Array): Answer;
  known(answer: Answer): boolean;
  wantsInk: boolean;
}

export type Detect = (gray: Picture) => Promise<Detection[]>;

/** What reads a frame; without a detector the whole of it is classified. */
export interface Reader {
  classifier: Classifier;
  detect: Detect | null;
}

export interface Result {
  text: string;
  answers: Answer[];
  boxes: Box[] | null;
  rejected: number;
  window: Window | null;
  detectMs: number | null;
  classifyMs: number;
}

/** The second model's word on the images of a result. */
export interface Second {
  card: Card;
  answers: Answer[];
  classifyMs: number;
}

/** A convolution, by the tensor whose values are shown. */
export interface Layer {
  operator: string;
  tensor: string;
}

/** One layer's activations on one image: channels planes of height x width. */
export interface Maps extends Input {
  operator: string;
  values: ArrayLike<number>;
}

/** A frame of an input to be answered: ``one`` digit that fills it, ``empty`` the text of one without ink. */
export interface Shot {
  frame: () => Frame;
  empty?: string;
  one?: boolean;
  fps?: number;
  remembered?: Memory;
  wanted?: () => boolean;
}

/** One of the inputs that the tabs open. */
export interface Source {
  open(): unknown;
  close?(): void;
}

/** What the service worker has for itself; TypeScript's own types of it exclude those of a page. */
export interface KeepsAlive extends Event {
  waitUntil(work: Promise<unknown>): void;
}

export interface Asked extends KeepsAlive {
  request: Request;
  respondWith(answer: Promise<Response>): void;
}

export interface WorkerScope {
  addEventListener(kind: "install" | "activate", call: (event: KeepsAlive) => void): void;
  addEventListener(kind: "fetch", call: (event: Asked) => void): void;
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
}
