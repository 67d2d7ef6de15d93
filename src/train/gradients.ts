import type { Tensor } from '../ir/index.js'
import type { Batch } from './batches.js'
import type { Model } from './model.js'
import { gradientOf } from './step.js'
import { checkBatch, feedsFor, signatureOf } from './update.js'

/**
 * The gradient of the loss of one batch, penalties included, by the path of each trainable weight. As the next update
 * would compute it, before clipping: layers run as in training, dropout draws what it will draw then. Nothing changes.
 */
export async function modelGradients(model: Model, batch: Batch): Promise<Record<string, Tensor>> {
  checkBatch(model, batch)
  const step = await model.stepFor(signatureOf(batch), 'gradients')
  const feeds = feedsFor(model, step, batch, true)
  const results = await step.program.run(feeds, await model.state(), { accept: () => false })
  const trainable = model.network.weights.filter(w => w.trainable)
  return Object.fromEntries(trainable.map(w => [w.path, results[gradientOf(w.path)]!]))
}
