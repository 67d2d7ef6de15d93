import { DataError, type Tensor } from '../ir/index.js'
import type { Dataset } from './dataset.js'
import { drawDigits } from './drawn-digits.js'
import type { Example } from './example.js'
import { gunzip } from './files.js'
import { decodeIdx, readIdx } from './idx.js'
import { fromTensors } from './tensors.js'

export interface MnistOptions {
  /** Images as 784 numbers instead of [1, 28, 28]; default false. */
  flatten?: boolean
  /** Pixels from 0 to 1 instead of 0 to 255; default true. */
  normalize?: boolean
  /** At most this many training examples. */
  limit?: number
  /** Seed of the drawn digits and of the split where only test files are there; default 0. */
  seed?: number
  /** Download the files where they are missing; default false. */
  download?: boolean
  /** Take this source and no other. */
  source?: 'files' | 'cache' | 'download' | 'drawn'
}

export interface Mnist {
  /** x: float32 [1, 28, 28] or [784]; y: int32 class number. */
  readonly train: Dataset<Example>
  readonly test: Dataset<Example>
  readonly source: 'files' | 'cache' | 'download' | 'drawn'
  /** Which digits these are, in a sentence. */
  readonly description: string
}

interface Digits {
  readonly images: Tensor
  readonly labels: Tensor
}

// SHA-256 of the files as LeCun, Cortes and Burges published them.
const files = {
  trainImages: {
    name: 'train-images-idx3-ubyte',
    sha256: '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609',
  },
  trainLabels: {
    name: 'train-labels-idx1-ubyte',
    sha256: '3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c',
  },
  testImages: {
    name: 't10k-images-idx3-ubyte',
    sha256: '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6',
  },
  testLabels: {
    name: 't10k-labels-idx1-ubyte',
    sha256: 'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6',
  },
} as const
const mirrors = [
  'https://ossci-datasets.s3.amazonaws.com/mnist/',
  'https://storage.googleapis.com/cvdf-datasets/mnist/',
]

/**
 * Handwritten digits: from the folder in `ANNEAL_DATA` (or its `mnist`), from the cache, from the network if asked, and
 * otherwise drawn by a generator, so that there always are some. `description` says which.
 */
export async function mnist(options: MnistOptions = {}): Promise<Mnist> {
  const { seed = 0, download = false, source } = options
  const wanted = (name: Mnist['source']) => source === undefined || source === name
  const folder = typeof process === 'undefined' ? undefined : process.env.ANNEAL_DATA
  if (folder !== undefined && folder !== '' && wanted('files')) {
    const { join } = await import('node:path')
    for (const place of [join(folder, 'mnist'), folder]) {
      const found = await fromFolder(place)
      if (found !== null) return finish(found, options, 'files', `in ${place}`)
    }
    throw new DataError({
      code: 'no-mnist',
      where: 'ANNEAL_DATA',
      expected: `${files.testImages.name} and ${files.testLabels.name} (gzip or not) in ${folder} or its folder mnist`,
      received: 'none',
      hint: 'unset ANNEAL_DATA to use drawn digits',
    })
  }
  if (source === 'files')
    throw new DataError({ code: 'no-mnist', where: 'mnist', expected: 'a folder in ANNEAL_DATA', received: 'none' })
  if (typeof process !== 'undefined' && process.versions?.node !== undefined && source !== 'drawn') {
    const { join } = await import('node:path')
    const { homedir } = await import('node:os')
    const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'anneal', 'mnist')
    const found = wanted('cache') || wanted('download') ? await fromFolder(cache) : null
    if (found !== null) return finish(found, options, 'cache', `in ${cache}`)
    if (download || source === 'download') {
      await fetchAll(cache)
      return finish((await fromFolder(cache))!, options, 'download', `downloaded to ${cache}`)
    }
    if (source === 'cache')
      throw new DataError({
        code: 'no-mnist',
        where: cache,
        expected: 'MNIST files',
        received: 'none',
        hint: 'pass { download: true } once',
      })
  }
  const train = drawDigits(Math.min(options.limit ?? 8000, 60_000), { seed })
  const test = drawDigits(2000, { seed, offset: 1_000_000 })
  return finish({ train, test }, options, 'drawn', '')
}

async function fromFolder(folder: string): Promise<{ train: Digits | null; test: Digits } | null> {
  const { access } = await import('node:fs/promises')
  const { join } = await import('node:path')
  const find = async (name: string): Promise<string | null> => {
    for (const path of [join(folder, name), join(folder, `${name}.gz`)])
      if (
        await access(path).then(
          () => true,
          () => false,
        )
      )
        return path
    return null
  }
  const pair = async (images: string, labels: string): Promise<Digits | null> => {
    const [i, l] = [await find(images), await find(labels)]
    return i === null || l === null ? null : checked({ images: await readIdx(i), labels: await readIdx(l) }, i)
  }
  const test = await pair(files.testImages.name, files.testLabels.name)
  return test === null ? null : { train: await pair(files.trainImages.name, files.trainLabels.name), test }
}

function checked(digits: Digits, where: string): Digits {
  const { images, labels } = digits
  if (images.shape.length !== 3 || labels.shape.length !== 1 || images.shape[0] !== labels.shape[0])
    throw new DataError({
      code: 'mnist-shape',
      where,
      expected: 'images [n, 28, 28] and labels [n]',
      received: `[${images.shape}] and [${labels.shape}]`,
    })
  for (let i = 0; i < labels.data.length; i++)
    if (Number(labels.data[i]) > 9)
      throw new DataError({
        code: 'label-out-of-range',
        where: `${where}, label ${i}`,
        expected: 'from 0 to 9',
        received: Number(labels.data[i]),
      })
  return digits
}

async function fetchAll(folder: string): Promise<void> {
  const { mkdir, rename, writeFile } = await import('node:fs/promises')
  const { createHash } = await import('node:crypto')
  const { join } = await import('node:path')
  await mkdir(folder, { recursive: true })
  for (const file of Object.values(files)) {
    const problems: string[] = []
    const path = join(folder, file.name)
    for (const mirror of mirrors) {
      try {
        const response = await fetch(`${mirror}${file.name}.gz`)
        if (!response.ok) throw new DataError({ code: 'http', where: mirror, expected: 200, received: response.status })
        const packed = new Uint8Array(await response.arrayBuffer())
        const sha256 = createHash('sha256').update(packed).digest('hex')
        if (sha256 !== file.sha256)
          throw new DataError({ code: 'checksum', where: file.name, expected: file.sha256, received: sha256 })
        decodeIdx(await gunzip(packed, { where: file.name }), file.name)
        await writeFile(`${path}.gz.tmp`, packed)
        await rename(`${path}.gz.tmp`, `${path}.gz`)
        problems.length = 0
        break
      } catch (error) {
        problems.push(`${mirror}: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    if (problems.length > 0)
      throw new DataError({
        code: 'download',
        where: file.name,
        expected: 'a download from one of the mirrors',
        received: problems.join('; '),
        hint: 'put the files into a folder and name it in ANNEAL_DATA',
      })
  }
}
function finish(
  found: { train: Digits | null; test: Digits },
  options: MnistOptions,
  source: Mnist['source'],
  place: string,
): Mnist {
  const { limit, seed = 0 } = options
  const test = toDataset(found.test, options)
  const cut = (d: Dataset<Example>) => (limit === undefined ? d : d.take(limit))
  const count = (d: Dataset<Example>) => (d.length ?? 0).toLocaleString('en-US')
  if (found.train !== null) {
    const train = cut(toDataset(found.train, options))
    const what =
      source === 'drawn'
        ? `Drawn digits: ${count(train)} for training and ${count(test)} for testing, made by a generator of strokes (no MNIST files found; name their folder in ANNEAL_DATA for real ones)`
        : `MNIST ${place}: ${count(train)} handwritten digits for training and ${count(test)} for testing`
    return { train, test, source, description: what }
  }
  const [most, rest] = test.split(0.8, { seed })
  const train = cut(most)
  return {
    train,
    test: rest,
    source,
    description: `MNIST test files ${place} (no training files there): ${count(train)} handwritten digits for training, ${count(rest)} held out for testing`,
  }
}

function toDataset({ images, labels }: Digits, { flatten = false, normalize = true }: MnistOptions): Dataset<Example> {
  const n = images.shape[0]!
  const pixels = images.data as Uint8Array
  const data = new Float32Array(pixels.length)
  const scale = normalize ? 1 / 255 : 1
  for (let i = 0; i < data.length; i++) data[i] = pixels[i]! * scale
  const side = images.shape.slice(1)
  return fromTensors({
    x: { dtype: 'float32', shape: flatten ? [n, side[0]! * side[1]!] : [n, 1, ...side], data },
    y: { dtype: 'int32', shape: [n], data: Int32Array.from(labels.data as Uint8Array) },
  })
}
