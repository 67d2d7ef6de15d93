import { writeFileSync } from 'node:fs'
import { fromArrays } from '../../src/data/index.js'
import { callbacks, layers, optimizers, schedules, sequential, tensor } from '../../src/index.js'
import { counterRandom } from '../../src/ir/index.js'

/**
 * A training script that is killed at any moment and started again until it is through: `train.mjs folder` trains with a
 * checkpoint after every second batch and writes what it ends with to `folder/result`.
 */
const folder = process.argv[2]!
const random = counterRandom(5)
const examples = 40
const x = tensor(
  Float32Array.from({ length: examples * 8 }, (_, i) => random.normal(i)),
  [examples, 8],
)
const y = tensor(
  Int32Array.from({ length: examples }, (_, i) => (Number(x.data[8 * i]) > 0 ? 1 : 0)),
  [examples],
)
const net = sequential([
  layers.dense({ units: 32, activation: 'relu', inputShape: [8] }),
  layers.batchNormalization(),
  layers.dropout({ rate: 0.3 }),
  layers.dense({ units: 2, activation: 'softmax' }),
])
net.compile({
  optimizer: optimizers.adam({
    learningRate: schedules.cosineDecay({ initial: 0.02, steps: 300 }),
    gradientAccumulationSteps: 2,
    useEma: true,
  }),
  loss: 'sparseCategoricalCrossentropy',
  metrics: ['accuracy'],
  threads: 1,
})
const { history, reason } = await net.fit(fromArrays({ x, y }), {
  epochs: 30,
  batchSize: 4,
  validationData: [x, y],
  verbose: 0,
  callbacks: [
    callbacks.reduceLROnPlateau({ patience: 2, factor: 0.7 }),
    callbacks.earlyStopping({ patience: 20, restoreBestWeights: true }),
    callbacks.jsonlLogger(`${folder}/history.jsonl`),
    callbacks.modelCheckpoint(`${folder}/best.safetensors`, { saveBestOnly: true, saveWeightsOnly: true }),
    {
      // The first batch of this process: from here on it may be killed.
      onTrainBatchBegin: () => {
        process.send?.('training')
        process.send = undefined
      },
    },
    callbacks.backupAndRestore({ backupDir: `${folder}/backup`, saveFreq: 2, deleteCheckpoint: false }),
  ],
})
const plain = (tensors: Awaited<ReturnType<typeof net.weights>>) =>
  Object.entries(tensors).map(([name, { data }]) => [
    name,
    Buffer.from((data as Float32Array<ArrayBuffer>).buffer).toString('hex'), // copies, each in a buffer of its own
  ])
const result = [reason, history, net.step, net.epoch, plain(await net.weights()), plain(await net.slots())]
writeFileSync(`${folder}/result`, JSON.stringify(result))
process.exit(0)
