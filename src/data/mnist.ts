import { ConfigError, DataError, type Tensor } from '../ir/index.js'
import type { Dataset } from './dataset.js'
import { drawDigits } from './drawn-digits/draw.js'
import type { Example } from './example.js'
import { type Digits, downloadMnist, readMnistFolder } from './mnist-files.js'
import { fromTensors } from './tensors.js'

export type MnistSource = 'files' | 'cache' | 'download' | 'drawn'

export interface MnistOptions {
  /** Images as 784 numbers instead of [1, 28, 28]. Default false. */
  flatten?: boolean
  /** Pixels from 0 to 1 instead of 0 to 255. Default true. */
  normalize?: boolean
  /** At most this many training examples. Default all, or 8,000 drawn ones. */
  train?: number
  /** At most this many test examples. Default all, or 2,000 drawn ones. */
  test?: number
  /** Seed of the drawn digits, and of the split where only one of the two parts is there. Default 0. */
  seed?: number
  /** Fetches the files into the cache folder when there are none (needs a network). Default false. */
  download?: boolean
  /** This source or an error. Default: the first of files, cache, download (when asked) and drawn that there is. */
  source?: MnistSource
  /** Where downloaded files lie. Default `anneal/mnist` in $XDG_CACHE_HOME or ~/.cache. */
  cacheFolder?: string
  /** What fetches the files. Default the global fetch. */
  fetch?: typeof globalThis.fetch
}

export interface Mnist {
  /** x: float32 [1, 28, 28] or [784]; y: int32, the digit. */
  readonly train: Dataset<MnistExample>
  readonly test: Dataset<MnistExample>
  readonly source: MnistSource
  /** Which digits these are and how many, in a sentence. */
  readonly description: string
}

/** An `Example` with one input and one target. */
export interface MnistExample extends Example {
  readonly x: Tensor
  readonly y: Tensor
}

interface Found {
  readonly train: Digits | undefined
  readonly test: Digits | undefined
  readonly source: MnistSource
  readonly place: string
}

const sources: readonly MnistSource[] = ['files', 'cache', 'download', 'drawn']

/**
 * Handwritten digits: MNIST from the folder in the environment variable ANNEAL_DATA (or its folder `mnist`), from the
 * cache folder, or from the network when asked; otherwise digits drawn by a generator, so that there are some anywhere.
 * `source` and `description` say which. Where only one of training and test files are there, they are split, four
 * fifths for training. In a browser digits are drawn.
 *
 * @throws FormatError for damaged files; DataError when a source that was asked for has none, for labels above 9, and for
 * a folder in ANNEAL_DATA that is not there; ConfigError for options out of range.
 */
export async function mnist(options: MnistOptions = {}): Promise<Mnist> {
  checkOptions(options)
  const found = (await locate(options)) ?? {
    train: drawDigits(options.train ?? 8000, { seed: options.seed ?? 0 }),
    // Far from the training digits in the same series.
    test: drawDigits(options.test ?? 2000, { seed: options.seed ?? 0, offset: 2 ** 40 }),
    source: 'drawn' as const,
    place: '',
  }
  return present(found, options)
}

function checkOptions({ source, train, test }: MnistOptions): void {
  if (source !== undefined && !sources.includes(source))
    throw new ConfigError({ code: 'bad-option', where: 'mnist.source', expected: sources.join(', '), received: source })
  for (const [name, count] of [
    ['train', train],
    ['test', test],
  ] as const)
    if (count !== undefined && !(Number.isInteger(count) && count >= 1))
      throw new ConfigError({
        code: 'bad-option',
        where: `mnist.${name}`,
        expected: 'a whole number ≥ 1',
        received: count,
      })
}

async function locate({
  source,
  download = source === 'download',
  cacheFolder,
  fetch,
}: MnistOptions): Promise<Found | undefined> {
  if (source === 'drawn') return undefined
  if (globalThis.process?.versions?.node === undefined) {
    if (source === undefined) return undefined
    throw new DataError({
      code: 'no-mnist',
      where: 'mnist',
      expected: `Node, for source '${source}'`,
      received: 'a place without a file system',
    })
  }
  const looked: string[] = []
  const inFolder = async (folder: string, as: MnistSource): Promise<Found | undefined> => {
    looked.push(folder)
    const digits = await readMnistFolder(folder)
    return digits.train === undefined && digits.test === undefined
      ? undefined
      : { ...digits, source: as, place: folder }
  }
  const { join } = await import('node:path')
  const given = globalThis.process.env.ANNEAL_DATA
  if (given && (source === undefined || source === 'files')) {
    await checkFolder(given)
    const found = (await inFolder(join(given, 'mnist'), 'files')) ?? (await inFolder(given, 'files'))
    if (found !== undefined) return found
  }
  if (source !== 'files') {
    const cache = cacheFolder ?? (await defaultCache())
    const found = source === 'download' ? undefined : await inFolder(cache, 'cache')
    if (found !== undefined) return found
    if (download) {
      await downloadMnist(cache, fetch === undefined ? {} : { fetch })
      return inFolder(cache, 'download')
    }
  }
  if (source === undefined) return undefined
  throw new DataError({
    code: 'no-mnist',
    where: looked.join(', ') || 'ANNEAL_DATA',
    expected:
      'the files train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, gzip or not',
    received: looked.length === 0 ? 'no folder' : 'none of them',
    hint: source === 'files' ? 'name their folder in ANNEAL_DATA' : 'pass download: true once',
  })
}

async function checkFolder(folder: string): Promise<void> {
  const { stat } = await import('node:fs/promises')
  const found = await stat(folder).catch(() => undefined)
  if (found?.isDirectory() !== true)
    throw new DataError({
      code: 'folder-not-found',
      where: 'ANNEAL_DATA',
      expected: 'a folder',
      received: folder,
      hint: 'unset ANNEAL_DATA to use drawn digits',
    })
}

async function defaultCache(): Promise<string> {
  const { join } = await import('node:path')
  const { homedir } = await import('node:os')
  return join(globalThis.process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'anneal', 'mnist')
}

function present({ train: trainDigits, test: testDigits, source, place }: Found, options: MnistOptions): Mnist {
  const { seed = 0 } = options
  const whole = (digits: Digits) => asDataset(digits, options)
  const [trainAll, testAll] =
    trainDigits !== undefined && testDigits !== undefined
      ? [whole(trainDigits), whole(testDigits)]
      : whole((trainDigits ?? testDigits)!).split(0.8, { seed })
  const cut = (data: Dataset<MnistExample>, most: number | undefined) => (most === undefined ? data : data.take(most))
  const [train, test] = [cut(trainAll, options.train), cut(testAll, options.test)]
  const count = (data: Dataset<MnistExample>) => data.length!.toLocaleString('en-US')
  const counts = `${count(train)} for training, ${count(test)} for testing`
  const from = source === 'download' ? `downloaded to ${place}` : `from ${place}`
  const missing = trainDigits === undefined ? 'training' : 'test'
  const description =
    source === 'drawn'
      ? `Digits drawn by a generator (seed ${seed}): ${counts}. For real ones name the folder of the MNIST files in ANNEAL_DATA.`
      : trainDigits !== undefined && testDigits !== undefined
        ? `MNIST, handwritten digits ${from}: ${counts}.`
        : `MNIST, handwritten digits ${from}, where the ${missing} files are missing: the others were split, ${counts}. Figures are not those of the usual MNIST test.`
  return { train, test, source, description }
}

function asDataset(
  { images, labels }: Digits,
  { flatten = false, normalize = true }: MnistOptions,
): Dataset<MnistExample> {
  const n = labels.data.length
  // Both uint8: read as such from files, and drawn as such.
  const pixels = images.data as Uint8Array
  const x = new Float32Array(pixels.length)
  const scale = normalize ? 255 : 1
  for (let i = 0; i < x.length; i++) x[i] = pixels[i]! / scale
  return fromTensors<MnistExample>({
    x: { dtype: 'float32', shape: flatten ? [n, 28 * 28] : [n, 1, 28, 28], data: x },
    y: { dtype: 'int32', shape: [n], data: Int32Array.from(labels.data as Uint8Array) },
  })
}
