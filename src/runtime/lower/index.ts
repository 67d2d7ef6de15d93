import type { Traced } from '../../ir/index.js'
import type { DeviceOptions } from '../device.js'
import { engineOf } from '../session.js'
import { blockedConv } from './blocked-conv.js'
import { kernelGradient } from './kernel-gradient.js'
import { logSoftmaxByParts } from './log-softmax.js'
import { matmulTranspose } from './matmul-transpose.js'
import { pooledRelu } from './pooled-relu.js'

/** What a rewrite is made for. */
export interface Target extends DeviceOptions {
  /** Whether the engine is a native build: WebAssembly has another set of kernels. */
  readonly native?: boolean
}

/** A rewrite that one kind of device likes; it must leave every result as it was, to rounding. */
export interface Lowering {
  readonly name: string
  readonly applies: (target: Target) => boolean
  readonly apply: (traced: Traced, target: Target) => Traced | Promise<Traced>
}

/** In the order in which they are applied. */
export const lowerings: readonly Lowering[] = [
  logSoftmaxByParts,
  pooledRelu,
  kernelGradient,
  blockedConv,
  matmulTranspose,
]

/** Which lowerings are wanted: all, none, or those named. */
export type Choice = boolean | readonly string[]
export const chooses = (choice: Choice, name: string): boolean =>
  typeof choice === 'boolean' ? choice : choice.includes(name)

/** Applies every lowering that suits the device and is wanted, in order. */
export async function lower(traced: Traced, options: DeviceOptions, choice: Choice = true): Promise<Traced> {
  const { native } = await engineOf(options.device ?? 'cpu', options.threads)
  const target: Target = { ...options, device: options.device ?? 'cpu', native }
  let result = traced
  for (const lowering of lowerings)
    if (chooses(choice, lowering.name) && lowering.applies(target)) result = await lowering.apply(result, target)
  return result
}
