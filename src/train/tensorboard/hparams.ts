import { WireType } from '@bufbuild/protobuf/wire'
import { double, integer, message, nested, pluginValue, string } from './messages.js'

/** What was chosen for a run, by name. */
export type Hparams = Readonly<Record<string, number | string | boolean>>

/** A quantity of the HPARAMS tab: a scalar's tag, and the subfolder of the run where it is written. */
export interface HparamsMetric {
  readonly tag: string
  /** Default: the folder of the run itself. */
  readonly group?: string | undefined
  readonly displayName?: string | undefined
}

export interface HparamsOptions {
  /** What the tab shows beside the hyperparameters. Default none. */
  metrics?: readonly HparamsMetric[] | undefined
  /** Runs of one group are averaged (the same choice with other seeds). Default: each run for itself. */
  group?: string | undefined
}

export type SessionStatus = 'success' | 'failure' | 'running'

const plugin = 'hparams'
const types = { string: 1, boolean: 2, number: 3 } as const
const statuses = { success: 1, failure: 2, running: 3 } as const

/** Names and types of the hyperparameters, and the metrics: what the tab's columns are. */
export const experimentValue = (hparams: Hparams, metrics: readonly HparamsMetric[], time: number): Uint8Array => {
  const experiment = message(w => {
    nested(w, 2, data => {
      double(data, 3, time)
      for (const [name, value] of Object.entries(hparams))
        nested(data, 4, info => {
          string(info, 1, name)
          integer(info, 4, types[typeof value as keyof typeof types])
        })
      for (const { tag, group, displayName } of metrics)
        nested(data, 5, info => {
          nested(info, 1, name => {
            string(name, 1, group)
            string(name, 2, tag)
          })
          string(info, 3, displayName)
        })
    })
  })
  return pluginValue('_hparams_/experiment', plugin, experiment)
}

/** The choice of one run. */
export const sessionStartValue = (hparams: Hparams, group: string | undefined, time: number): Uint8Array => {
  const start = message(w => {
    nested(w, 3, data => {
      for (const [name, value] of Object.entries(hparams))
        nested(data, 1, entry => {
          string(entry, 1, name)
          // google.protobuf.Value, a union: what is chosen is written, defaults too.
          nested(entry, 2, chosen => {
            if (typeof value === 'number') chosen.tag(2, WireType.Bit64).double(value)
            else if (typeof value === 'string') chosen.tag(3, WireType.LengthDelimited).string(value)
            else chosen.tag(4, WireType.Varint).bool(value)
          })
        })
      string(data, 4, group)
      double(data, 5, time)
    })
  })
  return pluginValue('_hparams_/session_start_info', plugin, start)
}

export const sessionEndValue = (status: SessionStatus, time: number): Uint8Array => {
  const end = message(w => {
    nested(w, 4, data => {
      integer(data, 1, statuses[status])
      double(data, 2, time)
    })
  })
  return pluginValue('_hparams_/session_end_info', plugin, end)
}
