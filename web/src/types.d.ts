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

/** A frame that gives RGBA, some of its rows at a time, as a canvas does. */
export interface Frame extends Size {
  rows(top: number, count: number): Uint8ClampedArray;
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

/** A detection of a frame that was looked at in parts: how many of its pixels were one where it was seen. */
export interface Found extends Detection {
  scale: number;
}

/** A part of a frame; from farther away, each ``away`` x ``away`` pixels are one. */
export interface Look extends Window {
  away: number;
}

/** Told before each look at a frame, and after the last; false ends it. */
export type Looking = (done: number, all: number) => boolean;

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

/** What lies before a digit of a line: the boxes on either side, ``open`` where there is none on the left, ``wide`` if wider than others of its line. */
export interface Gap {
  left: Box;
  right: Box;
  before: number;
  open: boolean;
  wide: boolean;
}

/** A gap as ink, ``count`` samples across, from ``start`` in pixels of the frame on, ``step`` apart. */
export interface Sample {
  gap: Gap;
  ink: Float64Array;
  count: number;
  start: number;
  step: number;
}

/** Connected ink in a gap; ``edges`` are its first column and row, and those after its last. */
export interface Piece {
  wide: number;
  high: number;
  top: number;
  bottom: number;
  area: number;
  peak: number;
  leans: number;
  middle: number;
  fromLeft: number;
  fromRight: number;
  edges: number[];
}

/** A point, comma, colon or minus, and how high the digits beside it are. */
export interface Mark {
  label: string;
  box: Box;
  height: number;
}

/** One in front of a digit, by the place of that. */
export interface Sign {
  label: string;
  box: Box;
  before: number;
}

export interface Memory {
  update(sights: Sight[]): Track[];
  tracks(): Track[];
  signs(found: Mark[]): Mark[];
  vote(probabilities: Float32Array): Float32Array;
}

export interface Classifier {
  card: Card;
  classify(images: Picture[]): Promise<Answer[]>;
  answer(image: Picture, probabilities: Float32Array): Answer;
  known(answer: Answer): boolean;
  hasNone: boolean;
  wantsInk: boolean;
}

export type Detect = (gray: Picture) => Promise<Detection[]>;

/** What reads a frame; without a detector the whole of it is classified. */
export interface Reader {
  classifier: Classifier;
  detect: Detect | null;
}

/** How a frame was looked at: how often, how often it would have been if something were to see everywhere. */
export interface Looks {
  done: number;
  all: number;
}

export interface Result {
  text: string;
  answers: Answer[];
  boxes: Box[] | null;
  signs: Sign[];
  rejected: number;
  size: Size;
  looks: Looks | null;
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

/**
 * A frame of an input to be answered: ``one`` digit that fills it, ``empty`` the text of one without ink, ``scaledFrom``
 * the size of the picture where it was larger. ``kept`` keeps the answer to what does not change. ``answered`` is called
 * as the answer is shown.
 */
export interface Shot {
  frame: () => Frame;
  empty?: string;
  one?: boolean;
  scaledFrom?: Size;
  fps?: number;
  remembered?: Memory;
  kept?: { result?: Result };
  wanted?: () => boolean;
  answered?: () => void;
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

/** A tensor of bytes, as it goes to the worker that runs the networks. */
export interface Bytes {
  data: Uint8Array;
  dims: number[];
}

/** A tensor of any kind, as it comes from there. */
export interface Values {
  data: unknown;
  dims: readonly number[];
}

/** What the worker is asked for: to start with ONNX Runtime's code, to open a model, or to run one that is open. */
export interface Asking {
  wasm?: Uint8Array;
  model?: Uint8Array;
  run?: { session: number; feeds: Record<string, Bytes>; wanted?: string[] };
}

export interface Told {
  id: number;
  told?: unknown;
  error?: string;
}

/** What that worker has for itself. */
export interface EngineScope {
  addEventListener(kind: "message", call: (event: { data: { id: number; asked: Asking } }) => void): void;
  postMessage(told: Told): void;
}
