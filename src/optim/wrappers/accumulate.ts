import * as ops from '../../ops/index.js'
import type { Optimizer } from '../optimizer.js'
import { oneOf, resolveOptions, whole } from '../options.js'
import type { UpdateScalar } from '../transform.js'
import { addSlots, checkInGraph } from './inner.js'
import { saved } from './saved.js'

export interface AccumulateOptions {
  /** Batches to one update. */
  steps: number
  /** What a learning-rate schedule counts: `batches`, as Keras does (the default), or `updates`, as is usual in PyTorch. */
  scheduleBy?: 'batches' | 'updates'
}

/**
 * Adds up the gradients of several batches and updates with their mean: a large batch in the memory of a small one.
 * Keras's `gradient_accumulation_steps`. Batches that are not full when training ends wait in the slots for the next fit.
 */
export function accumulate(inner: Optimizer, options: AccumulateOptions): Optimizer {
  checkInGraph(inner, 'optimizers.accumulate')
  const config = resolveOptions(
    'optimizers.accumulate',
    options,
    { steps: 1, scheduleBy: 'batches' },
    { steps: whole(1), scheduleBy: oneOf('batches', 'updates') },
  )
  const { steps } = config
  const updates = (batches: number): number => Math.floor(batches / steps)
  const perUpdate = (at: UpdateScalar): UpdateScalar =>
    typeof at === 'number' ? at : info => at({ ...info, step: updates(info.step - 1) + 1 })
  const slotOf = (path: string) => `accumulate/gradient/${path}`
  const schedule = inner.learningRate
  return {
    ...inner,
    ...saved('accumulate', inner, config),
    learningRate:
      config.scheduleBy === 'updates' && typeof schedule === 'function'
        ? batches => schedule(updates(batches))
        : schedule,
    slots: parameters =>
      addSlots(
        inner.slots(parameters),
        parameters.map(({ path, shape }) => ({ name: slotOf(path), shape, initial: 0, parameter: path })),
        'optimizers.accumulate',
      ),
    updates,
    phase: batches => ((batches + 1) % steps === 0 ? `update/${inner.phase(updates(batches))}` : 'accumulate'),
    trace: context => {
      const sums = context.parameters.map(({ path, gradient }) => ops.add(context.slot(slotOf(path)), gradient))
      const sumOf = new Map(context.parameters.map(({ path }, i) => [slotOf(path), sums[i]!]))
      if (context.phase === 'accumulate') return { parameters: new Map(), slots: sumOf }
      const share = context.scalar('optimizer/accumulate/share', 1 / steps)
      const trace = inner.trace({
        ...context,
        phase: context.phase.slice('update/'.length),
        parameters: context.parameters.map((p, i) => ({ ...p, gradient: ops.mul(sums[i]!, share) })),
        scalar: (name, at) => context.scalar(name, perUpdate(at)),
      })
      const cleared = context.parameters.map(({ path, gradient }) => [slotOf(path), ops.mul(gradient, 0)] as const)
      return { parameters: trace.parameters, slots: new Map([...cleared, ...trace.slots]) }
    },
  }
}
