import { DataError, FormatError, type Tensor } from '../ir/index.js'
import { gunzip } from './files.js'
import { decodeIdx, readIdx } from './idx.js'

/** Images uint8 [n, 28, 28] and labels uint8 [n]. */
export interface Digits {
  readonly images: Tensor
  readonly labels: Tensor
}

interface MnistFile {
  readonly name: string
  readonly sha256: string
}

// The files as LeCun, Cortes and Burges published them, and where they are mirrored.
const parts: Readonly<Record<'train' | 'test', { readonly images: MnistFile; readonly labels: MnistFile }>> = {
  train: {
    images: {
      name: 'train-images-idx3-ubyte',
      sha256: '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609',
    },
    labels: {
      name: 'train-labels-idx1-ubyte',
      sha256: '3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c',
    },
  },
  test: {
    images: {
      name: 't10k-images-idx3-ubyte',
      sha256: '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6',
    },
    labels: {
      name: 't10k-labels-idx1-ubyte',
      sha256: 'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6',
    },
  },
}
const mirrors = [
  'https://ossci-datasets.s3.amazonaws.com/mnist/',
  'https://storage.googleapis.com/cvdf-datasets/mnist/',
]

/** The parts of MNIST in a folder, undefined for one that is not there; files gzip or not. */
export async function readMnistFolder(
  folder: string,
): Promise<{ train: Digits | undefined; test: Digits | undefined }> {
  const { readdir } = await import('node:fs/promises')
  const { join } = await import('node:path')
  const there = new Set(await readdir(folder).catch(() => []))
  const pathOf = (file: MnistFile): string | undefined => {
    // Some archives name them with a dot: train-images.idx3-ubyte.
    const names = [file.name, file.name.replace('-idx', '.idx')].flatMap(name => [name, `${name}.gz`])
    const found = names.find(name => there.has(name))
    return found === undefined ? undefined : join(folder, found)
  }
  const read = async (part: 'train' | 'test'): Promise<Digits | undefined> => {
    const [images, labels] = [pathOf(parts[part].images), pathOf(parts[part].labels)]
    if (images === undefined && labels === undefined) return undefined
    if (images === undefined || labels === undefined)
      throw new DataError({
        code: 'mnist-incomplete',
        where: folder,
        expected: `${parts[part].images.name} and ${parts[part].labels.name}`,
        received: `only ${images ?? labels}`,
      })
    return checkDigits({ images: await readIdx(images), labels: await readIdx(labels) }, images, labels)
  }
  return { train: await read('train'), test: await read('test') }
}

function checkDigits(digits: Digits, imagesAt: string, labelsAt: string): Digits {
  const { images, labels } = digits
  const fail = (where: string, expected: string, t: Tensor) =>
    new FormatError({ code: 'mnist-shape', where, expected, received: `${t.dtype} [${t.shape.join(', ')}]` })
  if (
    images.dtype !== 'uint8' ||
    images.shape.length !== 3 ||
    images.shape[1] !== 28 ||
    images.shape[2] !== 28 ||
    images.shape[0] === 0
  )
    throw fail(imagesAt, 'uint8 [n, 28, 28]', images)
  if (labels.dtype !== 'uint8' || labels.shape.length !== 1 || labels.shape[0] !== images.shape[0])
    throw fail(labelsAt, `uint8 [${images.shape[0]}], one label for each image`, labels)
  const wrong = (labels.data as Uint8Array).findIndex(label => label > 9)
  if (wrong >= 0)
    throw new DataError({
      code: 'label-out-of-range',
      where: `${labelsAt}, label ${wrong}`,
      expected: 'from 0 to 9',
      received: labels.data[wrong],
    })
  return digits
}

export interface DownloadOptions {
  fetch?: typeof globalThis.fetch
  signal?: AbortSignal
}

/**
 * Fetches the four files into a folder: all of them or none. Each is checked against its SHA-256 sum and read first.
 *
 * @throws DataError when no mirror gives a file that passes.
 */
export async function downloadMnist(
  folder: string,
  { fetch = globalThis.fetch, signal }: DownloadOptions = {},
): Promise<void> {
  const { mkdir, rename, rm, writeFile } = await import('node:fs/promises')
  const { join } = await import('node:path')
  const fetched: { path: string; bytes: Uint8Array }[] = []
  for (const file of Object.values(parts).flatMap(part => [part.images, part.labels])) {
    const name = `${file.name}.gz`
    fetched.push({ path: join(folder, name), bytes: await firstGood(file, name, fetch, signal) })
  }
  await mkdir(folder, { recursive: true })
  for (const { path, bytes } of fetched) {
    // Renamed when whole, so that a reader never meets half a file.
    const unfinished = `${path}.${globalThis.crypto.randomUUID()}.part`
    try {
      await writeFile(unfinished, bytes)
      await rename(unfinished, path)
    } catch (cause) {
      await rm(unfinished, { force: true })
      throw new DataError({
        code: 'file-unwritable',
        where: path,
        expected: 'a folder that can be written to',
        received: String(cause),
        cause,
      })
    }
  }
}

async function firstGood(
  file: MnistFile,
  name: string,
  fetch: typeof globalThis.fetch,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const problems = []
  for (const mirror of mirrors) {
    const where = `${mirror}${name}`
    signal?.throwIfAborted()
    try {
      const response = await fetch(where, signal === undefined ? {} : { signal })
      if (!response.ok) {
        problems.push({ code: 'http', where, expected: 'status 200', received: response.status })
        continue
      }
      const bytes = new Uint8Array(await response.arrayBuffer())
      const sum = await sha256(bytes)
      if (sum !== file.sha256) {
        problems.push({ code: 'checksum', where, expected: file.sha256, received: sum })
        continue
      }
      decodeIdx(await gunzip(bytes, { where }), where)
      return bytes
    } catch (cause) {
      signal?.throwIfAborted()
      problems.push({
        code: 'network',
        where,
        expected: 'an answer',
        received: cause instanceof Error ? cause.message : String(cause),
      })
    }
  }
  throw new DataError({
    code: 'download-failed',
    where: name,
    expected: 'the file from one of its mirrors',
    received: `${problems.length} failures`,
    hint: 'put the files into a folder and name it in ANNEAL_DATA, or use drawn digits',
    problems,
  })
}

async function sha256(bytes: Uint8Array): Promise<string> {
  // Digest wants memory that is not shared, which a Uint8Array's type leaves open.
  const digest = await globalThis.crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)
  return Array.from(new Uint8Array(digest), byte => byte.toString(16).padStart(2, '0')).join('')
}
