import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, extname, isAbsolute, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { ConfigError, FormatError, isAnnealError } from '../../ir/index.js'
import { parseOptions } from '../../ir/options.js'
import type { Objective } from '../optimize.js'
import type { Space } from '../space.js'
import { type Trial, TrialPruned } from '../trial.js'
import { checkCommand, commandObjective } from './command.js'
import { type ExperimentOptions, gathering, type StudySetup, setupFrom } from './options.js'
import { distributionsOf, spaceFromJson } from './space.js'

/** A study with its objective, from one file. */
export interface Experiment extends StudySetup {
  readonly file: string
  readonly objective: Objective
}

/** What a module of an experiment exports. The second argument of the objective are the values of its space. */
type ModuleObjective = (trial: Trial, values?: unknown) => ReturnType<Objective>

/**
 * Reads an experiment. A module (.ts, .js, .mjs) exports `objective(trial, values)` by that name or as its default, and may export `space`
 * (its values are then the second argument) and `options`; a .json file holds the options, `space`, and `run` (a command,
 * see `commandObjective`) or `module` (a path to a module with an objective).
 * @param overrides options that count more than the file's
 * @throws ConfigError with all that is wrong; FormatError for JSON that is none
 */
export async function loadExperiment(path: string, overrides: ExperimentOptions = {}): Promise<Experiment> {
  const file = resolve(path)
  const found = statSync(file, { throwIfNoEntry: false })
  if (!found?.isFile())
    throw new ConfigError({
      code: 'no-experiment',
      where: path,
      expected: 'a file: study.ts, study.js or experiment.json',
      received: found === undefined ? 'none there' : 'a folder',
    })
  const given = Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined))
  return extname(file) === '.json' ? fromJson(file, given) : fromModule(file, given)
}

const nameOf = (file: string): string => basename(file, extname(file))

async function fromModule(file: string, overrides: ExperimentOptions): Promise<Experiment> {
  const gathered = gathering()
  const { objective, space, options } = await moduleAt(file)
  const where = basename(file)
  gathered.try(() => checkObjective(objective, where))
  gathered.try(() => {
    if (space !== null && !isSpace(space))
      throw new ConfigError({ code: 'bad-space', where: `${where}.space`, expected: 'a space(…)', received: space })
  })
  const setup = setupFrom(
    merged(options, overrides),
    { name: nameOf(file), where: `${where}.options`, space: isSpace(space) ? space : null },
    gathered,
  )
  gathered.check(file)
  return { ...setup!, file, objective: objectiveOf(objective as ModuleObjective, space as Space | null) }
}

const jsonSchema = z.looseObject({
  run: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
  module: z.string().optional(),
})

async function fromJson(file: string, overrides: ExperimentOptions): Promise<Experiment> {
  const gathered = gathering()
  const where = basename(file)
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new ConfigError({
      code: 'unreadable-file',
      where: file,
      expected: 'a file that can be read',
      received: error.message,
      cause: error,
    })
  })
  const json = parse(text, file)
  const { run, module, space: spaceJson, $schema: _, ...options } = json
  gathered.try(() => parseOptions(jsonSchema, json, where))
  const space = spaceJson === undefined ? null : gathered.try(() => spaceFromJson(spaceJson, `${where}.space`))
  const setup = setupFrom(merged(options, overrides), { name: nameOf(file), where, space }, gathered)
  if ((run === undefined) === (module === undefined))
    gathered.problems.push({
      code: 'no-objective',
      where,
      expected: 'run (a command) or module (a path)',
      received: run === undefined ? 'neither' : 'both',
    })
  if (typeof run === 'string' || Array.isArray(run))
    gathered.try(() => {
      if (spaceJson === undefined)
        throw new ConfigError({
          code: 'no-space',
          where: `${where}.space`,
          expected: 'the parameters of the command',
          received: 'none',
        })
      if (space !== null) checkCommand(run as string, new Set(distributionsOf(space).keys()), `${where}.run`)
    })
  let found: Awaited<ReturnType<typeof moduleAt>> | null = null
  if (typeof module === 'string') {
    const path = isAbsolute(module) ? module : resolve(dirname(file), module)
    if (existsSync(path)) {
      found = await moduleAt(path)
      gathered.try(() => checkObjective(found!.objective, `${where}.module (${module})`))
    } else
      gathered.problems.push({
        code: 'no-file',
        where: `${where}.module`,
        expected: 'a path to a module',
        received: module,
      })
  }
  gathered.check(file)
  const objective =
    found !== null
      ? objectiveOf(found.objective as ModuleObjective, space ?? (isSpace(found.space) ? found.space : null))
      : commandAfter(space!, commandObjective(run as string, `${where}.run`)) // checked above
  return { ...setup!, file, objective }
}

const merged = (options: object, overrides: ExperimentOptions): object => {
  const both = { ...options, ...overrides }
  // One way of saying it replaces the other.
  if (overrides.direction !== undefined) delete both.directions
  if (overrides.directions !== undefined) delete both.direction
  if (overrides.heartbeat !== undefined && 'heartbeat' in options && typeof options.heartbeat === 'object')
    both.heartbeat = { ...options.heartbeat, ...overrides.heartbeat }
  return both
}

const commandAfter =
  (space: Space, run: Objective): Objective =>
  trial => {
    trial.suggestAll(space)
    return run(trial)
  }

const objectiveOf =
  (objective: ModuleObjective, space: Space | null): Objective =>
  async trial => {
    try {
      return await (space === null ? objective(trial) : objective(trial, trial.suggestAll(space)))
    } catch (error) {
      // A module that found another copy of this package throws that copy's.
      if (error instanceof Error && error.name === 'TrialPruned') throw new TrialPruned(error.message)
      throw error
    }
  }

function checkObjective(objective: unknown, where: string): void {
  if (typeof objective !== 'function')
    throw new ConfigError({
      code: 'no-objective',
      where,
      expected: 'an exported function objective(trial), or one as the default',
      received: objective === undefined ? 'none' : objective,
    })
}

const isSpace = (given: unknown): given is Space =>
  typeof given === 'object' && given !== null && 'dimensions' in given && 'suggest' in given

function parse(text: string, file: string): Readonly<Record<string, unknown>> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new FormatError({
      code: 'bad-json',
      where: file,
      expected: 'JSON',
      received: error instanceof Error ? error.message : String(error),
      cause: error,
    })
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new ConfigError({ code: 'bad-option', where: file, expected: 'a record', received: json })
  return json as Readonly<Record<string, unknown>>
}

async function moduleAt(file: string): Promise<{ objective: unknown; space: unknown; options: object }> {
  const module = await importFile(file).catch((error: unknown) => {
    throw isAnnealError(error) ? error : failedModule(file, error)
  })
  // A CommonJS module, and a record as the default, hold the same names one level down.
  const inner = typeof module.default === 'object' && module.default !== null ? module.default : {}
  const all: Readonly<Record<string, unknown>> = { ...inner, ...module }
  const { objective = typeof all.default === 'function' ? all.default : undefined, space = null, options = {} } = all
  if (typeof options !== 'object' || options === null)
    throw new ConfigError({ code: 'bad-option', where: `${file}: options`, expected: 'a record', received: options })
  return { objective, space, options }
}

/** What a module threw while it was read or began, told in a line, with the line of it where that is known. */
function failedModule(file: string, cause: unknown): ConfigError {
  const error = cause instanceof Error ? cause : new Error(String(cause))
  const places = [pathToFileURL(file).href, file].map(place => place.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  // Node keeps the place of a syntax error to itself, unless it checks a file.
  const told = error.name === 'SyntaxError' ? spawnSync(process.execPath, ['--check', file]).stderr : null
  const line = new RegExp(`(?:${places.join('|')})(?:\\?[^:\\s]*)?:(\\d+)`).exec(
    `${told ?? ''}\n${error.stack ?? ''}`,
  )?.[1]
  const missing = 'code' in error && `${error.code}`.endsWith('MODULE_NOT_FOUND')
  return new ConfigError({
    code: 'experiment-failed',
    where: line === undefined ? file : `${file}:${line}`,
    expected: 'a module that can be imported',
    received: `${error.name}: ${error.message
      .trim()
      .split(/\s*\n\s*/)
      .slice(0, 3)
      .join(' ')}`,
    ...(missing ? { hint: 'install, or build, what it imports' } : {}),
    cause,
  })
}

/** Node by itself from 22.18 on, or tsx where it is running or installed, reads TypeScript. */
async function importFile(file: string): Promise<Readonly<Record<string, unknown>>> {
  const url = pathToFileURL(file).href
  try {
    return await import(url)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code !== 'ERR_UNKNOWN_FILE_EXTENSION' || !/\.[cm]?tsx?$/.test(file)) throw error
  }
  for (const from of [file, import.meta.url]) {
    let folder: string
    try {
      folder = dirname(createRequire(from).resolve('tsx/package.json'))
    } catch {
      continue
    }
    // Its form for import, which a resolver for require does not find.
    const api = pathToFileURL(join(folder, 'dist', 'esm', 'api', 'index.mjs')).href
    const { register } = (await import(api)) as { register(): unknown } // tsx's own API
    register()
    // Under another name: Node remembers that it could not read the first.
    return await import(`${url}?typescript`)
  }
  throw new ConfigError({
    code: 'typescript',
    where: file,
    expected: 'a .js or .mjs file, or Node 22.18 or newer, which reads TypeScript',
    received: `a .ts file in Node ${process.versions.node}`,
    hint: 'npm install --save-dev tsx lets every version read it',
  })
}
