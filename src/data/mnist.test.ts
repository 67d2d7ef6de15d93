import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { numbersOf, type Tensor, tensor } from '../ir/index.js'
import { encodeIdx, mnist } from './index.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'anneal-mnist-'))
  vi.stubEnv('ANNEAL_DATA', '')
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache-home'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

/** Digits whose every pixel is their number in the file, with labels 0, 1, … 9, 0, … */
const digits = (n: number) => ({
  images: tensor(
    Uint8Array.from({ length: n * 784 }, (_, i) => Math.floor(i / 784)),
    [n, 28, 28],
  ),
  labels: tensor(Uint8Array.from({ length: n }, (_, i) => i % 10)),
})
async function write(
  place: string,
  part: 'train' | 't10k',
  { images, labels }: { images: Tensor; labels: Tensor },
  gzip = true,
) {
  await mkdir(place, { recursive: true })
  const pack = (t: Tensor) => (gzip ? gzipSync(encodeIdx(t)) : encodeIdx(t))
  const end = gzip ? '.gz' : ''
  await writeFile(join(place, `${part}-images-idx3-ubyte${end}`), pack(images))
  await writeFile(join(place, `${part}-labels-idx1-ubyte${end}`), pack(labels))
}

describe('draws digits where there are no files', () => {
  test('and says so', async () => {
    const { train, test: held, source, description } = await mnist({ train: 30, test: 10 })
    expect([train.length, held.length, source]).toEqual([30, 10, 'drawn'])
    expect(description).toMatch(/drawn by a generator.*30 for training, 10 for testing/)
    const [batch] = await train.batch(30).toArray()
    expect([batch!.x.dtype, batch!.x.shape, batch!.y.dtype, batch!.y.shape]).toEqual([
      'float32',
      [30, 1, 28, 28],
      'int32',
      [30],
    ])
    expect(Math.max(...numbersOf(batch!.x))).toBe(1)
  })

  test('flat and in whole steps when asked, by seed', async () => {
    const first = async (options: object) =>
      (await (await mnist({ train: 2, test: 1, ...options })).train.toArray())[0]!
    const flat = await first({ flatten: true, normalize: false })
    expect(flat.x.shape).toEqual([784])
    expect(numbersOf(flat.x).every(Number.isInteger)).toBe(true)
    expect(await first({ seed: 1 })).toEqual(await first({ seed: 1 }))
    expect((await first({ seed: 1 })).x).not.toEqual((await first({ seed: 2 })).x)
  })

  test('8,000 to train on and 2,000 others to test by default', async () => {
    const { train, test: held } = await mnist()
    expect([train.length, held.length]).toEqual([8000, 2000])
    const [a, b] = [await train.take(1).toArray(), await held.take(1).toArray()]
    expect(a[0]!.x).not.toEqual(b[0]!.x)
  })
})

describe('reads files', () => {
  test.each([
    ['in ANNEAL_DATA', '.', true],
    ['in its folder mnist', 'mnist', true],
    ['not compressed', '.', false],
  ])('%s', async (_, place, gzip) => {
    await write(join(folder, place), 'train', digits(20), gzip)
    await write(join(folder, place), 't10k', digits(10), gzip)
    vi.stubEnv('ANNEAL_DATA', folder)
    const { train, test: held, source, description } = await mnist({ normalize: false, flatten: true })
    expect([source, train.length, held.length]).toEqual(['files', 20, 10])
    expect(description).toContain(folder)
    const examples = await train.toArray()
    expect(examples.map(e => [numbersOf(e.x)[783], numbersOf(e.y)[0]])).toEqual(
      Array.from({ length: 20 }, (_, i) => [i, i % 10]),
    )
  })

  test('splits the only part there is, always the same way, and says so', async () => {
    await write(folder, 't10k', digits(50))
    vi.stubEnv('ANNEAL_DATA', folder)
    const read = async (seed: number) => {
      const { train, test: held, description } = await mnist({ seed, flatten: true, normalize: false })
      const marks = async (data: typeof train) => (await data.toArray()).map(e => numbersOf(e.x)[0]!)
      return { train: await marks(train), test: await marks(held), description }
    }
    const once = await read(0)
    expect([once.train.length, once.test.length]).toEqual([40, 10])
    expect([...once.train, ...once.test].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i))
    expect(once.description).toMatch(/training files are missing.*40 for training, 10 for testing/)
    expect(await read(0)).toEqual(once)
    expect((await read(1)).test).not.toEqual(once.test)
  })

  test('takes no more than asked', async () => {
    await write(folder, 't10k', digits(50))
    vi.stubEnv('ANNEAL_DATA', folder)
    const { train, test: held } = await mnist({ train: 7, test: 100 })
    expect([train.length, held.length]).toEqual([7, 10])
  })

  test('from the cache before drawing, and draws when told to', async () => {
    await write(join(folder, 'cache-home', 'anneal', 'mnist'), 't10k', digits(10))
    expect((await mnist()).source).toBe('cache')
    expect((await mnist({ source: 'drawn', train: 1, test: 1 })).source).toBe('drawn')
  })

  test.each([
    [
      'images cut short',
      async () => write(folder, 't10k', { ...digits(5), images: tensor(new Uint8Array(9), [9]) }),
      { name: 'FormatError', code: 'mnist-shape' },
    ],
    [
      'fewer labels than images',
      async () => write(folder, 't10k', { ...digits(5), labels: digits(4).labels }),
      { name: 'FormatError', code: 'mnist-shape', expected: 'uint8 [5], one label for each image' },
    ],
    [
      'a label of ten',
      async () => write(folder, 't10k', { ...digits(2), labels: tensor(Uint8Array.of(3, 10)) }),
      { name: 'DataError', code: 'label-out-of-range', received: 10 },
    ],
    [
      'labels missing',
      async () => writeFile(join(folder, 't10k-images-idx3-ubyte'), encodeIdx(digits(2).images)),
      { name: 'DataError', code: 'mnist-incomplete' },
    ],
    [
      'bytes that are no IDX',
      async () =>
        Promise.all(['images-idx3', 'labels-idx1'].map(name => writeFile(join(folder, `t10k-${name}-ubyte`), 'hello'))),
      { name: 'FormatError', code: 'idx-magic' },
    ],
  ])('refuses %s', async (_, prepare, fields) => {
    await prepare()
    vi.stubEnv('ANNEAL_DATA', folder)
    await expect(mnist()).rejects.toMatchObject(fields)
  })

  test('a folder that is not there is an error, one without digits is not', async () => {
    vi.stubEnv('ANNEAL_DATA', join(folder, 'typo'))
    await expect(mnist()).rejects.toMatchObject({
      name: 'DataError',
      code: 'folder-not-found',
      received: join(folder, 'typo'),
    })
    vi.stubEnv('ANNEAL_DATA', folder)
    expect((await mnist({ train: 1, test: 1 })).source).toBe('drawn')
    await expect(mnist({ source: 'files' })).rejects.toMatchObject({ code: 'no-mnist' })
    await expect(mnist({ source: 'cache' })).rejects.toMatchObject({
      code: 'no-mnist',
      hint: 'pass download: true once',
    })
  })
})

test.each([
  [{ source: 'moon' }, 'mnist.source'],
  [{ train: 0 }, 'mnist.train'],
  [{ test: 1.5 }, 'mnist.test'],
])('%j is refused', async (options, where) => {
  await expect(mnist(options as never)).rejects.toMatchObject({ name: 'ConfigError', code: 'bad-option', where })
})

const real = fileURLToPath(new URL('../../../shared/data/mnist/', import.meta.url))
const missing = existsSync(real) ? '' : ' (skipped: no MNIST files beside the checkout)'
const served = (log: string[], spoil: (name: string) => boolean): typeof fetch => {
  const answer = async (input: unknown) => {
    const url = new URL(String(input))
    const name = url.pathname.split('/').at(-1)!
    log.push(url.host)
    const bytes = await readFile(join(real, name)).catch(() => undefined)
    if (bytes === undefined) return new Response('', { status: 404 })
    if (spoil(url.host)) bytes[100]! ^= 1
    return new Response(new Uint8Array(bytes))
  }
  return answer as typeof fetch
}

describe.skipIf(missing !== '')(`real digits${missing}`, () => {
  test('are read, 8,000 to train on and 2,000 to test', async () => {
    vi.stubEnv('ANNEAL_DATA', join(real, '..'))
    const { train, test: held, source } = await mnist()
    expect([source, train.length, held.length]).toEqual(['files', 8000, 2000])
    const counts = new Array<number>(10).fill(0)
    for (const part of [train, held])
      for (const label of numbersOf((await part.batch(8000).toArray())[0]!.y)) counts[label]!++
    // As the data set's description gives them.
    expect(counts).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])
  })

  test('a download goes on to the next mirror, and leaves nothing half-written behind', async () => {
    const log: string[] = []
    const fetch = served(log, host => host.startsWith('ossci'))
    // The training files are not here to serve, so the download fails in the end, with all reasons.
    const failed = await mnist({ download: true, fetch }).catch(error => error)
    expect(failed).toMatchObject({
      name: 'DataError',
      code: 'download-failed',
      where: 'train-images-idx3-ubyte.gz',
      problems: [
        { code: 'http', received: 404 },
        { code: 'http', received: 404 },
      ],
    })
    expect(new Set(log).size).toBe(2)
    expect(await readdir(folder)).toEqual([])
  })
})
