import type { Logs } from './accumulate.js'

/** Something that callbacks and the run itself have to tell besides the course of training. */
export type Notice =
  /** `from` names the callback; a warning means that something asked for was not done. */
  | { readonly type: 'notice'; readonly level: 'info' | 'warning'; readonly from: string; readonly text: string }
  /** A file was written whole: a model, weights, or a checkpoint of the run. */
  | { readonly type: 'saved'; readonly from: string; readonly path: string }
  /** Training goes on where a checkpoint left it: `batch` batches of `epoch` (from 0) are done. */
  | {
      readonly type: 'resumed'
      readonly path: string
      readonly epoch: number
      readonly batch: number
      readonly step: number
    }

/**
 * Training is a stream of these; callbacks, the progress bar and tests consume the same stream. Notices follow the event
 * in which they arose; `trainEnd` is the last of all.
 */
export type TrainEvent =
  | Notice
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
