import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { tensor } from '../../ir/index.js'
import { readFigures } from '../../testing/figures.js'
import { histogramOf } from './histogram.js'
import { experimentValue, sessionEndValue, sessionStartValue } from './hparams.js'
import { eventMessage, histogramValue, imageValue, scalarValue, textValue, versionMessage } from './messages.js'
import { encodePng, picturesOf } from './png.js'
import { crc32c, frame, readRecords } from './records.js'
import { eventWriter } from './writer.js'

const figures = readFigures<{ time: number; version: string; events: Record<string, string> }>(
  new URL('./figures/events.json', import.meta.url),
)
const wallTime = figures.time
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'anneal-events-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
const files = (at = folder) => readdirSync(at).map(name => join(at, name))

describe('bytes are those of TensorBoard itself', () => {
  const event = (step: number, value: Uint8Array) => frame(eventMessage({ wallTime, step, summary: value }))
  const counts = { min: -1, max: 3, num: 5, sum: 4, sumSquares: 20, limits: [1, 3], counts: [3, 2] }
  const hparams = { rate: 0.1, net: 'wide', norm: false }
  const metrics = [{ tag: 'epoch_loss', group: 'validation', displayName: 'loss' }, { tag: 'score' }]
  test.each<[string, Uint8Array]>([
    ['scalar', event(3, scalarValue('epoch_loss', 0.1))],
    ['zero', event(0, scalarValue('zero', 0))],
    ['large step', event(2 ** 40, scalarValue('a', -1e30))],
    ['histogram', event(1, histogramValue('dense/kernel', counts))],
    ['image', event(300, imageValue('image', { height: 1, width: 2, channels: 1, png: Buffer.from('png') }))],
    ['text', event(1, textValue('note', 'größer'))],
    [
      'table',
      event(
        1,
        textValue('table', [
          ['a', 'b'],
          ['c', 'd'],
        ]),
      ),
    ],
    ['experiment', event(0, experimentValue(hparams, metrics, wallTime))],
    ['session start', event(0, sessionStartValue({ rate: 0 }, 'wide', wallTime))],
    ['session end', event(0, sessionEndValue('failure', wallTime))],
  ])('%s', (name, bytes) => {
    expect(Buffer.from(bytes).toString('base64')).toBe(figures.events[name])
  })

  test('the first event', () => {
    expect(Buffer.from(frame(versionMessage(wallTime))).toString('base64')).toBe(figures.version)
  })

  test('CRC32C of the examples in RFC 3720', () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43)
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e)
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283)
  })
})

describe('eventWriter', () => {
  const clock = () => wallTime
  const recordsOf = (file: string) => [...readRecords(new Uint8Array(readFileSync(file)))]

  test('makes the folder and a file that begins with the version, events in order', async () => {
    const writer = eventWriter(join(folder, 'a', 'b'), { clock })
    expect(existsSync(join(folder, 'a'))).toBe(false)
    for (let step = 0; step < 100; step++) writer.scalar('loss', step / 2, step)
    await writer.close()
    const [file, ...others] = files(join(folder, 'a', 'b'))
    expect(others).toEqual([])
    expect(file).toMatch(/[/\\]events\.out\.tfevents\.1700000000\.[^/\\]+\.anneal\.\d+\.0$/)
    const expected = Array.from({ length: 100 }, (_, step) =>
      eventMessage({ wallTime, step, summary: scalarValue('loss', step / 2) }),
    )
    expect(recordsOf(file!).map(String)).toEqual([versionMessage(wallTime), ...expected].map(String))
  })

  test('writes in the background what was added, before anyone asks', async () => {
    const writer = eventWriter(folder)
    writer.scalar('a', 1, 0)
    for (let tries = 0; tries < 500; tries++) {
      await new Promise(resolve => setTimeout(resolve, 10))
      if (files().length > 0 && recordsOf(files()[0]!).length === 2) break
    }
    expect(recordsOf(files()[0]!)).toHaveLength(2)
    await writer.close()
  })

  test('takes a copy of what it is given', async () => {
    const pixels = tensor(new Float32Array(4).fill(1), [1, 2, 2])
    const [a, b] = [eventWriter(join(folder, 'a'), { clock }), eventWriter(join(folder, 'b'), { clock })]
    a.image('x', pixels, 0)
    a.histogram('y', pixels, 0)
    ;(pixels.data as Float32Array).fill(0)
    await a.close()
    ;(pixels.data as Float32Array).fill(1)
    b.image('x', pixels, 0)
    b.histogram('y', pixels, 0)
    await b.close()
    expect(recordsOf(files(join(folder, 'a'))[0]!)).toEqual(recordsOf(files(join(folder, 'b'))[0]!))
  })

  test('two writers of one folder and second have files of their own', async () => {
    const writers = [eventWriter(folder, { clock }), eventWriter(folder, { clock })]
    for (const writer of writers) writer.scalar('a', 1, 1)
    await Promise.all(writers.map(writer => writer.close()))
    expect(files()).toHaveLength(2)
  })

  test('goes on in an earlier file from a position, and takes back what came after', async () => {
    const first = eventWriter(folder, { clock })
    first.scalar('a', 1, 1)
    await first.flush()
    const position = first.position()
    first.scalar('a', 2, 2)
    await first.close()
    const path = join(folder, position!.file)
    appendFileSync(path, 'half a rec')
    const second = eventWriter(folder, { clock, resume: position })
    second.scalar('a', 3, 2)
    await second.close()
    expect(files()).toEqual([path])
    const kept = [1, 3].map((value, i) => eventMessage({ wallTime, step: i + 1, summary: scalarValue('a', value) }))
    expect(recordsOf(path).map(String)).toEqual([versionMessage(wallTime), ...kept].map(String))
    const third = eventWriter(folder, { clock, resume: { file: position!.file, length: 1e6 } })
    third.scalar('a', 1, 1)
    await third.close()
    expect(files()).toHaveLength(2)
  })

  test('a file cut anywhere is readable to the last whole record', async () => {
    const writer = eventWriter(folder, { clock })
    writer.scalar('a', 1, 1)
    writer.text('b', 'text', 2)
    await writer.close()
    const bytes = readFileSync(files()[0]!)
    const ends = [0]
    for (const record of readRecords(bytes)) ends.push(ends.at(-1)! + record.length + 16)
    for (let length = 0; length <= bytes.length; length++)
      expect([...readRecords(bytes.subarray(0, length))]).toHaveLength(ends.findLastIndex(end => end <= length))
    for (const at of [3, 9, 14, bytes.length - 1]) {
      const damaged = Uint8Array.from(bytes)
      damaged[at]! ^= 1
      expect(() => [...readRecords(damaged)]).toThrow(
        expect.objectContaining({ name: 'FormatError', code: 'checksum' }),
      )
    }
  })

  test('tells at flush and at close that it cannot write', async () => {
    writeFileSync(join(folder, 'file'), '')
    const writer = eventWriter(join(folder, 'file'))
    writer.scalar('a', 1, 1)
    await expect(writer.flush()).rejects.toMatchObject({ name: 'DataError', code: 'unwritable-file' })
    await expect(writer.close()).rejects.toMatchObject({ code: 'unwritable-file' })
  })

  test('refuses bad options, tags, steps and values', async () => {
    expect(() => eventWriter('')).toThrow(expect.objectContaining({ name: 'ConfigError' }))
    expect(() => eventWriter(folder, { resume: { file: '../x', length: 0 } })).toThrow(
      expect.objectContaining({ where: 'eventWriter.resume.file' }),
    )
    expect(() => eventWriter(folder, { clok: 1 } as object)).toThrow(
      expect.objectContaining({ code: 'unknown-option' }),
    )
    const writer = eventWriter(folder)
    const picture = tensor(new Float32Array(4), [1, 2, 2])
    const refused: [() => void, string][] = [
      [() => writer.scalar('', 1, 1), 'event-tag'],
      [() => writer.scalar('a', 1, -1), 'event-step'],
      [() => writer.scalar('a', 1, 0.5), 'event-step'],
      [() => writer.scalar('a', '1' as never, 0), 'not-a-number'],
      [() => writer.histogram('a', tensor(['x']), 0), 'not-numbers'],
      [() => writer.histogram('a', 3 as never, 0), 'not-numbers'],
      [() => writer.histogram('a', [1], 0, { buckets: 0 }), 'bad-option'],
      [() => writer.image('a', tensor(new Float32Array(4), [2, 2]), 0), 'image-shape'],
      [() => writer.image('a', tensor(new Float32Array(20), [5, 2, 2]), 0), 'image-shape'],
      [() => writer.image('a', tensor(new Int32Array(4), [1, 2, 2]), 0), 'image-dtype'],
      [() => writer.image('a', picture, 0, { maxImages: 0 }), 'bad-option'],
      [() => writer.text('a', [], 0), 'not-text'],
      [() => writer.text('a', [['a'], ['b', 'c']], 0), 'not-text'],
      [() => writer.text('a', 1 as never, 0), 'not-text'],
      [() => writer.hparams({}), 'bad-hparams'],
      [() => writer.hparams({ a: null as never }), 'bad-hparams'],
      [() => writer.hparams({ a: 1 }, { metrics: [{ tag: '' }] }), 'bad-option'],
    ]
    for (const [call, code] of refused) expect(call).toThrow(expect.objectContaining({ code }))
    await writer.close()
    expect(files()).toEqual([])
    expect(() => writer.scalar('a', 1, 1)).toThrow(expect.objectContaining({ code: 'closed-log' }))
  })
})

describe('histograms', () => {
  test('count in buckets of one width, the largest number in the last', () => {
    expect(histogramOf([0, 0.1, 1, 1.9, 2, 4], 4)).toEqual({
      min: 0,
      max: 4,
      num: 6,
      sum: 9,
      sumSquares: 0.01 + 1 + 1.9 ** 2 + 4 + 16,
      limits: [1, 2, 3, 4],
      counts: [2, 2, 1, 1],
    })
  })

  test('of one value, of none, and of values that are not finite', () => {
    expect(histogramOf([3, 3], 3)).toMatchObject({ limits: [3, 3, 3], counts: [0, 0, 2] })
    expect(histogramOf([], 3)).toMatchObject({ num: 0, limits: [], counts: [] })
    expect(histogramOf([Number.NaN, 1, Number.POSITIVE_INFINITY], 2)).toMatchObject({ min: 1, max: 1, num: 1 })
    expect(histogramOf(BigInt64Array.of(1n, 2n), 2)).toMatchObject({ counts: [1, 1] })
  })
})

describe('PNG', () => {
  test('holds the pixels, row by row, channels together', async () => {
    const zlib = await import('node:zlib')
    const [picture, ...more] = picturesOf(
      tensor(
        Uint8Array.from({ length: 12 }, (_, i) => i),
        [3, 2, 2],
      ),
      'x',
    )
    expect(more).toEqual([])
    const png = Buffer.from(encodePng(picture!, zlib))
    expect(png.subarray(0, 8).toString('hex')).toBe('89504e470d0a1a0a')
    expect(png.readUInt32BE(16)).toBe(2)
    expect([...png.subarray(24, 29)]).toEqual([8, 2, 0, 0, 0])
    const length = png.readUInt32BE(33)
    expect(png.subarray(37, 41).toString()).toBe('IDAT')
    const raw = inflateSync(png.subarray(41, 41 + length))
    expect([...raw]).toEqual([0, 0, 4, 8, 1, 5, 9, 0, 2, 6, 10, 3, 7, 11])
    expect(png.subarray(-8, -4).toString()).toBe('IEND')
    expect(png.readUInt32BE(png.length - 4)).toBe(0xae426082)
  })

  test('floats go from 0 to 1; what lies outside is clipped', () => {
    const [picture] = picturesOf(tensor([[[0, 0.5, 1, -1, 2, Number.NaN]]]), 'x')
    expect([...picture!.rows]).toEqual([0, 0, 128, 255, 0, 255, 0])
  })
})

/** Python with TensorBoard, where there is one: its path in ANNEAL_PYTHON. */
const python = process.env.ANNEAL_PYTHON
test.skipIf(python === undefined)(
  'Python’s TensorBoard reads everything back (set ANNEAL_PYTHON to run this)',
  async () => {
    const writer = eventWriter(folder)
    writer.scalar('epoch_loss', 0.5, 0)
    writer.scalar('epoch_loss', Number.NaN, 1)
    writer.histogram('weights', Float32Array.of(-1, 0, 0, 1), 4, { buckets: 2 })
    writer.image('digit', tensor(Uint8Array.of(0, 85, 170, 255), [1, 2, 2]), 2)
    writer.image('colours', tensor(new Float32Array(2 * 3 * 4).fill(0.5), [2, 3, 2, 2]), 2)
    writer.text('note', '# größer', 1)
    writer.hparams({ rate: 0.1, net: 'wide', norm: true }, { metrics: [{ tag: 'epoch_loss' }] })
    writer.endSession('success')
    await writer.close()
    const script = new URL('./figures/read.py', import.meta.url)
    const read = JSON.parse(
      execFileSync(python!, [script.pathname, folder], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    )
    expect(read).toEqual({
      scalars: {
        epoch_loss: [
          [0, 0.5],
          [1, 'nan'],
        ],
      },
      histograms: {
        weights: [[4, { min: -1, max: 1, num: 4, sum: 0, sum_squares: 2, limits: [0, 1], counts: [1, 3] }]],
      },
      images: {
        digit: [[2, [2, 2, 'L', [0, 85, 170, 255]]]],
        'colours/0': [[2, [2, 2, 'RGB', Array(12).fill(128)]]],
        'colours/1': [[2, [2, 2, 'RGB', Array(12).fill(128)]]],
      },
      texts: { note: [[1, ['# größer']]] },
      hparams: [
        { hparams: { rate: 0.1, net: 'wide', norm: true }, status: 'STATUS_SUCCESS', metrics: { epoch_loss: 'nan' } },
      ],
    })
  },
  180_000,
)
