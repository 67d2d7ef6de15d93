import { counterRandom, type Tensor } from '../ir/index.js'
import { isSparse } from '../nn/losses.js'
import { EpochSums, type Logs } from './accumulate.js'
import { type Batch, checkLabels } from './batches.js'
import type { Callback } from './callback.js'
import { diagnose } from './diagnose.js'
import { hostUpdate } from './host-update.js'
import type { Model } from './model.js'
import type { Batches } from './sources.js'
import { type BatchSignature, type Step, type StepKind, sampleWeight, stepFeeds, target, traceStep } from './step.js'

/** Dtypes and shapes of a batch. */
export const signatureOf = (batch: Batch): BatchSignature => {
  const types = (tensors: Readonly<Record<string, Tensor>>) =>
    Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, { dtype: t.dtype, shape: t.shape }]))
  return { x: types(batch.x), y: types(batch.y), weights: types(batch.sampleWeight ?? {}) }
}

function feedsOf(batch: Batch): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = { ...batch.x }
  for (const [name, t] of Object.entries(batch.y)) feeds[target(name)] = t
  for (const [name, t] of Object.entries(batch.sampleWeight ?? {})) feeds[sampleWeight(name)] = t
  return feeds
}

/** Feeds for a step: the batch's tensors it asks for, and its scalars. */
export function feedsFor(model: Model, step: Step, batch: Batch, training: boolean): Record<string, Tensor> {
  const scalars = training ? stepFeeds(step, model.stepInfo, counterRandom(model.seed, 0x3d, 0).bits(model.step)) : {}
  const all = feedsOf(batch)
  const wanted = new Set(step.program.inputs.map(port => port.name))
  return { ...scalars, ...Object.fromEntries(Object.entries(all).filter(([name]) => wanted.has(name))) }
}

/** Checks what the runtime would not. */
export function checkBatch(model: Model, batch: Batch): void {
  for (const output of model.compiled.outputs)
    if (isSparse(output.loss.type)) {
      const classes = Number(model.network.outputs.find(o => o.name === output.name)!.shape.at(-1))
      checkLabels(batch, output.name, classes, output.loss.ignoreClass)
    }
}

/** One update on one batch; adds its results to `sums`. */
export async function updateOn(model: Model, batch: Batch, sums: EpochSums, where: string): Promise<void> {
  checkBatch(model, batch)
  const { optimizer } = model.compiled
  const signature = signatureOf(batch)
  const kind: StepKind = optimizer.host === undefined ? { phase: optimizer.phase(model.step) } : 'gradients'
  const step = await model.stepFor(signature, kind)
  const state = await model.state()
  const feeds = feedsFor(model, step, batch, true)
  const finite = ({ loss }: Readonly<Record<string, Tensor>>) => Number.isFinite(Number(loss!.data[0]))
  const results = await step.program.run(feeds, state, { accept: finite })
  if (!finite(results))
    throw await diagnose(traceStep(model.network, model.compiled, signature, kind), feeds, state, where)
  if (optimizer.host !== undefined) await hostUpdate(model, step, feeds, results, state)
  model.step++
  sums.add(results, step.statistics, batch.size)
}

/** One update on one batch; its loss and metrics. */
export async function trainBatch(model: Model, batch: Batch): Promise<Logs> {
  const sums = new EpochSums(model.compiled)
  await updateOn(model, batch, sums, `step ${model.step}`)
  return sums.logs(true)
}

/** Loss and metrics over batches, without training. `model.stopEvaluating = true` ends it after the batch. */
export async function evaluateOn(
  model: Model,
  batches: Batches,
  callbacks: readonly Callback[] = [],
): Promise<EpochSums> {
  const sums = new EpochSums(model.compiled)
  const state = await model.state()
  let count = 0
  model.stopEvaluating = false
  for (const callback of callbacks) await callback.onTestBegin?.({}, model)
  for await (const batch of batches.epoch(0, false)) {
    for (const callback of callbacks) await callback.onTestBatchBegin?.(count, {}, model)
    checkBatch(model, batch)
    const step = await model.stepFor(signatureOf(batch), 'evaluate')
    sums.add(await step.program.run(feedsFor(model, step, batch, false), state), step.statistics, batch.size)
    for (const callback of callbacks) await callback.onTestBatchEnd?.(count, sums.logs(false), model)
    count++
    if (model.stopEvaluating) break
  }
  for (const callback of callbacks) await callback.onTestEnd?.(sums.logs(true), model)
  return sums
}
