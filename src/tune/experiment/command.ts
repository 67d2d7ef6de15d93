import { spawn } from 'node:child_process'
import { ConfigError } from '../../ir/index.js'
import type { ParamValue } from '../distribution.js'
import type { Objective } from '../optimize.js'
import { type Trial, TrialPruned } from '../trial.js'

/** `{name}` stands for a parameter, `{{` and `}}` for braces. */
const PLACEHOLDER = /\{\{|\}\}|\{([\w.-]+)\}/g
/** A line by which a command reports on the way. */
const REPORT = /^anneal:report\s+(\d+)\s+(\S+)\s*$/

/** The parameters a command mentions. */
export const placeholdersOf = (run: string | readonly string[]): readonly string[] =>
  [run].flat().flatMap(part => [...part.matchAll(PLACEHOLDER)].flatMap(([, name]) => name ?? []))

/** A command with its placeholders filled; in one for the shell, values are quoted. */
function fill(template: string, params: Readonly<Record<string, ParamValue>>, quote: (text: string) => string): string {
  return template.replace(PLACEHOLDER, (token, name: string | undefined) =>
    name === undefined ? token[0]! : name in params ? quote(String(params[name])) : quote(''),
  )
}
const shellQuoted = (text: string): string =>
  /^[\w.+-]*$/.test(text) && text !== '' ? text : `'${text.replace(/'/g, `'\\''`)}'`

/**
 * An objective that is a command of any language. `{name}` in it is the parameter's value (nothing, where a conditional one
 * is not asked for); a string goes through the shell, a list of arguments does not. ANNEAL_TRIAL and ANNEAL_PARAMS (JSON) are in
 * its environment. The last line of its standard output is the value, or several with spaces or commas between. A line
 * `anneal:report <step> <value>` before reports; where the pruner says so, the command is ended.
 * @throws from the objective: an Error where the command fails or ends in no number
 */
export function commandObjective(run: string | readonly string[], where: string): Objective {
  return async (trial: Trial) => {
    const { params } = trial
    const env = { ...process.env, ANNEAL_TRIAL: `${trial.number}`, ANNEAL_PARAMS: JSON.stringify(params) }
    const options = { env, stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'], detached: true }
    const child =
      typeof run === 'string'
        ? spawn(fill(run, params, shellQuoted), { ...options, shell: true })
        : spawn(
            fill(run[0]!, params, String),
            run.slice(1).map(part => fill(part, params, String)),
            options,
          )
    // The command and what it has started: a shell does not hand signals on.
    const end = () => {
      try {
        process.kill(-child.pid!, 'SIGTERM')
      } catch {
        // It has ended by itself.
      }
    }
    process.once('exit', end)
    let errors = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-2000)
    })
    const ended = new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => resolve({ code, signal }))
    })
    ended.catch(() => {}) // awaited below
    try {
      let last = ''
      for await (const line of linesOf(child.stdout)) {
        const report = REPORT.exec(line)
        if (report === null) {
          if (line.trim() !== '') last = line.trim()
          continue
        }
        await trial.report(numberFrom(report[2]!), Number(report[1]))
        if (await trial.shouldPrune()) throw new TrialPruned()
      }
      const { code, signal } = await ended
      if (code !== 0)
        throw new Error(
          `the command ended with ${signal ?? `exit code ${code}`}${errors.trim() === '' ? '' : `: ${errors.trim().split('\n').at(-1)}`}`,
        )
      const values = last.split(/[\s,]+/).map(numberFrom)
      if (last === '' || values.some((x, i) => Number.isNaN(x) && !/^[-+]?nan$/i.test(last.split(/[\s,]+/)[i]!)))
        throw new Error(
          `the last line of ${where} is no number: ${last === '' ? 'it wrote nothing' : last.slice(0, 200)}`,
        )
      return values.length === 1 ? values[0]! : values
    } catch (error) {
      end()
      throw error
    } finally {
      process.removeListener('exit', end)
    }
  }
}

/** A number as Python, C and JavaScript write it; NaN for what is none. */
function numberFrom(text: string): number {
  const infinite = /^([-+]?)inf(inity)?$/i.exec(text)
  if (infinite !== null) return infinite[1] === '-' ? -Infinity : Infinity
  return text.trim() === '' ? Number.NaN : Number(text)
}

async function* linesOf(stream: AsyncIterable<unknown>): AsyncIterable<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n') // a pipe gives bytes
    rest = lines.pop()!
    yield* lines
  }
  if (rest !== '') yield rest
}

/** @throws ConfigError for a command that mentions what the space does not have, or is empty */
export function checkCommand(run: string | readonly string[], names: ReadonlySet<string>, where: string): void {
  if ([run].flat().join('').trim() === '')
    throw new ConfigError({ code: 'bad-option', where, expected: 'a command', received: run })
  const unknown = placeholdersOf(run).filter(name => !names.has(name))
  if (unknown.length > 0)
    throw new ConfigError({
      code: 'unknown-placeholder',
      where,
      expected: `parameters of the space: ${[...names].join(', ')}`,
      received: unknown.map(name => `{${name}}`).join(', '),
      hint: 'write {{ and }} for braces that are the command’s own',
    })
}
