import type { Logs } from './accumulate.js'

/** Training is a stream of these; callbacks, the progress bar and tests consume the same stream. */
export type TrainEvent =
  | { readonly type: 'trainBegin'; readonly epochs: number; readonly stepsPerEpoch: number | undefined }
  | { readonly type: 'epochBegin'; readonly epoch: number }
  /** `logs` are the loss and metrics of the epoch so far. */
  | {
      readonly type: 'batchEnd'
      readonly epoch: number
      readonly batch: number
      readonly examples: number
      readonly logs: Logs
    }
  | { readonly type: 'epochEnd'; readonly epoch: number; readonly logs: Logs; readonly seconds: number }
  /** `stopped` by a callback, `aborted` by a signal: in both cases what was learned is kept. */
  | {
      readonly type: 'trainEnd'
      readonly reason: 'completed' | 'stopped' | 'aborted'
      readonly epochs: number
      readonly logs: Logs
    }
