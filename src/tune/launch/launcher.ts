/** What workers are to be started for. */
export interface LaunchRequest {
  readonly study: string
  /** The storage's URL, with its password: handed over in the environment, not among the arguments, which everybody sees. */
  readonly storage: string
  /** The experiment's file, as the workers find it. */
  readonly file: string
  readonly workers: number
  /** Further options of `anneal worker`. */
  readonly options: readonly string[]
  /** The folder workers start in. */
  readonly directory: string
  /** How `anneal` is started there. Default `npx anneal`. */
  readonly command: string
}

/** How the workers of a launch stand, counted. */
export interface FleetState {
  readonly pending: number
  readonly running: number
  readonly succeeded: number
  readonly failed: number
}

/** Workers that have been started. */
export interface Fleet {
  /** What they are known by where they run. */
  readonly id: string
  state(): Promise<FleetState>
  /** Ends them when the trials they run have ended. */
  stop(): Promise<void>
  /** Ends them now. */
  kill(): Promise<void>
  /** What the workers wrote, those that failed first; as much as there is. */
  logs(): Promise<string>
}

/** A file, or message, that a launch consists of. */
export interface JobFile {
  readonly name: string
  readonly text: string
}

/** A way of starting workers. */
export interface Launcher {
  readonly name: string
  /** What would be handed over. */
  plan(request: LaunchRequest): Promise<readonly JobFile[]>
  start(request: LaunchRequest): Promise<Fleet>
}

/** The arguments of one worker, the storage coming from its environment. */
export const workerArguments = ({ study, file, options }: LaunchRequest): readonly string[] => [
  'worker',
  file,
  '--name',
  study,
  ...options,
]

/** Its command line for a shell. */
export const workerCommand = (request: LaunchRequest): string =>
  [request.command, ...workerArguments(request).map(shellQuoted)].join(' ')

export const shellQuoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, `'\\''`)}'`

/** Where workers find the storage. */
export const STORAGE_VARIABLE = 'ANNEAL_STORAGE'
