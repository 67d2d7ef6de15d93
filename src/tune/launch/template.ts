import { readFile } from 'node:fs/promises'
import { ConfigError } from '../../ir/index.js'

/** What each worker is given, and where. */
export interface Place {
  /** Processors; default 1. */
  readonly cpus: number
  /** Memory as the place writes it; default 2G (Slurm) or 2Gi (Kubernetes). */
  readonly memory?: string
  /** Default 0. */
  readonly gpus: number
  /** Slurm's longest time; default a day. */
  readonly time: string
  readonly partition?: string
  /** Kubernetes' image. */
  readonly image?: string
  readonly namespace?: string
  /** A file in place of the one in deploy/. */
  readonly template?: string
}

/** The text of a template: one of deploy/, or the user's own. */
export async function templateText(name: string, own?: string): Promise<string> {
  // Three folders up from here, in the sources as in what is built of them.
  const path = own ?? new URL(`../../../deploy/${name}`, import.meta.url)
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new ConfigError({
      code: 'no-template',
      where: `${path}`,
      expected: 'a file that can be read',
      received: error instanceof Error ? error.message : String(error),
      cause: error,
    })
  }
}

/**
 * A template with its `{{names}}` filled. A line with a name whose value is undefined is left out.
 * @throws ConfigError for a name that has no value here
 */
export function fillTemplate(
  template: string,
  values: Readonly<Record<string, string | number | undefined>>,
  where: string,
): string {
  const lines = template.split('\n').flatMap((line, i) => {
    let left = false
    const filled = line.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
      if (!Object.hasOwn(values, name))
        throw new ConfigError({
          code: 'unknown-placeholder',
          where: `${where}, line ${i + 1}`,
          expected: `one of ${Object.keys(values).join(', ')}`,
          received: name,
        })
      if (values[name] === undefined) left = true
      return `${values[name]}`
    })
    return left ? [] : [filled]
  })
  return lines.join('\n')
}

/** A name that schedulers take: small letters, digits and dashes, at most 50, with something of its own at the end. */
export const jobName = (study: string): string => {
  const plain = study
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
  return `anneal-${plain === '' ? 'study' : plain.slice(0, 36).replace(/-+$/, '')}-${crypto.randomUUID().slice(0, 6)}`
}
