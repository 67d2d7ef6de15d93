import type { Traced } from '../../ir/index.js'
import type { DeviceOptions } from '../device.js'
import { logSoftmaxByParts } from './log-softmax.js'

/** A rewrite that one kind of device likes; it must leave every result as it was, to rounding. */
export interface Lowering {
  readonly name: string
  readonly applies: (options: DeviceOptions) => boolean
  readonly apply: (traced: Traced, options: DeviceOptions) => Traced | Promise<Traced>
}

const lowerings: readonly Lowering[] = [logSoftmaxByParts]

/** Applies every lowering that suits the device, in order. */
export async function lower(traced: Traced, options: DeviceOptions): Promise<Traced> {
  let result = traced
  for (const lowering of lowerings) if (lowering.applies(options)) result = await lowering.apply(result, options)
  return result
}
