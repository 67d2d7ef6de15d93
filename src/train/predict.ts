import type { Tensor } from '../ir/index.js'
import { arraySource, type DataLike, gatherRows } from './batches.js'
import { callbackList, introduce } from './callback.js'
import type { Model } from './model.js'
import { checkEvaluateOptions, type PredictOptions } from './options.js'

/** Predictions, batch by batch: one tensor, or one per output by name. */
export async function predict(
  model: Model,
  x: DataLike,
  options: PredictOptions,
): Promise<Tensor & Record<string, Tensor>> {
  checkEvaluateOptions('predict', options)
  const { batchSize = 32 } = options
  const callbacks = callbackList(options.callbacks, 'predict')
  const source = arraySource(model.network, x, null)
  const state = await model.state()
  const parts: Record<string, Tensor>[] = []
  const steps = Math.ceil(source.length / batchSize)
  introduce(callbacks, model, { epochs: 1, steps, initialEpoch: 0, notify: () => {} })
  model.stopPredicting = false
  for (const callback of callbacks) await callback.onPredictBegin?.({}, model)
  for (let start = 0; start < source.length; start += batchSize) {
    const size = Math.min(batchSize, source.length - start)
    const rows = Uint32Array.from({ length: size }, (_, i) => start + i)
    const program = await model.inferenceFor(size)
    const feeds = Object.fromEntries(Object.entries(source.x).map(([name, t]) => [name, gatherRows(t, rows)]))
    for (const callback of callbacks) await callback.onPredictBatchBegin?.(parts.length, {}, model)
    // An input that no output depends on is not part of the program.
    const outputs = await program.run(feeds, state, { ignoreUnknown: true })
    for (const callback of callbacks) await callback.onPredictBatchEnd?.(parts.length, { outputs }, model)
    parts.push(outputs)
    if (model.stopPredicting) break
  }
  for (const callback of callbacks) await callback.onPredictEnd?.({}, model)
  const { outputs } = model.network
  const joined = Object.fromEntries(
    outputs.map(({ name }) => [name, concatRows(parts.map(part => part[name]!))] as const),
  )
  // One output: the tensor itself, which also answers to the output's name.
  return (outputs.length === 1 ? { ...joined[outputs[0]!.name]!, ...joined } : joined) as Tensor &
    Record<string, Tensor>
}

function concatRows(parts: readonly Tensor[]): Tensor {
  const first = parts[0]!
  if (parts.length === 1) return first
  const rows = parts.reduce((total, part) => total + part.shape[0]!, 0)
  const size = parts.reduce((total, part) => total + part.data.length, 0)
  const data = new (first.data.constructor as new (n: number) => Float32Array)(size)
  let at = 0
  for (const part of parts) {
    data.set(part.data as Float32Array, at)
    at += part.data.length
  }
  return { dtype: first.dtype, shape: [rows, ...first.shape.slice(1)], data }
}
