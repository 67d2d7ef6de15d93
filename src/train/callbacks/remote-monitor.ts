import { z } from 'zod'
import { parseOptions } from '../../nn/plugin.js'
import type { Callback, CallbackParams } from '../callback.js'

export interface RemoteMonitorOptions {
  /** Address of the server; default `http://localhost:9000`. */
  root?: string
  /** Appended to it; default `/publish/epoch/end/`. */
  path?: string
  /** Name of the form field that holds the JSON, where it is not sent as JSON; default `data`. */
  field?: string
  headers?: Readonly<Record<string, string>> | null
  /** Send the body as application/json instead of as a form; default false. */
  sendAsJson?: boolean
  /** Milliseconds to wait for an answer; default 5000. */
  timeout?: number
}

const schema = z.strictObject({
  root: z.url({ protocol: /^https?$/, error: 'an http or https address' }).optional(),
  path: z.string().optional(),
  field: z.string().min(1).optional(),
  headers: z.record(z.string(), z.string()).nullable().optional(),
  sendAsJson: z.boolean().optional(),
  timeout: z.number().positive().optional(),
})

/**
 * Sends each epoch's number and logs to a server by POST: Keras's RemoteMonitor. Training neither waits for the server
 * nor fails because of it: the first failure gives a warning in the stream of events. The end of training waits for what
 * is still under way, at most `timeout`.
 * @throws ConfigError for bad options, all at once
 */
export function remoteMonitor(options: RemoteMonitorOptions = {}): Callback {
  parseOptions(schema, options ?? {}, 'callbacks.remoteMonitor')
  const {
    root = 'http://localhost:9000',
    path = '/publish/epoch/end/',
    field = 'data',
    headers = null,
    sendAsJson = false,
    timeout = 5000,
  } = options ?? {}
  let params: CallbackParams | undefined
  let warned = false
  let ended = new AbortController()
  /** Requests go out one after the other, so that epochs arrive in order. */
  let queue: Promise<void> = Promise.resolve()

  const send = async (text: string): Promise<void> => {
    const body = sendAsJson ? text : new URLSearchParams({ [field]: text })
    const own = sendAsJson ? { 'content-type': 'application/json', ...headers } : { ...headers }
    const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(timeout)])
    try {
      const answer = await fetch(root + path, { method: 'POST', body, headers: own, signal })
      await answer.body?.cancel()
      if (!answer.ok) warn(`answered ${answer.status}`)
    } catch (error) {
      warn(reasonOf(error))
    }
  }
  const warn = (reason: string): void => {
    if (warned) return
    warned = true
    params?.notify({
      type: 'notice',
      level: 'warning',
      from: 'remoteMonitor',
      text: `${root} could not be told of an epoch: ${reason}; training goes on`,
    })
  }
  return {
    name: 'remoteMonitor',
    setParams: given => {
      params = given
    },
    onTrainBegin: () => {
      warned = false
      ended = new AbortController()
      queue = Promise.resolve()
    },
    onEpochEnd: (epoch, logs) => {
      const text = JSON.stringify({ epoch, ...logs })
      queue = queue.then(() => send(text))
    },
    onTrainEnd: async () => {
      const timer = setTimeout(() => ended.abort(new Error(`no answer in ${timeout} ms`)), timeout)
      await queue
      clearTimeout(timer)
    },
  }
}

/** `fetch` says only that it failed; why stands in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message
}
