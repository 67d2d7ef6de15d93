import { FormatError } from './errors.js'

/** A file beside a model that holds tensors. */
export interface ExternalFile {
  readonly size: number
  /** The bytes from `offset` on; the range was checked against `size`. */
  read(offset: number, length: number): Uint8Array
}

/**
 * Finds the file a tensor names as its location.
 * @param where the tensor's name, for errors
 * @throws FormatError where there is no such file or the location leads elsewhere
 */
export type ExternalFiles = (location: string, where: string) => ExternalFile

/** External files held in memory, by location: for browsers, and for models that came over a network. */
export const memoryFiles =
  (files: Readonly<Record<string, Uint8Array>>): ExternalFiles =>
  (location, where) => {
    const path = checkedLocation(location, where).join('/')
    const bytes = Object.hasOwn(files, path) ? files[path] : undefined
    if (bytes === undefined) return missing(location, where)
    return { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) }
  }

/**
 * External files in a folder (Node). A location names a regular file inside the folder: neither its path nor a symbolic
 * link on it may lead out.
 */
export function folderFiles(folder: string): ExternalFiles {
  // Not imported at the top: this file is part of browser builds, too.
  const fs = process.getBuiltinModule('node:fs')
  const path = process.getBuiltinModule('node:path')
  return (location, where) => {
    const wanted = path.join(folder, ...checkedLocation(location, where))
    let real: string
    let root: string
    try {
      root = fs.realpathSync(folder)
      real = fs.realpathSync(wanted)
    } catch {
      return missing(location, where)
    }
    if (!real.startsWith(root.endsWith(path.sep) ? root : root + path.sep)) return outside(location, where)
    const stats = fs.statSync(real)
    // Opening a pipe or a device could wait for ever.
    if (!stats.isFile()) return missing(location, where)
    return {
      size: stats.size,
      read: (offset, length) => {
        const bytes = new Uint8Array(length)
        const file = fs.openSync(real, 'r')
        try {
          for (let done = 0; done < length; ) {
            const count = fs.readSync(file, bytes, done, Math.min(length - done, 2 ** 30), offset + done)
            if (count === 0) return missing(location, where)
            done += count
          }
        } finally {
          fs.closeSync(file)
        }
        return bytes
      },
    }
  }
}

/** The parts of a relative path that goes nowhere but down, whichever system wrote it. */
function checkedLocation(location: string, where: string): string[] {
  const parts = location.split(/[\\/]/)
  const bad = location === '' || location.includes('\0') || /^[\\/]|^[A-Za-z]:/.test(location) || parts.includes('..')
  if (bad) return outside(location, where)
  return parts.filter(part => part !== '.' && part !== '')
}

function outside(location: string, where: string): never {
  throw new FormatError({
    code: 'external-path',
    where,
    expected: 'a file inside the folder of the model',
    received: location,
  })
}

function missing(location: string, where: string): never {
  throw new FormatError({
    code: 'external-missing',
    where,
    expected: `the file ${location}`,
    received: 'none that can be read',
  })
}
