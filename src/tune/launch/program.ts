import { spawn } from 'node:child_process'
import { ConfigError, RuntimeError } from '../../ir/index.js'

/**
 * Runs a program, and gives what it wrote.
 * @throws ConfigError `no-program` where it is not there, RuntimeError `program-failed` with what it complained of
 */
export async function runProgram(
  name: string,
  args: readonly string[],
  { input = '', env = {} }: { input?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const child = spawn(name, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
  const gather = (stream: NodeJS.ReadableStream) => {
    const parts: string[] = []
    stream.setEncoding('utf8').on('data', (text: string) => parts.push(text))
    return parts
  }
  const [out, errors] = [gather(child.stdout), gather(child.stderr)]
  child.stdin.on('error', () => {}) // it may end without reading
  child.stdin.end(input)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', error =>
      reject(
        new ConfigError({
          code: 'no-program',
          where: name,
          expected: `${name} on the PATH`,
          received: error.message,
          cause: error,
        }),
      ),
    )
    child.once('close', resolve)
  })
  if (code !== 0)
    throw new RuntimeError({
      code: 'program-failed',
      where: [name, ...args].join(' '),
      expected: 'exit code 0',
      received: `${code}: ${errors.join('').trim() || out.join('').trim()}`,
    })
  return out.join('')
}
