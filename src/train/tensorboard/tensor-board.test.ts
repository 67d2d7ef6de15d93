import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type Callback,
  callbacks,
  type ImagesByTag,
  layers,
  optimizers,
  schedules,
  sequential,
  type TensorBoardOptions,
  type TrainingRun,
  tensor,
} from '../../index.js'
import { counterRandom } from '../../ir/index.js'
import { testCallback } from '../../testing/callback.js'
import { readRecords } from './records.js'
import { weightImage } from './weight-image.js'

let logDir: string
beforeEach(() => {
  logDir = mkdtempSync(join(tmpdir(), 'anneal-tensorboard-'))
})
afterEach(() => rmSync(logDir, { recursive: true, force: true }))

/** A message's fields by number; nested ones as bytes. */
function fields(bytes: Uint8Array): Map<number, (number | Uint8Array)[]> {
  const reader = new BinaryReader(bytes)
  const found = new Map<number, (number | Uint8Array)[]>()
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    const value =
      type === WireType.Varint
        ? Number(reader.int64())
        : type === WireType.Bit64
          ? reader.double()
          : type === WireType.Bit32
            ? reader.float()
            : reader.bytes()
    found.set(field, [...(found.get(field) ?? []), value])
  }
  return found
}
const text = (value: number | Uint8Array | undefined) => new TextDecoder().decode(value as Uint8Array)

/** The events of a folder: for each tag its steps, with the scalar, or the kind of what stands there. */
function read(folder: string): Record<string, [number, number | string][]> {
  const out: Record<string, [number, number | string][]> = {}
  for (const name of readdirSync(folder)
    .filter(name => name.startsWith('events.'))
    .sort())
    for (const record of readRecords(new Uint8Array(readFileSync(join(folder, name))))) {
      const event = fields(record)
      const summary = event.get(5)?.[0]
      if (summary === undefined) continue
      const value = fields(fields(summary as Uint8Array).get(1)![0] as Uint8Array)
      const kind = value.has(5) ? 'histogram' : value.has(4) ? 'image' : 'tensor'
      ;(out[text(value.get(1)![0])] ??= []).push([
        (event.get(2)?.[0] as number) ?? 0,
        (value.get(2)?.[0] as number) ?? kind,
      ])
    }
  return out
}

const random = counterRandom(1)
const x = tensor(
  Float32Array.from({ length: 40 * 3 }, (_, i) => random.normal(i)),
  [40, 3],
)
const y = tensor(Int32Array.from({ length: 40 }, (_, i) => i % 2))
const network = () => {
  const model = sequential([
    layers.dense({ units: 4, activation: 'tanh', inputShape: [3] }),
    layers.dense({ units: 2, activation: 'softmax' }),
  ])
  const learningRate = schedules.exponentialDecay({ initialLearningRate: 0.1, decaySteps: 4, decayRate: 0.5 })
  model.compile({
    optimizer: optimizers.sgd({ learningRate }),
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
  })
  return model
}
const train = (options: TensorBoardOptions, model = network(), epochs = 3) =>
  model.fit(x, y, {
    epochs,
    batchSize: 10,
    verbose: 0,
    validationData: [x, y],
    callbacks: callbacks.tensorBoard({ logDir, ...options }),
  })
const f = Math.fround

test('epochs go to train and validation, under the names and steps of Keras', async () => {
  const model = network()
  const { history } = await train({}, model)
  const of = (name: string) => history[name]!.map((value, epoch) => [epoch, f(value)])
  expect(readdirSync(logDir).sort()).toEqual(['train', 'validation'])
  const rates = [1, 2, 3].map(epoch => [epoch - 1, f(0.1 * 0.5 ** epoch)])
  expect(read(join(logDir, 'train'))).toEqual({
    epoch_learning_rate: rates.map(([epoch, rate]) => [epoch, expect.closeTo(rate!, 6)]),
    epoch_loss: of('loss'),
    epoch_accuracy: of('accuracy'),
  })
  const overUpdates = (name: string) => history[name]!.map((value, epoch) => [4 * (epoch + 1), f(value)])
  expect(read(join(logDir, 'validation'))).toEqual({
    epoch_loss: of('val_loss'),
    epoch_accuracy: of('val_accuracy'),
    evaluation_loss_vs_iterations: overUpdates('val_loss'),
    evaluation_accuracy_vs_iterations: overUpdates('val_accuracy'),
  })
})

test.each([
  ['batch', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
  [5, [5, 10]],
] as const)('updateFreq %s writes batches over updates from 1', async (updateFreq, steps) => {
  await train({ updateFreq, writeStepsPerSecond: true })
  const events = read(join(logDir, 'train'))
  for (const tag of ['batch_loss', 'batch_accuracy', 'batch_steps_per_second'])
    expect(events[tag]!.map(([step]) => step)).toEqual(steps)
  expect(events.epoch_steps_per_second).toHaveLength(3)
  expect(events.epoch_steps_per_second!.every(([, value]) => (value as number) > 0)).toBe(true)
})

test.each([
  ['the last batch', true],
  ['a batch given', { x, y }],
] as const)(
  'weights and gradients of %s become histograms every histogramFreq epochs, and pictures when asked',
  async (_, gradients) => {
    await train({ histogramFreq: 2, writeImages: true, gradients })
    const events = read(join(logDir, 'train'))
    for (const path of ['dense/kernel', 'dense/bias', 'dense_1/kernel', 'dense_1/bias']) {
      expect(events[`${path}/histogram`]).toEqual([0, 2].map(epoch => [epoch, 'histogram']))
      expect(events[`${path}/gradient`]).toEqual([0, 2].map(epoch => [epoch, 'histogram']))
      expect(events[`${path}/image/0`]).toEqual([0, 2].map(epoch => [epoch, 'image']))
    }
  },
)

test('pictures are written once, or after every epoch from a function', async () => {
  const picture = tensor(new Float32Array(4), [1, 2, 2])
  await train({ images: { samples: picture } })
  expect(read(join(logDir, 'train')).samples).toEqual([[0, 'image']])
  await train({
    logDir: join(logDir, 'b'),
    images: async (epoch): Promise<ImagesByTag> => (epoch === 1 ? { late: picture } : {}),
  })
  expect(read(join(logDir, 'b', 'train')).late).toEqual([[1, 'image']])
})

test('hyperparameters go to the folder of the run, once', async () => {
  await train({ hparams: { units: 4, optimizer: 'sgd' } })
  expect(read(logDir)).toEqual({
    '_hparams_/experiment': [[0, 'tensor']],
    '_hparams_/session_start_info': [[0, 'tensor']],
    '_hparams_/session_end_info': [[0, 'tensor']],
  })
})

test('files are whole after every epoch', async () => {
  const seen: number[] = []
  await network().fit(x, y, {
    epochs: 3,
    verbose: 0,
    callbacks: [
      callbacks.tensorBoard({ logDir }),
      { onEpochEnd: () => void seen.push(read(join(logDir, 'train')).epoch_loss!.length) },
    ],
  })
  expect(seen).toEqual([1, 2, 3])
})

test('a callback used again begins new files beside the old ones; epochs and updates count on', async () => {
  const model = network()
  const callback = callbacks.tensorBoard({ logDir, updateFreq: 4 })
  const options = { batchSize: 10, verbose: 0, callbacks: callback } as const
  await model.fit(x, y, { ...options, epochs: 1 })
  await model.fit(x, y, { ...options, epochs: 2, initialEpoch: 1 })
  expect(readdirSync(join(logDir, 'train'))).toHaveLength(2)
  const events = read(join(logDir, 'train'))
  expect(events.epoch_loss!.map(([step]) => step)).toEqual([0, 1])
  expect(events.batch_loss!.map(([step]) => step)).toEqual([4, 8])
})

test('training is the same with it as without', async () => {
  const [plain, watched] = [network(), network()]
  await plain.fit(x, y, { epochs: 3, batchSize: 10, verbose: 0 })
  await train({ histogramFreq: 1, updateFreq: 'batch', gradients: true }, watched)
  expect(await watched.weights()).toEqual(await plain.weights())
})

test('a resumed run goes on in the same files as if nothing had been in between', async () => {
  const options = (at: string): TensorBoardOptions => ({
    logDir: join(logDir, at),
    updateFreq: 3,
    histogramFreq: 1,
    gradients: true,
    hparams: { units: 4 },
    images: { sample: tensor(new Float32Array(4), [1, 2, 2]) },
  })
  const folders = (at: string) => ['', 'train', 'validation'].map(folder => join(logDir, at, folder))
  await train(options('whole'))
  let run: TrainingRun | undefined
  let checkpoint: Uint8Array | undefined
  const keep: Callback = {
    setParams: params => {
      run = params.run
    },
    onTrainBatchEnd: () => {
      if (checkpoint === undefined && run!.position().step === 6)
        run!.afterwards(async () => {
          checkpoint = await run!.checkpoint()
        })
    },
  }
  const trained = (list: Callback[], epochs = 3) =>
    network().fit(x, y, { epochs, batchSize: 10, verbose: 0, validationData: [x, y], callbacks: list })
  // Runs on after its checkpoint, as a run that is killed later does.
  await trained([callbacks.tensorBoard(options('parts')), keep])
  const resume: Callback = {
    setParams: params => {
      run = params.run
    },
    onTrainBegin: () => run!.afterwards(() => run!.resume(checkpoint!, 'checkpoint')),
  }
  await trained([callbacks.tensorBoard(options('parts')), resume])
  expect(folders('parts').map(read)).toEqual(folders('whole').map(read))
  expect(readdirSync(join(logDir, 'parts', 'train'))).toHaveLength(1)
})

test('a loss that is not finite ends the session as a failure, and leaves whole files', async () => {
  const options = { epochs: 3, batchSize: 10, verbose: 0 } as const
  const callback = callbacks.tensorBoard({ logDir, hparams: { units: 4 } })
  const model = network()
  const spoil: Callback = {
    onEpochEnd: async (epoch, _, net) => {
      if (epoch === 0) net.setWeights({ 'dense/bias': tensor(new Float32Array(4).fill(Number.NaN)) })
    },
  }
  await expect(model.fit(x, y, { ...options, callbacks: [callback, spoil] })).rejects.toThrow()
  expect(read(join(logDir, 'train')).epoch_loss).toHaveLength(1)
  expect(read(logDir)['_hparams_/session_end_info']).toHaveLength(1)
  await network().fit(x, y, { ...options, epochs: 1, callbacks: callback })
  expect(read(join(logDir, 'train')).epoch_loss).toHaveLength(2)
})

test('beside evaluate it writes the evaluation', async () => {
  const { loss } = await network().evaluate(x, y, { callbacks: callbacks.tensorBoard({ logDir }) })
  expect(read(join(logDir, 'validation')).evaluation_loss_vs_iterations).toEqual([[0, f(loss!)]])
})

const contract = mkdtempSync(join(tmpdir(), 'anneal-contract-'))
afterAll(() => rmSync(contract, { recursive: true, force: true }))
let runs = 0
testCallback(() =>
  callbacks.tensorBoard({ logDir: join(contract, `${runs++}`), updateFreq: 2, histogramFreq: 2, gradients: true }),
)

test('refuses options out of range, all at once, and writes nothing then', () => {
  expect(() => callbacks.tensorBoard({ histogramFreq: -1, updateFreq: 0, logDri: '' } as object)).toThrow(
    expect.objectContaining({
      name: 'ConfigError',
      problems: expect.arrayContaining([
        expect.objectContaining({ where: 'callbacks.tensorBoard.histogramFreq' }),
        expect.objectContaining({ where: 'callbacks.tensorBoard.updateFreq' }),
        expect.objectContaining({ where: 'callbacks.tensorBoard.logDri', hint: 'did you mean logDir?' }),
      ]),
    }),
  )
  for (const options of [{ gradients: { x } }, { images: 3 }, { hparams: 'x' }])
    expect(() => callbacks.tensorBoard(options as object)).toThrow(expect.objectContaining({ name: 'ConfigError' }))
  expect(existsSync('logs')).toBe(false)
})

describe('pictures of weights', () => {
  const numbers = (n: number) => Float32Array.from({ length: n }, (_, i) => i)
  const shapeOf = (...shape: number[]) => weightImage(tensor(numbers(shape.reduce((a, b) => a * b, 1)), shape))?.shape

  test('are columns, matrices on their longer side, planes, and kernels of few channels', () => {
    expect(shapeOf(5)).toEqual([1, 1, 5, 1])
    expect(shapeOf(2, 3)).toEqual([1, 1, 2, 3])
    expect(shapeOf(3, 2)).toEqual([1, 1, 2, 3])
    expect(shapeOf(8, 1, 3, 3)).toEqual([8, 1, 3, 3])
    expect(shapeOf(8, 3, 5, 5)).toEqual([8, 3, 5, 5])
    expect(shapeOf(8, 16, 3, 3)).toBeUndefined()
    expect(shapeOf(2, 3, 4, 5, 6)).toBeUndefined()
    expect(shapeOf(0)).toBeUndefined()
  })

  test('go from the smallest number to the largest, and lying matrices are transposed', () => {
    const lying = weightImage(tensor(numbers(6), [3, 2]))!
    expect(Array.from(lying.data as Float32Array, v => Math.round(v * 5))).toEqual([0, 2, 4, 1, 3, 5])
    expect([...(weightImage(tensor([3, 3]))!.data as Float32Array)]).toEqual([0.5, 0.5])
  })
})

const python = process.env.ANNEAL_PYTHON
test.skipIf(python === undefined)(
  'Python’s TensorBoard shows the run in its HPARAMS tab, with the metrics of both folders (set ANNEAL_PYTHON to run this)',
  async () => {
    const { history } = await train({ logDir: join(logDir, 'run-1'), hparams: { units: 4, optimizer: 'sgd' } })
    await train({ logDir: join(logDir, 'run-2'), hparams: { units: 5, optimizer: 'sgd' } })
    const script = new URL('./figures/read.py', import.meta.url)
    const stdio = ['ignore', 'pipe', 'ignore'] as const
    const read = JSON.parse(execFileSync(python!, [script.pathname, logDir], { encoding: 'utf8', stdio: [...stdio] }))
    expect(read.hparams).toHaveLength(2)
    const [first] = read.hparams.filter((run: { hparams: { units: number } }) => run.hparams.units === 4)
    const last = (name: string) => expect.closeTo(history[name]!.at(-1)!, 5)
    expect(first).toEqual({
      hparams: { units: 4, optimizer: 'sgd' },
      status: 'STATUS_SUCCESS',
      metrics: {
        'train/epoch_loss': last('loss'),
        'train/epoch_accuracy': last('accuracy'),
        'validation/epoch_loss': last('val_loss'),
        'validation/epoch_accuracy': last('val_accuracy'),
      },
    })
  },
  180_000,
)
