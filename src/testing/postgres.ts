import { execFileSync } from 'node:child_process'
import { accessSync, chmodSync, chownSync, constants, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/** A PostgreSQL server for tests, with an empty data folder of its own, listening on this machine alone. */
export interface TestPostgres {
  /** Makes a database and gives its URL. */
  database(): string
  /** Breaks all connections as a server that falls and comes up again does. */
  restart(mode: 'fast' | 'immediate'): void
  stop(): void
}

/** Where PostgreSQL's programs are: on the PATH, or where Debian puts them; null where there are none. */
export function findPostgres(): string | null {
  const debian = '/usr/lib/postgresql'
  const versions = readable(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [
    ...versions.map(version => join(debian, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ]
  return folders.find(folder => ['initdb', 'pg_ctl', 'createdb'].every(name => readable(join(folder, name)))) ?? null
}

const readable = (path: string): boolean => {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}

/** The server does not run as root; somebody else then. */
function user(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  const line = lines.find(l => l.startsWith('postgres:')) ?? lines.find(l => l.startsWith('nobody:'))
  const [, , uid, gid] = (line ?? '').split(':')
  return { uid: Number(uid), gid: Number(gid) }
}

/** @param options durable: waits for the disk as servers do that are not there for tests. */
export async function startPostgres(
  bin: string,
  { durable = false }: { durable?: boolean } = {},
): Promise<TestPostgres> {
  const who = user()
  const folder = mkdtempSync(join(tmpdir(), 'anneal-pg-'))
  chmodSync(folder, 0o700)
  if (who.uid !== undefined) chownSync(folder, who.uid, who.gid!)
  const data = join(folder, 'data')
  const port = await freePort()
  const run = (name: string, args: readonly string[]) =>
    execFileSync(join(bin, name), args, { ...who, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  run('initdb', ['-D', data, '-U', 'anneal', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale', 'C'])
  const options = [
    `-p ${port}`,
    '-c listen_addresses=127.0.0.1',
    `-c unix_socket_directories=${folder}`,
    '-c max_connections=120',
    '-c shared_buffers=32MB',
    '-c timezone=Asia/Tokyo', // dates are to be UTC wherever the server is
    `-c fsync=${durable ? 'on' : 'off'}`,
  ].join(' ')
  const log = join(folder, 'log')
  const start = () => {
    // pg_ctl's child would keep our pipes open.
    execFileSync(join(bin, 'pg_ctl'), ['-D', data, '-o', options, '-l', log, '-w', 'start'], {
      ...who,
      cwd: folder,
      stdio: 'ignore',
    })
  }
  start()
  let databases = 0
  return {
    database: () => {
      const name = `anneal_${databases++}`
      run('createdb', ['-h', '127.0.0.1', '-p', `${port}`, '-U', 'anneal', name])
      return `postgresql://anneal:s3cr3t%40word@127.0.0.1:${port}/${name}`
    },
    restart: mode => {
      run('pg_ctl', ['-D', data, '-m', mode, '-w', 'stop'])
      start()
    },
    stop: () => {
      run('pg_ctl', ['-D', data, '-m', 'immediate', '-w', 'stop'])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
