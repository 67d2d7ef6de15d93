import { ConfigError, type Tensor } from '../ir/index.js'
import type { Model } from './model.js'

/** Weights and the averages an optimizer keeps of them, by path, with the slots those are in. */
async function averagesOf(model: Model): Promise<{ path: string; slot: string; weight: Tensor; average: Tensor }[]> {
  const { average } = model.optimizer
  if (average === undefined)
    throw new ConfigError({
      code: 'no-averages',
      where: model.optimizer.name,
      expected: 'an optimizer that keeps averages of the weights',
      received: model.optimizer.name,
      hint: 'say useEma: true, or wrap it: optimizers.ema(optimizer, { evaluate: false })',
    })
  const state = await model.state()
  const pairs = model.trainable.map(async ({ path }) => {
    const slot = average(path)
    return { path, slot, weight: await state.read(path), average: await state.read(slot) }
  })
  return Promise.all(pairs)
}

/** Lets weights and averages change places. @throws ConfigError if the optimizer keeps none */
export async function swapAverages(model: Model): Promise<void> {
  const swapped = (await averagesOf(model)).flatMap(({ path, slot, weight, average }) => [
    [path, average] as const,
    [slot, weight] as const,
  ])
  model.restore(Object.fromEntries(swapped))
  model.averagesSwapped = !model.averagesSwapped
}

/** Writes the averages over the weights: both are averages then. @throws ConfigError if the optimizer keeps none */
export async function finalizeAverages(model: Model): Promise<void> {
  const pairs = await averagesOf(model)
  const final = model.averagesSwapped
    ? pairs.map(({ slot, weight }) => [slot, weight] as const)
    : pairs.map(({ path, average }) => [path, average] as const)
  model.restore(Object.fromEntries(final))
  model.averagesSwapped = false
}
