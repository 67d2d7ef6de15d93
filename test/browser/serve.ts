import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** package.json's `browser` map on the sources instead of the built files; bundlers follow it by themselves. */
const browserMap: Plugin = {
  name: 'browser-map',
  setup(build) {
    const { browser } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      browser: Record<string, string>
    }
    const source = (built: string): string => resolve(root, built.replace('./dist/', 'src/').replace(/\.js$/, '.ts'))
    const map = new Map(Object.entries(browser).map(([from, to]) => [source(from), source(to)]))
    build.onResolve({ filter: /^\.{1,2}\/.*\.js$/ }, ({ path, resolveDir }) => {
      const replacement = map.get(resolve(resolveDir, path.replace(/\.js$/, '.ts')))
      return replacement === undefined ? undefined : { path: replacement }
    })
  },
}

/** The page's scripts by name. Fails where anything but Node's own modules, reached by dynamic import, is left out. */
export async function bundle(): Promise<ReadonlyMap<string, string>> {
  const result = await build({
    entryPoints: [join(root, 'test/browser/page.ts')],
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    outdir: join(root, 'dist-page'),
    external: ['node:*'],
    plugins: [browserMap],
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  for (const [path, { imports }] of Object.entries(result.metafile.inputs))
    for (const used of imports)
      if (used.path.startsWith('node:') && used.kind !== 'dynamic-import')
        throw new Error(`${path} needs ${used.path} at once`)
  return new Map(result.outputFiles.map(file => [`/${relative(join(root, 'dist-page'), file.path)}`, file.text]))
}

/** Serves the page, its scripts and ONNX Runtime's WebAssembly files on 127.0.0.1. */
export async function serve(scripts: ReadonlyMap<string, string>): Promise<{ url: string; server: Server }> {
  const runtime = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'))
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    const script = scripts.get(path)
    const send = (type: string, body: string | Uint8Array): void => {
      response.writeHead(200, { 'content-type': type }).end(body)
    }
    if (path === '/') send('text/html', '<!doctype html><script type="module" src="/page.js"></script>')
    else if (script !== undefined) send('text/javascript', script)
    else if (/^\/[\w.-]+\.wasm$/.test(path)) send('application/wasm', readFileSync(join(runtime, path)))
    else response.writeHead(404).end()
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`, server }
}
