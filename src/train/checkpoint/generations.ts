import { DataError, FormatError } from '../../ir/index.js'
import { readFile } from '../read.js'
import { writeFileAtomic } from '../write.js'

const own = /^checkpoint-(\d+)\.safetensors$/
/** What a killed writer leaves behind. */
const leftover = /^checkpoint-\d+\.safetensors\..*\.tmp$/

/** Checkpoints of one run in a folder: files numbered by the model's step, of which the newest are kept. */
export interface Generations {
  /** Writes the next one; those before it go only when it is whole. Gives its path. */
  write(bytes: Uint8Array, step: number): Promise<string>
  /**
   * Gives checkpoints to `use`, the newest first, until one is not damaged; tells `refused` of those that are. False if
   * there are none.
   * @throws FormatError if all are damaged, and what else `use` throws
   */
  newest(
    use: (bytes: Uint8Array, path: string) => Promise<void>,
    refused: (error: FormatError) => void,
  ): Promise<boolean>
  /** Removes what this made, and the folder if nothing else is in it. */
  clear(): Promise<void>
}

const damage = new Set(['cut-short', 'not-a-checkpoint', 'checksum'])

export function generations(folder: string, keep: number): Generations {
  const list = async (): Promise<string[]> => {
    const { readdir } = await import('node:fs/promises')
    const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw unusable(folder, error)
    })
    const stepOf = (name: string) => Number(own.exec(name)?.[1] ?? -1)
    return names.filter(name => own.test(name)).sort((a, b) => stepOf(b) - stepOf(a))
  }
  const remove = async (names: readonly string[]) => {
    const { rm } = await import('node:fs/promises')
    const { join } = await import('node:path')
    for (const name of names) await rm(join(folder, name), { force: true })
  }
  const removeLeftovers = async () => {
    const { readdir } = await import('node:fs/promises')
    await remove((await readdir(folder).catch(() => [])).filter(name => leftover.test(name)))
  }
  return {
    write: async (bytes, step) => {
      const { join } = await import('node:path')
      const name = `checkpoint-${`${step}`.padStart(9, '0')}.safetensors`
      await writeFileAtomic(join(folder, name), bytes)
      // Newer ones than this are those that turned out to be damaged.
      const names = await list()
      await remove([...names.filter(other => other > name), ...names.filter(other => other <= name).slice(keep)])
      return join(folder, name)
    },
    newest: async (use, refused) => {
      const { join } = await import('node:path')
      await removeLeftovers()
      const names = await list()
      const problems: FormatError[] = []
      for (const name of names) {
        const path = join(folder, name)
        try {
          await use(await readFile(path), path)
          return true
        } catch (error) {
          if (!(error instanceof FormatError) || !damage.has(error.code)) throw error
          problems.push(error)
          refused(error)
        }
      }
      if (problems.length === 0) return false
      throw new FormatError({
        code: 'no-whole-checkpoint',
        where: folder,
        expected: 'a checkpoint that is whole',
        received: `${problems.length} damaged`,
        hint: 'remove the folder to begin anew',
        problems,
      })
    },
    clear: async () => {
      await remove(await list())
      await removeLeftovers()
      const { rmdir } = await import('node:fs/promises')
      await rmdir(folder).catch(() => {}) // something else is in it
    },
  }
}

const unusable = (folder: string, cause: Error) =>
  new DataError({
    code: 'unreadable-folder',
    where: folder,
    expected: 'a folder to read',
    received: cause.message,
    cause,
  })
