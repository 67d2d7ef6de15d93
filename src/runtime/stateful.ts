import type { Graph, Tensor, Value } from '../ir/index.js'
import type { DeviceOptions } from './device.js'
import { compile, type Feed, type Program } from './program.js'
import { createState, type State } from './state.js'

export interface StatefulOptions extends DeviceOptions {
  outputs: Readonly<Record<string, Value>>
  /** For each state input its new value. */
  updates: Readonly<Record<string, Value>>
  /** The state to begin with, by input name. */
  initial: Readonly<Record<string, Tensor>>
}

/** A program together with its state: a training step. */
export interface StatefulProgram {
  readonly program: Program
  readonly state: State
  step(feeds?: Readonly<Record<string, Feed>>): Promise<Record<string, Tensor>>
}

/** Compiles a graph whose inputs named in `initial` are kept on the device and replaced by `updates` at each step. */
export async function compileStateful(graph: Graph, options: StatefulOptions): Promise<StatefulProgram> {
  const program = await compile(graph, options)
  const state = await createState(options)
  for (const [name, value] of Object.entries(options.initial)) state.write(name, value)
  return { program, state, step: (feeds = {}) => program.run(feeds, state) }
}
