import { z } from 'zod'
import { DataError, type Tensor, toNumbers } from '../../ir/index.js'
import { parseOptions } from '../../ir/options.js'
import { isTensor } from '../batches.js'
import { histogramOf } from './histogram.js'
import {
  experimentValue,
  type Hparams,
  type HparamsOptions,
  type SessionStatus,
  sessionEndValue,
  sessionStartValue,
} from './hparams.js'
import { eventLog, type LogPosition } from './log.js'
import { eventMessage, histogramValue, imageValue, scalarValue, textValue } from './messages.js'
import { encodePng, picturesOf, type Zlib } from './png.js'

export interface EventWriterOptions {
  /** Seconds since 1970, for every event; default the system's. */
  clock?: (() => number) | undefined
  /** Go on in a file of before, from where `position()` said: what was written after is taken back. Default a new one. */
  resume?: LogPosition | null | undefined
}

export interface HistogramOptions {
  /** Intervals between the smallest and the largest number; default 30. */
  buckets?: number | undefined
}

export interface ImageOptions {
  /** Of a batch, at most so many are written; default 3. */
  maxImages?: number | undefined
}

/**
 * Writes what TensorBoard reads. Every method but the last three returns at once: events are written in the background,
 * in order, and `flush` waits for them and tells what went wrong.
 *
 * All throw DataError for an empty tag, for a step that is no whole number ≥ 0, and after `close`.
 */
export interface EventWriter {
  /** A number over steps; float32, NaN and infinite ones too. */
  scalar(tag: string, value: number, step: number): void
  /** How the numbers of a tensor are spread. Those that are not finite are left out. */
  histogram(tag: string, values: Tensor | ArrayLike<number>, step: number, options?: HistogramOptions): void
  /**
   * [channels, height, width], or [batch, channels, height, width] as `tag/0`, `tag/1`, …; 1 to 4 channels (grey, grey
   * with alpha, RGB, RGBA); uint8, or floats from 0 to 1.
   */
  image(tag: string, image: Tensor, step: number, options?: ImageOptions): void
  /** Markdown; a list is a column, a list of lists a table. */
  text(tag: string, text: string | readonly string[] | readonly (readonly string[])[], step: number): void
  /** The hyperparameters of this run, for the HPARAMS tab. Once per run. */
  hparams(hparams: Hparams, options?: HparamsOptions): void
  /** How the run that `hparams` began has ended. */
  endSession(status: SessionStatus): void
  flush(): Promise<void>
  close(): Promise<void>
  /** The file and how much of it is written; null before the first event. */
  position(): LogPosition | null
}

const schema = z.strictObject({
  logDir: z.string().min(1),
  clock: z
    .custom<() => number>(given => typeof given === 'function', 'a function')
    .default(() => () => Date.now() / 1000),
  resume: z
    .strictObject({ file: z.string().regex(/^[^/\\]+$/, 'a name in the folder'), length: z.int().min(0) })
    .nullish(),
})
const histogramSchema = z.strictObject({ buckets: z.int().min(1).max(10_000).default(30) })
const imageSchema = z.strictObject({ maxImages: z.int().min(1).default(3) })
const hparamsSchema = z.strictObject({
  metrics: z
    .array(z.strictObject({ tag: z.string().min(1), group: z.string().optional(), displayName: z.string().optional() }))
    .default([]),
  group: z.string().optional(),
})

/**
 * A writer of TensorBoard's event files: `eventWriter('logs/run')`. The folder is made, and in it the file
 * `events.out.tfevents.<seconds>.<host>.anneal.<process>.<number>`, at the first event. In Node.
 *
 * Formats: TFRecord with masked CRC32C; `Event` and `Summary` of TensorFlow. Scalars, histograms and images are written
 * in the form that TensorBoard, PyTorch's writer and `EventAccumulator` share.
 *
 * @throws ConfigError for bad options; `flush` and `close`: DataError where the file cannot be written
 */
export function eventWriter(logDir: string, options: EventWriterOptions = {}): EventWriter {
  const { clock, resume } = parseOptions(schema, { logDir, ...options }, 'eventWriter')
  const log = eventLog(logDir, clock, resume ?? null)
  const add = (tag: string, step: number, makeValue: (zlib: Zlib) => Uint8Array): void => {
    checkTag(tag)
    if (!Number.isSafeInteger(step) || step < 0)
      throw new DataError({ code: 'event-step', where: tag, expected: 'a whole number ≥ 0', received: step })
    const wallTime = clock()
    log.add(zlib => eventMessage({ wallTime, step, summary: makeValue(zlib) }))
  }
  const addMade = (tag: string, step: number, value: Uint8Array): void => add(tag, step, () => value)
  return {
    scalar: (tag, value, step) => {
      if (typeof value !== 'number')
        throw new DataError({ code: 'not-a-number', where: tag, expected: 'a number', received: typeof value })
      addMade(tag, step, scalarValue(tag, value))
    },
    histogram: (tag, values, step, options = {}) => {
      const { buckets } = parseOptions(histogramSchema, options, 'histogram')
      addMade(tag, step, histogramValue(tag, histogramOf(numbersFor(values, tag), buckets)))
    },
    image: (tag, image, step, options = {}) => {
      const { maxImages } = parseOptions(imageSchema, options, 'image')
      const tagOf = (i: number) => (image.shape.length === 4 ? `${tag}/${i}` : tag)
      // Copied by now; compressed when its turn comes.
      for (const [i, picture] of picturesOf(image, tag).slice(0, maxImages).entries())
        add(tagOf(i), step, zlib => imageValue(tagOf(i), { ...picture, png: encodePng(picture, zlib) }))
    },
    text: (tag, text, step) => {
      checkText(text, tag)
      addMade(tag, step, textValue(tag, text))
    },
    hparams: (hparams, options = {}) => {
      const { metrics, group } = parseOptions(hparamsSchema, options, 'hparams')
      checkHparams(hparams)
      addMade('hparams', 0, experimentValue(hparams, metrics, clock()))
      addMade('hparams', 0, sessionStartValue(hparams, group, clock()))
    },
    endSession: status => addMade('hparams', 0, sessionEndValue(status, clock())),
    flush: log.flush,
    close: log.close,
    position: log.position,
  }
}

function checkTag(tag: unknown): void {
  if (typeof tag !== 'string' || tag === '')
    throw new DataError({ code: 'event-tag', where: 'eventWriter', expected: 'a tag that is not empty', received: tag })
}

function numbersFor(values: Tensor | ArrayLike<number>, tag: string): ArrayLike<number | bigint> {
  if (isTensor(values)) {
    if (values.dtype === 'float16' || values.dtype === 'bfloat16') return toNumbers(values.dtype, values.data)
    if (values.dtype !== 'string') return values.data as ArrayLike<number | bigint> // all but strings are
  } else if (typeof values === 'object' && values !== null && typeof values.length === 'number') return values
  throw new DataError({
    code: 'not-numbers',
    where: tag,
    expected: 'a tensor of numbers or an array',
    received: isTensor(values) ? values.dtype : typeof values,
  })
}

function checkText(text: unknown, tag: string): void {
  const rows = Array.isArray(text) ? text : [text]
  const cells = rows.flat()
  const width = Array.isArray(rows[0]) ? rows[0].length : 1
  const even = rows.every(
    row => (Array.isArray(row) ? row.length : 1) === width && Array.isArray(row) === Array.isArray(rows[0]),
  )
  if (cells.length === 0 || !even || cells.some(cell => typeof cell !== 'string'))
    throw new DataError({
      code: 'not-text',
      where: tag,
      expected: 'a string, a list of strings, or rows of one length',
      received: text,
    })
}

function checkHparams(hparams: unknown): void {
  const entries = typeof hparams === 'object' && hparams !== null ? Object.entries(hparams) : []
  const bad = entries.find(([, value]) => !['number', 'string', 'boolean'].includes(typeof value))
  if (entries.length === 0 || bad !== undefined)
    throw new DataError({
      code: 'bad-hparams',
      where: bad === undefined ? 'hparams' : `hparams.${bad[0]}`,
      expected: 'numbers, strings and truth values by name',
      received: bad === undefined ? hparams : bad[1],
    })
}
