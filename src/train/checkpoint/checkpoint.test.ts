import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Callback,
  callbacks,
  layers,
  type Model,
  optimizers,
  sequential,
  type TrainEvent,
  tensor,
} from '../../index.js'
import { decodeSafetensors } from '../../ir/safetensors.js'
import type { BackupAndRestoreOptions } from '../callbacks/backup-and-restore.js'
import { decodeCheckpoint, encodeCheckpoint } from './file.js'

const folder = mkdtempSync(join(tmpdir(), 'checkpoint-'))
afterAll(() => rmSync(folder, { recursive: true }))
let count = 0
const fresh = () => join(folder, `${count++}`)

const x = tensor(
  Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)),
  [12, 2],
)
const y = tensor(
  Float32Array.from({ length: 12 }, (_, i) => Math.cos(i)),
  [12, 1],
)
const network = ({ units = 3, optimizer = optimizers.adam({ learningRate: 0.05 }), names = true } = {}): Model => {
  const net = sequential([
    layers.dense({ units, activation: 'tanh', inputShape: [2] }),
    layers.dense({ units: 1, ...(names ? {} : { name: 'other' }) }),
  ])
  net.compile({ optimizer, loss: 'mse' })
  return net
}
const quiet = { epochs: 3, batchSize: 4, verbose: 0 } as const
const everything = async (net: Model) => ({
  weights: await net.weights(),
  slots: await net.slots(),
  counters: [net.step, net.epoch, net.learningRate],
})

describe('a checkpoint of a model', () => {
  test('brings back weights, slots, counters and learning rate', async () => {
    const path = fresh()
    const net = network()
    await net.fit(x, y, quiet)
    net.learningRate = 0.004
    await net.saveCheckpoint(path)
    const saved = await everything(net)
    await net.fit(x, y, quiet)
    const after = await everything(net)
    const other = network()
    await other.loadCheckpoint(path)
    expect(await everything(other)).toEqual(saved)
    await other.fit(x, y, quiet)
    expect(await everything(other)).toEqual(after)
  })

  test('keeps the rhythm of what happens every so many steps', async () => {
    // Numbers too small for full precision are set to zero at the hundredth step, not a hundred steps after loading.
    const tiny = () => {
      const net = network({ optimizer: optimizers.sgd() })
      net.setWeights({ 'dense_1/bias': tensor(Float32Array.of(1e-40)) })
      return net
    }
    const flat = { x: tensor(new Float32Array(2), [1, 2]), y: tensor(Float32Array.of(1e-40), [1, 1]) }
    const train = async (net: Model, epochs: number) => {
      await net.fit(flat, { epochs, verbose: 0 })
      return (await net.weights())['dense_1/bias']!.data[0]
    }
    expect([await train(tiny(), 99), await train(tiny(), 100)]).toEqual([Math.fround(1e-40), 0])
    const path = fresh()
    const net = tiny()
    await train(net, 60)
    await net.saveCheckpoint(path)
    const resumed = network({ optimizer: optimizers.sgd() })
    await resumed.loadCheckpoint(path)
    expect([await train(resumed, 39), await train(resumed, 1)]).toEqual([Math.fround(1e-40), 0])
  })

  test('gives weights alone to a model that is not compiled, when asked', async () => {
    const path = fresh()
    const net = network()
    await net.fit(x, y, quiet)
    await net.saveCheckpoint(path)
    const plain = sequential([
      layers.dense({ units: 3, activation: 'tanh', inputShape: [2] }),
      layers.dense({ units: 1 }),
    ])
    await expect(plain.loadCheckpoint(path)).rejects.toMatchObject({ code: 'not-compiled' })
    await plain.loadCheckpoint(path, { optimizer: false })
    expect(await plain.predict(x)).toEqual(await net.predict(x))
  })

  test('is an ordinary .safetensors file', async () => {
    const path = fresh()
    await network().saveCheckpoint(path)
    const { tensors, metadata } = decodeSafetensors(readFileSync(path))
    expect(Object.keys(tensors)).toContain('weights/dense/kernel')
    expect(Object.keys(tensors)).toContain('slots/adam/m/dense/kernel')
    expect(metadata.format).toBe('anneal checkpoint 1')
  })

  test('of another architecture or optimizer is refused by the first parameter that differs; nothing is changed', async () => {
    const path = fresh()
    await network().saveCheckpoint(path)
    for (const [net, error] of [
      [
        network({ units: 4 }),
        { where: `${path}: dense/kernel`, expected: 'float32 [2, 4]', received: 'float32 [2, 3]' },
      ],
      [network({ names: false }), { where: `${path}: other/kernel`, received: 'no such weight' }],
      [
        network({ optimizer: optimizers.sgd({ momentum: 0.9 }) }),
        { where: expect.stringContaining('dense/kernel'), received: 'no such slot', hint: /adam.*sgd/ },
      ],
      [
        network({ optimizer: optimizers.sgd() }),
        { where: expect.stringContaining('adam/'), expected: 'no such slot', hint: /adam.*sgd/ },
      ],
    ] as const) {
      const before = await everything(net)
      await expect(net.loadCheckpoint(path)).rejects.toMatchObject({
        name: 'FormatError',
        code: 'checkpoint-mismatch',
        ...error,
      })
      expect(await everything(net)).toEqual(before)
    }
    await expect(network().loadCheckpoint(join(folder, 'none'))).rejects.toMatchObject({ name: 'DataError' })
  })
})

describe('a damaged checkpoint', () => {
  let bytes: Uint8Array
  beforeAll(async () => {
    const path = fresh()
    await network().saveCheckpoint(path)
    bytes = new Uint8Array(readFileSync(path))
  })

  test('with any bit flipped is refused', async () => {
    for (let i = 0; i < bytes.length; i++) {
      const bad = bytes.slice()
      bad[i]! ^= 1 << (i % 8)
      await expect(decodeCheckpoint(bad, 'file'), `byte ${i}`).rejects.toMatchObject({
        name: 'FormatError',
        where: 'file',
      })
    }
  })

  test('cut short anywhere, or with something behind it, is refused', async () => {
    for (let length = 0; length < bytes.length; length++)
      await expect(decodeCheckpoint(bytes.slice(0, length), 'file')).rejects.toMatchObject({ name: 'FormatError' })
    await expect(decodeCheckpoint(Uint8Array.from([...bytes, 0]), 'file')).rejects.toMatchObject({ code: 'checksum' })
  })

  test('leaves the model as it was', async () => {
    const path = fresh()
    const bad = bytes.slice()
    bad[bad.length - 5]! ^= 64
    writeFileSync(path, bad)
    const net = network()
    const before = await everything(net)
    await expect(net.loadCheckpoint(path)).rejects.toMatchObject({ code: 'checksum' })
    expect(await everything(net)).toEqual(before)
  })
})

test('any description and tensors come back as they were', async () => {
  const number = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, -0, Number.POSITIVE_INFINITY))
  const description = fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.oneof(number, fc.array(number), fc.string()))
  await fc.assert(
    fc.asyncProperty(description, fc.array(fc.double(), { maxLength: 5 }), async (given, values) => {
      const data = Float64Array.from(values)
      const tensors = { a: { dtype: 'float64', shape: [data.length], data } } as const
      const back = await decodeCheckpoint(await encodeCheckpoint({ description: given, tensors }), 'file')
      expect(back.description).toEqual({ ...given })
      expect(back.tensors).toEqual(tensors)
    }),
    { numRuns: 50 },
  )
})

describe('backing up a run', () => {
  const options = (backupDir: string, more: Partial<BackupAndRestoreOptions> = {}) => ({ backupDir, ...more })
  const interrupted = (after: number): Callback => ({
    onTrainBatchEnd: (_b, _l, model) => {
      if (model.step === after) throw new RangeError('power cut')
    },
  })
  const train = async (more: Callback[], net = network()) => {
    const events: TrainEvent[] = []
    for await (const event of net.train({ x, y }, { ...quiet, callbacks: more })) events.push(event)
    return { net, events, resumed: events.find(event => event.type === 'resumed') }
  }

  test('goes on from the last epoch or batch, and clears up at the end', async () => {
    const whole = await train([])
    for (const [saveFreq, at] of [
      ['epoch', { epoch: 1, batch: 0, step: 3 }],
      [2, { epoch: 1, batch: 1, step: 4 }],
    ] as const) {
      const backupDir = fresh()
      const backup = () => callbacks.backupAndRestore(options(backupDir, { saveFreq }))
      await expect(train([backup(), interrupted(5)])).rejects.toThrow('power cut')
      expect(readdirSync(backupDir).length).toBeGreaterThan(0)
      const { net, resumed } = await train([backup()])
      expect(resumed).toMatchObject(at)
      expect(await everything(net)).toEqual(await everything(whole.net))
      expect(() => readdirSync(backupDir)).toThrow()
    }
  })

  test('keeps two generations: a damaged newest one gives way to the one before, which is told', async () => {
    const backupDir = fresh()
    const backup = () => callbacks.backupAndRestore(options(backupDir, { saveFreq: 1 }))
    const whole = await everything((await train([])).net)
    await expect(train([backup(), interrupted(6)])).rejects.toThrow('power cut')
    const files = readdirSync(backupDir).sort()
    expect(files).toEqual(['checkpoint-000000004.safetensors', 'checkpoint-000000005.safetensors'])
    const newest = join(backupDir, files[1]!)
    writeFileSync(newest, readFileSync(newest).subarray(0, 700))
    writeFileSync(`${newest}.0b.tmp`, 'left by a killed writer')
    const { net, events, resumed } = await train([backup()])
    expect(resumed).toMatchObject({ path: join(backupDir, files[0]!), step: 4 })
    expect(events.find(event => event.type === 'notice')).toMatchObject({
      level: 'warning',
      from: 'backupAndRestore',
      text: expect.stringContaining(files[1]!),
    })
    expect(await everything(net)).toEqual(whole)
    expect(() => readdirSync(backupDir)).toThrow()
  })

  test('fails when all are damaged, and begins nothing anew over them', async () => {
    const backupDir = fresh()
    const backup = () => callbacks.backupAndRestore(options(backupDir, { saveFreq: 1 }))
    await expect(train([backup(), interrupted(6)])).rejects.toThrow('power cut')
    for (const file of readdirSync(backupDir)) writeFileSync(join(backupDir, file), 'nothing')
    await expect(train([backup()])).rejects.toMatchObject({ name: 'FormatError', code: 'no-whole-checkpoint' })
    expect(readdirSync(backupDir)).toHaveLength(2)
  })

  test('refuses the run of another model, which stays as it was, and the checkpoint too', async () => {
    const backupDir = fresh()
    const backup = () => callbacks.backupAndRestore(options(backupDir, { saveFreq: 1 }))
    await expect(train([backup(), interrupted(6)])).rejects.toThrow('power cut')
    const files = readdirSync(backupDir).map(file => readFileSync(join(backupDir, file)))
    const other = network({ units: 5 })
    const before = await everything(other)
    await expect(train([backup()], other)).rejects.toMatchObject({
      code: 'checkpoint-mismatch',
      where: expect.stringContaining('dense/kernel'),
    })
    expect(await everything(other)).toEqual(before)
    expect(readdirSync(backupDir).map(file => readFileSync(join(backupDir, file)))).toEqual(files)
  })

  test('writes the very batch at which an AbortSignal ends training', async () => {
    const whole = await everything((await train([])).net)
    const backupDir = fresh()
    const backup = () => callbacks.backupAndRestore(options(backupDir, { saveFreq: false }))
    for (const step of [2, 3, 5]) {
      const abort = new AbortController()
      const aborting: Callback = { onTrainBatchEnd: (_b, _l, model) => void (model.step === step && abort.abort()) }
      const net = network()
      const callback = [backup(), aborting]
      expect((await net.fit(x, y, { ...quiet, signal: abort.signal, callbacks: callback })).reason).toBe('aborted')
      expect(readdirSync(backupDir)).toContain(`checkpoint-00000000${step}.safetensors`)
    }
    const { net, resumed } = await train([backup()])
    expect(resumed).toMatchObject({ step: 5 })
    expect(await everything(net)).toEqual(whole)
  })

  test('a run that is over is not trained again', async () => {
    const backupDir = fresh()
    const backup = () => callbacks.backupAndRestore(options(backupDir, { deleteCheckpoint: false }))
    const { net } = await train([backup()])
    const again = await train([backup()])
    expect(again.events.filter(event => event.type === 'batchEnd')).toEqual([])
    expect(await everything(again.net)).toEqual(await everything(net))
  })

  test('keeps log files free of what is done twice', async () => {
    const [backupDir, csv, json] = [fresh(), fresh(), fresh()]
    const loggers = (): Callback[] => [callbacks.csvLogger(csv), callbacks.jsonlLogger(json)]
    await train(loggers())
    const wanted = [readFileSync(csv, 'utf8'), readFileSync(json, 'utf8')]
    const backup = () => callbacks.backupAndRestore(options(backupDir, { saveFreq: 4 }))
    await expect(train([...loggers(), backup(), interrupted(7)])).rejects.toThrow('power cut')
    expect(readFileSync(json, 'utf8').split('\n')).toHaveLength(3)
    await train([...loggers(), backup()])
    expect([readFileSync(csv, 'utf8'), readFileSync(json, 'utf8')]).toEqual(wanted)
  })

  test('refuses bad options, and a place it cannot write to', async () => {
    expect(() => callbacks.backupAndRestore({ backupDir: '', saveFreq: 0, double: true } as object as never)).toThrow(
      expect.objectContaining({ code: 'bad-options', problems: expect.objectContaining({ length: 3 }) }),
    )
    const file = fresh()
    writeFileSync(file, '')
    await expect(train([callbacks.backupAndRestore({ backupDir: file })])).rejects.toMatchObject({ name: 'DataError' })
  })
})
