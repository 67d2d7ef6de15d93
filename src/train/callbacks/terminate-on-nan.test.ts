import { expect, test } from 'vitest'
import { type Callback, callbacks, layers, optimizers, sequential, type TrainEvent, tensor } from '../../index.js'

const x = tensor(
  Float32Array.from({ length: 20 }, (_, i) => i - 10),
  [10, 2],
)
const y = tensor(new Float32Array(10).fill(1), [10, 1])
const explosive = () => {
  const net = sequential([layers.dense({ units: 1, inputShape: [2] })])
  net.compile({ loss: 'mse', optimizer: optimizers.sgd({ learningRate: 1e8 }) })
  return net
}
const options = { epochs: 9, batchSize: 5, validationData: [x, y], verbose: 0 } as const

test('ends training cleanly with what was learned before the bad batch, and says where it was', async () => {
  const net = explosive()
  const ended: string[] = []
  const listener: Callback = { onTrainEnd: () => void ended.push('end') }
  const events: TrainEvent[] = []
  for await (const event of net.train({ x, y }, { ...options, callbacks: [callbacks.terminateOnNaN(), listener] }))
    events.push(event)
  expect(events.at(-1)).toMatchObject({ type: 'trainEnd', reason: 'stopped' })
  expect(ended).toEqual(['end'])
  const ends = events.filter(event => event.type === 'epochEnd')
  expect(ends.at(-1)!.logs.loss).toBeNaN()
  expect(ends.slice(0, -1).every(({ logs }) => Number.isFinite(logs.loss))).toBe(true)
  expect(events.find(event => event.type === 'notice')).toMatchObject({
    level: 'warning',
    from: 'terminateOnNaN',
    text: expect.stringContaining(`epoch ${ends.length}`),
  })
  const updates = events.filter(event => event.type === 'batchEnd').length
  expect(net.step).toBe(updates)
  expect(updates).toBeGreaterThan(1)
  for (const t of Object.values(await net.weights())) expect((t.data as Float32Array).every(Number.isFinite)).toBe(true)
  // What is left is what the same number of updates gives without it.
  const other = explosive()
  await other.fit(x, y, {
    ...options,
    callbacks: { onTrainBatchEnd: (_batch, _logs, model) => void (model.stopTraining = model.step === updates) },
  })
  expect(await net.weights()).toEqual(await other.weights())
})

test('throws as without it when told to raise the error', async () => {
  const ended: string[] = []
  const listener: Callback = { onTrainEnd: () => void ended.push('end') }
  const raising = callbacks.terminateOnNaN({ raiseError: true })
  await expect(explosive().fit(x, y, { ...options, callbacks: [raising, listener] })).rejects.toMatchObject({
    name: 'NumericError',
  })
  expect(ended).toEqual([])
})

test('a callback of your own may take such an error as the end too', async () => {
  const own: Callback = { onNumericError: (_error, model) => void (model.stopTraining = true) }
  expect((await explosive().fit(x, y, { ...options, callbacks: own })).reason).toBe('stopped')
})
